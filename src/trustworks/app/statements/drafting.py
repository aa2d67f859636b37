"""Draws statements from templates: ours in this package, the provider's in the folder it names.

A template is Markdown with Jinja's marks. What it prints of the configuration is escaped, so that a name with
a star in it stays a name. What only the provider can say is asked for by `own`: a file of the provider's
folder, else a setting of ``[statements]``, else it is told to be missing, in the text and to the operator.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from trustworks.app.statements.blocks import check_paragraphs, escaped
from trustworks.app.statements.model import Document, Draft, Missing
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jinja2 import Template

    from trustworks.app.configuration.config import Config
    from trustworks.app.configuration.statements import StatementsSettings
    from trustworks.app.statements.facts import Facts

LARGEST: Final = 262_144  # octets of a file of the provider's
_IN_URLS: Final = ":/?#[]@!$&'()*+,;=%~"
_PARAGRAPH: Final = re.compile(r"([a-z][a-z0-9-]*)(?:\.([a-z]{2}))?\.md")
_TEMPLATE: Final = re.compile(r"(cps|pds|tsa|terms)\.([a-z]{2})\.md\.j2")


class Marked(str):
    """Markdown, which is printed as it is."""

    __slots__ = ()


def wanted(config: Config) -> tuple[tuple[Document, str], ...]:
    """The statements that a provider of this configuration has, each in each language."""
    found = [Document.TERMS]
    if config.timestamping is not None:
        found.insert(0, Document.TSA)
    if config.issuance is not None:
        found = [Document.CPS, Document.PDS, *found]
    return tuple((document, language) for document in found for language in config.statements.languages)


def draft(document: Document, language: str, facts: Facts) -> Draft:
    """The statement as it would be now. Raises `Malformed` for what is wrong in the provider's own files."""
    folder = Own.read(facts.config.statements)
    source = folder.template(document, language)
    asked = _Asked(folder, language)
    try:
        text = _compiled(source).render(
            facts=facts,
            config=facts.config,
            issuance=facts.config.issuance,
            timestamping=facts.config.timestamping,
            own=asked.own,
            may_say=asked.may_say,
            code=lambda value: Marked(f"`{str(value).replace('`', '')}`"),
            link=_link,
        )
    except TemplateError as error:
        raise Malformed(
            f"The template of the statement {document.value} in {language} cannot be drawn: {error}. Mend "
            f"{document.value}.{language}.md.j2 in the folder of [statements] paragraphs."
        ) from error
    title, _, rest = text.lstrip().partition("\n")
    if not title.startswith("# "):
        raise Malformed(
            f"The template of the statement {document.value} in {language} does not begin with its title: "
            "let its first line be `# ` and the title."
        )
    return Draft(
        document=document,
        language=language,
        title=title.removeprefix("# ").strip(),
        text=f"{_tidy(rest)}\n",
        missing=tuple(asked.missing.values()),
    )


def _tidy(text: str) -> str:
    """Without blanks at the ends of lines, and without the empty lines that Jinja's marks leave."""
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+\n", "\n", text)).strip()


class Own:
    """The provider's own paragraphs and templates, read and checked."""

    def __init__(self, settings: StatementsSettings, files: dict[str, str]) -> None:
        self._settings = settings
        self._files = files

    @classmethod
    def read(cls, settings: StatementsSettings) -> Own:
        """Read the folder. Raises `Malformed` for a file that no statement asks for, or that is no text."""
        folder = settings.paragraphs
        files: dict[str, str] = {}
        if folder is not None:
            try:
                entries = sorted(folder.iterdir())
            except OSError as error:
                raise Malformed(
                    f"[statements] paragraphs: {folder} cannot be read: {error.strerror}."
                ) from None
            for file in entries:
                if not file.name.startswith(".") and file.suffix in {".md", ".j2"}:
                    files[file.name] = cls._text(file)
        return cls(settings, files)

    @staticmethod
    def _text(file: Path) -> str:
        paragraph = _PARAGRAPH.fullmatch(file.name)
        if paragraph is None and _TEMPLATE.fullmatch(file.name) is None:
            raise Malformed(
                f"{file} is neither a paragraph (KEY.md or KEY.en.md) nor a template (cps.de.md.j2); "
                "rename it."
            )
        if paragraph is not None and paragraph[1] not in keys():
            raise Malformed(
                f"{file}: no statement asks for {paragraph[1]!r}. There are: {', '.join(sorted(keys()))}."
            )
        try:
            with file.open("rb") as opened:
                octets = opened.read(LARGEST + 1)
            if len(octets) > LARGEST:
                raise Malformed(f"{file} is longer than {LARGEST >> 10} KiB; shorten it.")
            text = octets.decode("utf-8")
        except OSError as error:
            raise Malformed(f"{file} cannot be read: {error.strerror}.") from None
        except UnicodeDecodeError as error:
            raise Malformed(f"{file} is not UTF-8 text (byte {error.start}).") from None
        if paragraph is not None:
            check_paragraphs(text, str(file))
        return text.replace("\r\n", "\n").strip()

    def template(self, document: Document, language: str) -> str:
        """The provider's template, else ours. Raises `Malformed` where there is none in that language."""
        name = f"{document.value}.{language}.md.j2"
        if name in self._files:
            return self._files[name]
        ours = resources.files(__package__).joinpath("templates", name)
        if not ours.is_file():
            raise Malformed(
                f"There is no template of the statement {document.value} in {language!r}: put {name} into "
                "the folder of [statements] paragraphs (the English one in this package shows what it may "
                "use), or take the language out of [statements] languages."
            )
        return ours.read_text(encoding="utf-8")

    def paragraph(self, key: str, language: str) -> Marked | None:
        """What the provider says about `key`: the file in the language, the file, the setting."""
        found = self._files.get(f"{key}.{language}.md") or self._files.get(f"{key}.md")
        if found:
            return Marked(found)
        value = getattr(self._settings, key.replace("-", "_"), None)
        if value is None or key in {"languages", "paragraphs"}:
            return None
        shown = f"{value:g}" if isinstance(value, float) else str(value)
        return Marked("\\\n".join(escaped(line) for line in shown.strip().splitlines()))


class _Asked:
    """What a template asks of the provider, and what of it was missing."""

    def __init__(self, folder: Own, language: str) -> None:
        self._folder = folder
        self._language = language
        self.missing: dict[str, Missing] = {}

    def own(self, key: str, words: str) -> Marked:
        """What the provider says about `key`; where it says nothing, that this is missing."""
        found = self._folder.paragraph(key, self._language)
        if found is None:
            self.missing[key] = Missing(key=key, words=words)
            return Marked(f"**Missing: {escaped(words)}.**")
        return found

    def may_say(self, key: str, otherwise: str = "No stipulation.") -> Marked:
        """What the provider says about `key`, or what holds when it says nothing."""
        return self._folder.paragraph(key, self._language) or Marked(otherwise)


@cache
def keys() -> frozenset[str]:
    """All that our templates ask the provider for."""
    found: set[str] = set()
    for file in resources.files(__package__).joinpath("templates").iterdir():
        if file.name.endswith(".md.j2"):
            found.update(re.findall(r'\b(?:own|may_say)\("([a-z0-9-]+)"', file.read_text(encoding="utf-8")))
    return frozenset(found)


@lru_cache(maxsize=64)
def _compiled(source: str) -> Template:
    """To compile a template takes longer than to draw it, and statements are compared again and again."""
    return _environment().from_string(source)


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    # A sandbox, as the provider's templates are files that others than the services' account may write.
    environment = ImmutableSandboxedEnvironment(
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )
    shown: dict[str, Callable[..., Any]] = {
        "day": lambda moment: f"{moment:%Y-%m-%d}",
        "hours": _hours,
        "number": lambda value: f"{value:g}",
    }
    environment.filters.update(shown)
    return environment


def _link(url: str) -> Marked:
    return Marked(f"<{quote(url, safe=_IN_URLS)}>")


def _finalized(value: Any) -> str:
    return value if isinstance(value, Marked) else escaped(str(value))


def _hours(value: float) -> str:
    """Hours, or days where they are whole ones."""
    if value >= 48 and value % 24 == 0:
        return f"{value / 24:g} days"
    return "1 hour" if value == 1 else f"{value:g} hours"
