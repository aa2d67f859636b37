"""Reads JSON that somebody else may have written: whatever is wrong with it, the answer is `Malformed`."""

from __future__ import annotations

from json import JSONDecoder, dumps
from typing import Any, NoReturn

from trustworks.core.errors import Malformed

# Deeper than anything that we write, and far from where Python's own recursion ends.
DEEPEST = 200
# 64 bits with a sign are what both databases have.
MOST = 2**63 - 1


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


_decode = JSONDecoder(parse_constant=_no_number).decode


def loads(data: bytes) -> Any:
    """The JSON value in `data` (UTF-8). Raises `Malformed`, also for what nests too deep."""
    try:
        text = data.decode()
        value = _decode(text)
        if "\\u" in text:
            dumps(value, ensure_ascii=False).encode()  # half a surrogate pair cannot be printed
    except (ValueError, RecursionError, OverflowError) as error:
        raise Malformed(f"This cannot be read as JSON: {error}.") from error
    if text.count("[") + text.count("{") > DEEPEST and _is_deep(value):
        raise Malformed(f"This cannot be read: it nests more than {DEEPEST} levels deep.")
    return value


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def whole_number(value: Any, name: str) -> int:
    """`value`, where it is a whole number from 0 that a database holds; no boolean, no fraction, no text.

    Raises `Malformed`.
    """
    if type(value) is not int or not 0 <= value <= MOST:
        raise Malformed(f"The {name} is {value!r:.40}, and no whole number from 0 to {MOST}.")
    return value
