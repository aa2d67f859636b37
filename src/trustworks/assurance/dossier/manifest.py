"""The manifest: every file of a dossier with its SHA-256 and size; the seal is over it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from trustworks.assurance.report import NOT_A_DECISION
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trustworks.assurance.dossier.model import File

NAME: Final = "manifest.json"
SEAL: Final = "manifest.json.p7s"
SUM: Final = f"{SEAL}.sha256"
"""The seal's own checksum: a few octets of a CMS are under no signature, such as hints for readers."""
KIND: Final = "trustworks.dossier"
VERSION: Final = 1
_LONGEST: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What the manifest says of a file."""

    name: str
    sha256: str
    size: int


def write(files: Iterable[File], about: Mapping[str, Any]) -> bytes:
    """The manifest of files, the same octets for the same files."""
    listed = [
        {
            "name": one.name,
            "sha256": hashlib.sha256(one.content).hexdigest(),
            "size": len(one.content),
            "about": one.about,
        }
        for one in sorted(files, key=lambda one: one.name)
    ]
    found = {"kind": KIND, "version": VERSION, "statement": NOT_A_DECISION, **about, "files": listed}
    return (json.dumps(found, indent=1, ensure_ascii=False) + "\n").encode()


def checksum(seal: bytes) -> bytes:
    """The line that `sha256sum -c` reads."""
    return f"{hashlib.sha256(seal).hexdigest()}  {SEAL}\n".encode()


def read(octets: bytes) -> tuple[dict[str, Any], tuple[Listed, ...]]:
    """What a manifest says, and its files. Raises `Malformed` for what is none."""
    if len(octets) > _LONGEST:
        raise Malformed(f"{NAME} has more than {_LONGEST} octets, which no manifest of a dossier has.")
    try:
        found = json.loads(octets)
        if found["kind"] != KIND:
            raise Malformed(f"{NAME} is not that of a dossier.")
        if found["version"] != VERSION:
            raise Malformed(
                f"{NAME} is of version {found['version']!a:.20}, and this release reads {VERSION}. Verify "
                "the dossier by the release that made it."
            )
        listed = tuple(
            Listed(name=_text(one["name"]), sha256=_text(one["sha256"]), size=int(one["size"]))
            for one in found["files"]
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Malformed(f"{NAME} cannot be read as the manifest of a dossier.") from error
    if len({one.name for one in listed}) != len(listed):
        raise Malformed(f"{NAME} names a file twice.")
    return found, listed


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
