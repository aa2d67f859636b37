"""Reads members out of JSON that may be anything: what has another type than it should is as if not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from trustworks.core.algorithms import HASH_FUNCTIONS
from trustworks.core.errors import Malformed
from trustworks.formats.jades.base64url import decode

if TYPE_CHECKING:
    from collections.abc import Mapping

DIGESTS: Final = {
    function.jades: name for name, function in HASH_FUNCTIONS.items() if function.jades is not None
}
"""Hash functions by the names that digAlg and hashM have for them (TS 119 182-1, 5.2.2.2)."""


def text(value: Any) -> str | None:
    """A string that has octets: none with half a character."""
    if isinstance(value, str) and value.isascii():
        return value
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return None
        return value
    return None


def members(value: Any) -> Mapping[str, Any]:
    """An object's members; none for what is no object."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """An array's items; none for what is no array."""
    return value if isinstance(value, list) else []


def octets(value: Any, what: str) -> bytes | None:
    """What a string of base64 or base64url stands for; None for another value or broken base64."""
    if not isinstance(value, str) or not value:
        return None
    try:
        return decode(value, what)
    except Malformed:
        return None


def digest_name(value: Any) -> str | None:
    """A hash function as the rest of the product calls it; the text itself where it is not known."""
    named = text(value)
    return None if named is None else DIGESTS.get(named, named)
