"""The files that custodians and operators carry: JSON with octets as base64url, read strictly.

Each is a frozen dataclass with `format`, which says what it is and in which version. They hold no secret in
the clear. `digest` is how people compare two of them, and what the audit log names them by.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Container

CONFIG: Final[ConfigDict] = ConfigDict(
    extra="forbid", ser_json_bytes="base64", val_json_bytes="base64", strict=True
)
LARGEST: Final[int] = 8 << 20

T = TypeVar("T")


def members(document: object) -> dict[str, Any]:
    """The document as JSON values."""
    found: dict[str, Any] = TypeAdapter(type(document)).dump_python(document, mode="json")
    return found


def write(document: object) -> bytes:
    """The document as the octets of a file."""
    return (json.dumps(members(document), indent=2, sort_keys=True, ensure_ascii=True) + "\n").encode("ascii")


def digest(document: object, *, without: Container[str] = ()) -> bytes:
    """SHA-256 over the document's members in one order and spelling, but for those that are left out."""
    kept = {name: value for name, value in members(document).items() if name not in without}
    octets = json.dumps(kept, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    return hashlib.sha256(octets).digest()


def read(kind: type[T], octets: bytes, what: str) -> T:
    """Read a document of one kind; `what` it is called, for the message. Raises `Malformed`."""
    try:
        if len(octets) > LARGEST:
            raise Malformed(
                f"{what} is longer than {LARGEST >> 20} MiB: it is another file. Name the right one."
            )
        return TypeAdapter(kind).validate_json(octets)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise Malformed(
            f"{what} is not as Trustworks writes it ({where!a:.100}: {first['msg']}). Name the right file, "
            "or "
            "take another copy of it."
        ) from None
