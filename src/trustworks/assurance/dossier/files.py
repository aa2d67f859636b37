"""How files of a dossier are named and written: the same octets for the same values."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from trustworks.assurance.dossier.model import File

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.assurance.dossier.model import Kept

_SAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


def flat(value: Any) -> dict[str, Any]:
    """A dataclass of plain values."""
    return {name: list(one) if isinstance(one, tuple) else one for name, one in _members(value)}


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    for name in type(value).__dataclass_fields__:
        yield name, getattr(value, name)


def place_of(one: Kept) -> str | None:
    """Where a file of the register is in the dossier; None where it is withheld."""
    return None if one.content is None else f"evidence/{one.sha256[:16]}-{named(one.name)}"


def named(text: str) -> str:
    """A name for a file, of letters that every system takes."""
    return _SAFE.sub("-", text).strip("-.")[:80] or "file"


def json_file(name: str, value: Any, what: str) -> File:
    """Values as a file of JSON; `what` says what it is."""
    return File(
        name=name, content=(json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode(), about=what
    )
