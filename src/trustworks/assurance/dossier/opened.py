"""A dossier opened to be read: its files by name, from a folder or a container, and what is wrong with it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from trustworks.assurance.dossier import manifest
from trustworks.assurance.dossier.sealing import media_type_of
from trustworks.core.errors import Malformed
from trustworks.formats.asic.archive import open_archive
from trustworks.formats.asic.creating.manifests import file_list
from trustworks.formats.data import Stored
from trustworks.formats.limits import DEFAULT
from trustworks.formats.zip_writer import NewMember, Zip

if TYPE_CHECKING:
    from trustworks.formats.data import Data

MOST_FILES: Final = 20_000
"""Of a folder; a container has limits of its own."""
_LONGEST: Final = 64 * 1024 * 1024
_CONTAINER: Final = "application/vnd.etsi.asic-e+zip"
_LIST: Final = "META-INF/manifest.xml"
_SIGNATURE: Final = "META-INF/signatures"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """`files` are all that is there but the seal; `seal` is the file that holds it, with `detached` data.

    `faults` are sentences about what is there and cannot be a dossier's.
    """

    place: Path
    files: dict[str, Data]
    seal: Data
    detached: tuple[Data, ...]
    faults: tuple[str, ...] = ()

    def octets(self, name: str) -> bytes:
        """A file whole. Raises `Malformed` where there is none, or it is too long to be read."""
        found = self.files.get(name)
        if found is None:
            raise Malformed(f"{self.place} has no {name}: it is no dossier, or not whole.")
        if found.size > _LONGEST:
            raise Malformed(f"{name} has more than {_LONGEST} octets, which it has in no dossier.")
        return found.octets()


def opened(place: Path) -> Opened:
    """A folder or a container. Raises `Malformed` for what is neither, or cannot be read."""
    try:
        if place.is_dir():
            return _folder(place)
        if place.is_file():
            return _container(place)
    except OSError as error:
        raise Malformed(f"{place} cannot be read: {error.strerror or error}.") from error
    raise Malformed(f"There is no dossier {place}. Name a folder, or a container.")


def _folder(place: Path) -> Opened:
    files: dict[str, Data] = {}
    faults: list[str] = []
    for folder, folders, names in os.walk(place, onerror=_raise):
        here = Path(folder)
        for name in (*folders, *names):
            one = here / name
            told = one.relative_to(place).as_posix()
            if one.is_symlink() or not (one.is_file() or one.is_dir()):
                faults.append(f"{told!a:.200} is a link or no file, which no dossier has.")
            elif one.is_file():
                files[told] = Stored(one, told)
        if len(files) > MOST_FILES:
            raise Malformed(f"{place} has more than {MOST_FILES} files, which no dossier has.")
    seal = files.pop(manifest.SEAL, None)
    known = files.pop(manifest.SUM, None)
    listed = files.get(manifest.NAME)
    if seal is None or listed is None:
        raise Malformed(
            f"{place} has no {manifest.NAME if listed is None else manifest.SEAL}: it is no dossier, or not "
            "whole. Get it again from who made it."
        )
    if known is None:
        faults.append(f"{manifest.SUM} is missing.")
    elif seal.size > _LONGEST or known.octets() != manifest.checksum(seal.octets()):
        faults.append(f"{manifest.SEAL} or {manifest.SUM} was changed: they do not belong together.")
    return Opened(place=place, files=files, seal=seal, detached=(listed,), faults=tuple(faults))


def _container(place: Path) -> Opened:
    whole = Stored(place, place.name)
    archive = open_archive(whole, DEFAULT)
    faults = [f"{one.text}" for one in archive.findings]
    files: dict[str, Data] = dict(archive.members)
    # Nothing is packed and no times are kept: there is one way to write it, and any other was not ours.
    again = Zip([NewMember(name=name, data=one) for name, one in files.items()], comment=archive.comment)
    if archive.comment or again.size != whole.size or again.digest("sha256") != whole.digest("sha256"):
        faults.append(f"{place.name!a:.200} is not written as a dossier is: it was changed.")
    kind = files.pop("mimetype", None)
    if kind is None or kind.size != len(_CONTAINER) or kind.octets() != _CONTAINER.encode():
        raise Malformed(f"{place} is no ASiC-E container, as a dossier in one file is.")
    seals = [name for name in files if name.startswith(_SIGNATURE)]
    if len(seals) != 1:
        raise Malformed(f"{place} has {len(seals)} seals, and a dossier has one.")
    del files[seals[0]]
    kind_list = files.pop(_LIST, None)
    wanted = file_list(_CONTAINER, [(name, media_type_of(name)) for name in files])
    if kind_list is None or kind_list.octets() != wanted:
        faults.append(f"{_LIST} is not that of a dossier: it was changed.")
    if manifest.NAME not in files:
        raise Malformed(f"{place} has no {manifest.NAME}: it is no dossier, or not whole.")
    return Opened(place=place, files=files, seal=whole, detached=(), faults=tuple(faults))


def _raise(error: OSError) -> None:
    raise error
