"""JSON as it stands in signatures: bounded, and telling members that are there twice (RFC 8259, RFC 7515)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.errors import BeyondLimit, Malformed

if TYPE_CHECKING:
    from trustworks.formats.limits import Limits

_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_BRACKET: Final = re.compile(rb"[\[\]{}]")


def parse(octets: bytes, limits: Limits) -> tuple[Any, tuple[str, ...]]:
    """The value, and the names that one object has more than once (the last value is the one that is taken).

    Raises:
        Malformed: it is no JSON in UTF-8, or nests deeper or has more members than the limits allow.
    """
    _within(octets, limits)
    repeated: list[str] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            seen = set()
            for name, _ in pairs:
                if name in seen:
                    repeated.append(name)
                seen.add(name)
        return found

    try:
        # `utf-8-sig`: a byte order mark is allowed to be ignored (RFC 8259, 8.1).
        value = json.loads(octets.decode("utf-8-sig"), object_pairs_hook=members, parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise Malformed(f"Octet {error.start} of the JSON is not UTF-8.") from error
    except RecursionError as error:
        raise BeyondLimit("The JSON nests too deep to be read.") from error
    except ValueError as error:
        raise Malformed(f"The JSON cannot be read: {_without_value(error)}.") from error
    return value, tuple(dict.fromkeys(repeated))


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is no number of JSON")


def _without_value(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos}"
    if "integer string conversion" in str(error):
        return "it has a number of more digits than are read"
    return str(error).split(";", 1)[0]


def _within(octets: bytes, limits: Limits) -> None:
    # Counts of single characters are an upper bound and quick; only where that is too much are strings left
    # out of account.
    opened = octets.count(b"[") + octets.count(b"{")
    if opened <= limits.depth and octets.count(b",") + opened <= limits.elements:
        return
    bare = _STRING.sub(b"", octets)
    if bare.count(b",") + bare.count(b"[") + bare.count(b"{") > limits.elements:
        raise BeyondLimit(f"The JSON has more than the {limits.elements} members that are read.", "elements")
    depth = 0
    for bracket in _BRACKET.finditer(bare):
        if bracket.group() in b"[{":
            depth += 1
            if depth > limits.depth:
                raise BeyondLimit(
                    f"The JSON nests deeper than the {limits.depth} levels that are read.", "depth"
                )
        else:
            depth -= 1
