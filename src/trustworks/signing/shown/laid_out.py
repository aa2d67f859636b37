"""JSON laid out for people: each token as it stands, only the white space between them made anew."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trustworks.formats.jades import json_text
from trustworks.signing.shown.codes import found

if TYPE_CHECKING:
    from trustworks.formats.limits import Limits
    from trustworks.signing.shown.model import Finding

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\],:]|[^\s{}\[\],:"]++', re.DOTALL)
_OPEN: Final = ("{", "[")
_CLOSE: Final = ("}", "]")
_STEP: Final = "  "
_NAMES: Final = 5
"""Members that are named."""


def laid_out(octets: bytes, text: str, limits: Limits, most: int) -> tuple[str, tuple[Finding, ...]]:
    """The JSON with a line for each member, and the members that one object has more than once.

    Numbers and escapes are as they were written: what a program would make of them is not what is signed.
    The text ends soon after `most` characters.

    Raises:
        Malformed: it is no JSON, or beyond the limits.
    """
    _, repeated = json_text.parse(octets, limits)
    names = ", ".join(one[:40] for one in repeated[:_NAMES])
    findings = (found("json.duplicate", names=names),) if repeated else ()
    return _lines(text, most), findings


def _lines(text: str, most: int) -> str:
    made: list[str] = []
    depth = length = 0
    before = ""
    for one in _TOKEN.finditer(text):
        now = one.group()
        space = ""
        if now in _CLOSE:
            depth -= 1
            space = "" if before in _OPEN else "\n" + _STEP * depth
        elif before in _OPEN or before == ",":
            space = "\n" + _STEP * depth
        made += (space, ": " if now == ":" else now)
        length += len(space) + len(now)
        if length > most:
            break
        depth += now in _OPEN
        before = now
    return "".join(made)
