"""PDF values as octets (ISO 32000-2, 7.3): the other way round of `syntax`, which reads it back."""

from __future__ import annotations

import re
from dataclasses import field
from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.values import dataclass
from trustworks.formats.pades.syntax import Name, Ref, Stream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.formats.pades.syntax import Object

_PLAIN: Final = re.compile(rb"[\x20-\x7e]*\Z")
_SPECIAL: Final = re.compile(rb"[\\()]")
_NOT_REGULAR: Final = re.compile(rb"[^!-~]|[#()<>\[\]{}/%]")
_DEPTH: Final = 256


@dataclass(frozen=True, slots=True)
class NewStream:
    """A stream to be written. Its entries need no Length; they may hold further streams, each an object."""

    entries: Mapping[str, object]
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewObject:
    """A value to be written as an object by itself, once, wherever it is named."""

    value: object


def octets_of(value: Object, depth: int = 0) -> bytes:  # noqa: C901, PLR0911 - one for each kind of value
    """A value as it stands in a file.

    Raises:
        Malformed: it is nested too deeply, or a stream, which cannot stand within another value.
    """
    if depth > _DEPTH:
        raise Malformed(f"A value of the PDF is nested more than {_DEPTH} deep, and cannot be written again.")
    match value:
        case None:
            return b"null"
        case bool():
            return b"true" if value else b"false"
        case int():
            return b"%d" % value
        case float():
            return _real(value)
        case Name():
            return name(value)
        case bytes():
            return string(value)
        case Ref():
            return b"%d %d R" % value
        case list():
            return b"[" + b" ".join(octets_of(one, depth + 1) for one in value) + b"]"
        case dict():
            inside = (name(key) + b" " + octets_of(one, depth + 1) for key, one in value.items())
            return b"<< " + b" ".join([*inside, b">>"])
        case Stream():
            raise Malformed("A stream of the PDF stands where only its reference can, and is not written.")


def name(text: str) -> bytes:
    """A name, with what is not regular escaped (7.3.5)."""
    raw = text.encode("utf-8", "surrogateescape")
    return b"/" + _NOT_REGULAR.sub(lambda found: b"#%02X" % found[0][0], raw)


def string(octets: bytes) -> bytes:
    """A string: in parentheses where it is printable, else in hexadecimal."""
    if _PLAIN.match(octets):
        return b"(" + _SPECIAL.sub(lambda found: b"\\" + found[0], octets) + b")"
    return b"<" + octets.hex().upper().encode() + b">"


def text(said: str) -> bytes:
    """A text string: ASCII as it is, else UTF-16 with its mark, which every version of PDF has (7.9.2.2).

    Raises `Rejected` (pdf.text) for half a character.
    """
    if said.isascii():
        return said.encode("ascii")
    try:
        return b"\xfe\xff" + said.encode("utf-16-be")
    except UnicodeEncodeError as error:
        raise Rejected("pdf.text", f"{said!r:.100} has half a character. Leave it out.") from error


def date(moment: datetime) -> bytes:
    """A date of whole seconds in UTC (7.9.4)."""
    return f"D:{moment.astimezone(UTC):%Y%m%d%H%M%S}+00'00'".encode("ascii")


def stream(entries: dict[str, Object], content: bytes) -> bytes:
    """A stream with its length."""
    heading = octets_of({**entries, "Length": len(content)})
    return heading + b"\nstream\n" + content + b"\nendstream"


def _real(value: float) -> bytes:
    """A number without an exponent, which PDF has not (7.3.3)."""
    if not isfinite(value):
        return b"0"
    return f"{value:.10f}".rstrip("0").rstrip(".").encode()
