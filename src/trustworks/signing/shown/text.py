"""Octets as text: in which encoding, and how that is known."""

from __future__ import annotations

import codecs
import re
from email.message import Message
from typing import TYPE_CHECKING, Final

from trustworks.signing.shown.codes import cut, found
from trustworks.signing.shown.letters import odd_letters
from trustworks.signing.shown.model import Text

if TYPE_CHECKING:
    from typing import Literal

    from trustworks.signing.shown.bounds import Bounds
    from trustworks.signing.shown.model import Finding

_MARKS: Final = (
    (codecs.BOM_UTF8, "UTF-8"),
    (codecs.BOM_UTF32_LE, "UTF-32LE"),
    (codecs.BOM_UTF32_BE, "UTF-32BE"),
    (codecs.BOM_UTF16_LE, "UTF-16LE"),
    (codecs.BOM_UTF16_BE, "UTF-16BE"),
)
_KNOWN: Final = re.compile(
    r"utf-?8|us-ascii|ascii|utf-?16(?:le|be)?|utf-?32(?:le|be)?|iso-?8859-?(?:[1-9]|1[0-6])|latin-?1"
    r"|windows-125[0-8]|cp125[0-8]|koi8-[ru]",
    re.IGNORECASE,
)
"""Encodings that are taken from a media type; Python knows others that are no encodings of text."""
_WIDE: Final = ("UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE")
_NO_TEXT: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_UTF8: Final = re.compile(rb"[\xc3-\xdf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_SAMPLE: Final = 1024 * 1024


def is_text(octets: bytes) -> bool:
    """Whether octets may be text: they have a mark of an encoding, or hardly any control characters."""
    if any(octets.startswith(mark) for mark, name in _MARKS if name in _WIDE):
        return True
    sample = octets[:_SAMPLE]
    return b"\0" not in sample and 100 * sum(1 for _ in _NO_TEXT.finditer(sample)) <= len(sample)


def decoded(octets: bytes, media_type: str | None = None) -> tuple[str, str, tuple[Finding, ...]]:
    """The text, the name of its encoding, and what is uncertain about that.

    A mark at the beginning says it; else the media type, where the octets agree; else it is UTF-8 where the
    octets are that, which no other encoding is by chance; else Western European, which is a guess.
    """
    findings: list[Finding] = []
    said = _said(media_type)
    candidates = ("UTF-8",) if said is None else (said, "UTF-8")
    for mark, name in _MARKS:
        if octets.startswith(mark):
            return _marked(octets[len(mark) :], name)
    for name in dict.fromkeys(candidates):
        try:
            text = octets.decode(name)
        except (UnicodeDecodeError, LookupError):
            if name == said:
                findings.append(found("text.encoding-wrong", encoding=said))
            continue
        return text, "ASCII" if text.isascii() else name, tuple(findings)
    if _UTF8.search(octets):
        findings.append(found("text.mixed-encodings"))
    else:
        findings.append(found("text.encoding-guessed"))
    # What windows-1252 leaves open is read as Latin-1 has it: a control character, which is shown as one.
    text = octets.decode("cp1252", "latin1-for-rest")
    return text, "windows-1252", tuple(findings)


def _marked(octets: bytes, name: str) -> tuple[str, str, tuple[Finding, ...]]:
    try:
        return octets.decode(name), name, ()
    except UnicodeDecodeError:
        return octets.decode(name, "replace"), name, (found("text.encoding-wrong", encoding=name),)


def _said(media_type: str | None) -> str | None:
    """The encoding that a media type names, if it is one that is read here."""
    if media_type is None or "charset" not in media_type.lower():
        return None
    message = Message()
    message["content-type"] = media_type
    said = str(message.get_param("charset") or "")
    return said if _KNOWN.fullmatch(said) else None


def _rest(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - registered for decoding alone
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("latin1-for-rest", _rest)


def shown_text(
    text: str, encoding: str, bounds: Bounds, role: Literal["text", "source", "laid-out"] = "text"
) -> tuple[Text, tuple[Finding, ...]]:
    """A part of text, as long as is shown, and what is odd about all of it."""
    kept = text[: bounds.letters]
    findings = (*odd_letters(text), *cut(len(kept), len(text), "characters"))
    return Text(role=role, text=kept, encoding=encoding), findings
