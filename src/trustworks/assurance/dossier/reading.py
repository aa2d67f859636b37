"""The two forms that people read: a page that stands alone, and a paper (PDF/A-2a, PDF/UA-1)."""

from __future__ import annotations

import re
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import jinja2
from markupsafe import Markup

from trustworks.assurance.report import NOT_A_DECISION
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.assurance.dossier.layout import Chapter
    from trustworks.assurance.dossier.model import Material

_TITLE: Final = "Dossier of trustworthy systems and products"
# What the fonts of the typesetter have for certain: Latin, Greek, Cyrillic, general punctuation.
_NOT_IN_FONTS: Final = re.compile(
    r"[^\n\x20-\x7e\xa0-\u024f\u0370-\u0373\u0384-\u03ce\u0400-\u045f\u2010-\u2026]"
)


@cache
def _template() -> jinja2.Template:
    source = files(__package__).joinpath("dossier.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source)


def as_page(material: Material, found: Sequence[Chapter], banners: Sequence[str], drawing: bytes) -> bytes:
    """The page, which loads nothing from elsewhere."""
    return (
        _template()
        .render(
            **_head(material, banners),
            chapters=found,
            drawing=Markup(drawing.decode()),  # noqa: S704 - ours, and its texts are escaped
            statement=NOT_A_DECISION,
        )
        .encode()
    )


def as_paper(material: Material, found: Sequence[Chapter], banners: Sequence[str], drawing: bytes) -> bytes:
    """The paper; letters that the fonts do not have are printed as their code points."""
    from trustworks.core.pages.typesetting import typeset  # noqa: PLC0415 - loads the typesetter

    values: dict[str, Any] = {
        **_head(material, banners),
        "subject": WHAT,
        "chapters": [asdict(one) for one in found],
    }
    template = files(__package__).joinpath("dossier.typ").read_bytes()
    try:
        return typeset(template, values, material.made, pictures={"hierarchy.svg": drawing})
    except Malformed:
        shown = _in_fonts(values)
        picture = _NOT_IN_FONTS.sub(_code_point, drawing.decode()).encode()
        return typeset(template, shown, material.made, pictures={"hierarchy.svg": picture})


WHAT: Final = "What shows that systems and products are trustworthy. Evidence, no decision."


def _head(material: Material, banners: Sequence[str]) -> dict[str, Any]:
    return {
        "title": _TITLE,
        "author": material.provider.name,
        "made": f"{material.made:%Y-%m-%d %H:%M} UTC",
        "banners": list(banners),
    }


def _in_fonts(value: Any) -> Any:
    if isinstance(value, str):
        return _NOT_IN_FONTS.sub(_code_point, value)
    if isinstance(value, dict):
        return {name: _in_fonts(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_in_fonts(one) for one in value]
    return value


def _code_point(found: re.Match[str]) -> str:
    return f"U+{ord(found[0]):04X}"
