"""A row of a table as a hash, by which an event binds the record that it tells of."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from json import JSONEncoder
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.store.types import microseconds

if TYPE_CHECKING:
    from collections.abc import Sequence

_as_json: Final = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def row_digest(values: Sequence[Any]) -> bytes:
    """SHA-256 over a row as a JSON array: bytes in hexadecimal, times in microseconds.

    It is the array that RFC 8785 makes of them; the standard library's writer is three times as fast as ours.
    """
    plain = list(values)
    for place, value in enumerate(plain):
        kind = type(value)
        if kind is bytes:
            plain[place] = value.hex()
        elif kind is datetime:
            plain[place] = microseconds(value)
    return sha256(_as_json(plain).encode()).digest()
