"""Making a dossier: its files, the seals, and the folder or container that holds them.

A folder has the manifest and a seal beside it; a container (ASiC-E) has a signature over every member. Either
is written whole or not at all.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from trustworks.assurance.dossier import manifest
from trustworks.assurance.dossier.contents import PAPER, about, contents
from trustworks.assurance.dossier.model import File
from trustworks.core.durable import put_new, synchronise
from trustworks.core.errors import Rejected
from trustworks.core.output import check_output, write_output

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from trustworks.assurance.dossier.model import Material
    from trustworks.assurance.dossier.sealing import Sealer
    from trustworks.assurance.engine import Forecast

CONTAINERS: Final = frozenset({".asice", ".sce", ".zip"})
"""A dossier whose name ends so is one file; any other is a folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A dossier that is sealed and not written yet.

    `files` are those of a folder, the manifest and its seal among them; `container` is the one file, where
    that was asked for. `manifest` is the SHA-256 of the manifest, by which a dossier is known.
    """

    manifest: str
    files: tuple[File, ...]
    container: bytes | None = None


def is_container(place: Path) -> bool:
    """Whether a dossier of that name is one file."""
    return place.suffix.lower() in CONTAINERS


def check_place(place: Path) -> None:
    """Ask whether a dossier can be written there, before anything is made.

    Raises `Rejected` (output.exists, output.unwritable, output.no-file).
    """
    if is_container(place):
        check_output(place)
    elif place.exists():
        raise Rejected("output.exists", f"{place} exists. Name a folder that does not.")
    elif not place.parent.is_dir():
        raise Rejected("output.unwritable", f"There is no folder {place.parent}. Make it, or name another.")


def make(material: Material, sealer: Sealer, *, container: bool, forecasts: Iterable[Forecast] = ()) -> Made:
    """All of a dossier, sealed. Raises as `Sealer`.

    The paper is sealed first, as it is a file like any other; then the manifest, which names it.
    """
    files, paper = contents(material, forecasts)
    files = (
        *files,
        File(name=PAPER, content=sealer.paper(paper), about="the dossier on paper (PDF/A), sealed"),
    )
    listed = manifest.write(files, about(material))
    files = (*files, File(name=manifest.NAME, content=listed, about="every file with its hash"))
    known = hashlib.sha256(listed).hexdigest()
    if container:
        return Made(manifest=known, files=files, container=sealer.container(files))
    seal = sealer.beside(listed)
    beside = (
        File(name=manifest.SEAL, content=seal, about="the seal over the manifest"),
        File(name=manifest.SUM, content=manifest.checksum(seal), about="the seal's own checksum"),
    )
    return Made(manifest=known, files=(*files, *beside))


def write(made: Made, place: Path) -> None:
    """Write it, whole. Raises as `check_place`."""
    if made.container is not None:
        write_output(place, [made.container])
        return
    part = place.with_name(f".{place.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o755)
        for one in made.files:
            file = part / one.name
            file.parent.mkdir(parents=True, exist_ok=True)
            put_new(file, [one.content], mode=0o644)
        part.rename(place)
        synchronise(place.parent)
    except OSError as error:
        raise Rejected(
            "output.unwritable", f"{place} cannot be written: {error.strerror or error}. Name another folder."
        ) from None
