"""Characters that make text look other than it is: direction, invisible ones, letters of several scripts.

Source: Unicode Technical Report 36 and Technical Standard 39 (security considerations), as far as a reader
without context can tell.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.signing.shown.codes import found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.signing.shown.model import Finding

_OVERRIDE: Final = re.compile("[\u202d\u202e]")
_BIDI: Final = re.compile("[\u202a-\u202c\u2066-\u2069]")
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2060-\u2065\u206a-\u206f"
    "\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
_ODD: Final = re.compile("|".join(one.pattern for one in (_OVERRIDE, _BIDI, _INVISIBLE, _CONTROL)))
_ALIKE: Final = (
    re.compile(r"\b(?=\w*[A-Za-z])(?=\w*[\u0370-\u03ff\u0400-\u052f])[^\W\d_]{2,}\b"),
    # Letters that look like Latin ones and stand for others in mathematics or East Asian typesetting.
    re.compile("[\U0001d400-\U0001d7ff]"),
)
_WORDS: Final = 5
"""Words of several scripts that are named."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Text as it is drawn, or one character that would not be seen: its number and its name in Unicode."""

    text: str
    number: str = ""
    name: str = ""


@implements("TRUSTWORKS:SHOWN-LETTERS", disabled=())
def odd_letters(text: str) -> tuple[Finding, ...]:
    """What of a text is not seen, or seen as something else."""
    findings = []
    for code, pattern in (
        ("text.bidi-override", _OVERRIDE),
        ("text.bidi", _BIDI),
        ("text.invisible", _INVISIBLE),
        ("text.control", _CONTROL),
    ):
        if count := sum(1 for _ in pattern.finditer(text)):
            findings.append(found(code, count=count))
    mixed = list(dict.fromkeys(one.group() for pattern in _ALIKE for one in pattern.finditer(text)))
    if mixed:
        findings.append(found("text.mixed-scripts", words=", ".join(one[:40] for one in mixed[:_WORDS])))
    return tuple(findings)


def pieces(text: str) -> Iterator[Piece]:
    """The text cut where a character would not be seen, so that it can be drawn as what it is."""
    begin = 0
    for one in _ODD.finditer(text):
        if begin < one.start():
            yield Piece(text[begin : one.start()])
        letter = one.group()
        number = f"U+{ord(letter):04X}"
        yield Piece(letter, number, unicodedata.name(letter, "control character"))
        begin = one.end()
    if begin < len(text):
        yield Piece(text[begin:])
