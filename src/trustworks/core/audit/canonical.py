"""Canonical JSON: one value, one sequence of bytes. Source: RFC 8785.

Numbers are integers that a double holds exactly, or finite doubles; anything else is refused, so that every
reader sees the value that was hashed. A writer of our own, because events are written on the hot path: the
library `rfc8785` takes five times as long, and is the judge in the tests.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring as _quoted
from typing import TYPE_CHECKING, TypeAlias

from trustworks.core.trace import implements

if TYPE_CHECKING:
    from typing import Any

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

_EXACT = 2**53 - 1


@implements("TRUSTWORKS:AUDIT-12", disabled=b"{}")
def canonical(value: JSON) -> bytes:
    """The canonical bytes of `value`. Raises ValueError for what JSON or RFC 8785 cannot express."""
    return canonical_text(value).encode()  # refuses lone surrogates: UnicodeEncodeError is a ValueError


def canonical_text(value: JSON) -> str:
    """As `canonical`, before the encoding as UTF-8."""
    writer = _WRITERS.get(type(value))
    return _other(value) if writer is None else writer(value)


def _object(value: Mapping[str, Any]) -> str:
    keys = list(value)
    try:
        keys.sort(key=None if "".join(keys).isascii() else _utf16)
    except TypeError:
        raise ValueError("the names in a JSON object are strings") from None
    writers = _WRITERS
    parts = []
    for key in keys:
        item = value[key]
        writer = writers.get(type(item))
        parts.append(_quoted(key) + ":" + (_other(item) if writer is None else writer(item)))
    return "{" + ",".join(parts) + "}"


def _utf16(key: str) -> bytes:
    # RFC 8785, 3.2.3: keys sort by UTF-16 code units, which differs from code points beyond U+FFFF.
    return key.encode("utf-16-be")


def _array(value: Sequence[Any]) -> str:
    return "[" + ",".join([canonical_text(item) for item in value]) + "]"


def _integer(value: int) -> str:
    if -_EXACT <= value <= _EXACT:
        return int.__repr__(value)
    raise ValueError(f"{value} is beyond what a JSON number holds exactly; write it as a string")


def _number(value: float) -> str:
    """ECMAScript's shortest form of a double. Source: RFC 8785, 3.2.2.3; ECMA-262, Number::toString."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is no JSON number")
    if value == 0:
        return "0"
    mantissa, _, exponent = float.__repr__(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    if fraction == "0":
        fraction = ""
    digits = (whole + fraction).lstrip("0")
    # The value is 0.DIGITS times ten to the power of `point`.
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        text = digits + "0" * (point - count)
    elif 0 < point <= 21:
        text = digits[:point] + "." + digits[point:]
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        text = digits[0] + ("." + digits[1:] if count > 1 else "") + f"e{point - 1:+d}"
    return "-" + text if value < 0 else text


def _other(value: Any) -> str:
    """Values whose type only behaves like JSON's: enumerations of strings, other mappings and sequences."""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        return _object(value)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return _array(value)
    raise ValueError(f"{type(value).__name__} is no JSON value: {value!r:.80}")


_WRITERS: dict[type, Any] = {
    str: _quoted,
    int: _integer,
    bool: {True: "true", False: "false"}.__getitem__,
    type(None): {None: "null"}.__getitem__,
    float: _number,
    dict: _object,
    list: _array,
    tuple: _array,
}
