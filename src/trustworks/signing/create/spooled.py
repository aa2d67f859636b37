"""Large files on their way: written to the disk once, where they can be read as often as it takes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final
from weakref import finalize

from trustworks.core.errors import Unavailable
from trustworks.formats.data import Octets, Protected, Stored, password_of

if TYPE_CHECKING:
    from trustworks.formats.data import Data

IN_MEMORY: Final = 16 * 1024 * 1024
"""Octets of a file that is held in memory instead."""


def spooled(data: Data, folder: Path | None) -> Data:
    """The same data, as octets or in a file without a name for others, which goes with the answer.

    A password that was given with it stays with it.

    Raises `Unavailable` (``signing.disk``) where the disk does not take it.
    """
    password = password_of(data)
    found = _spooled(data.data if isinstance(data, Protected) else data, folder)
    return Protected(found, password) if password else found


def _spooled(data: Data, folder: Path | None) -> Data:
    if isinstance(data, (Octets, Stored)):
        return data
    if data.size <= IN_MEMORY:
        return Octets(data.octets(), data.name)
    try:
        descriptor, place = tempfile.mkstemp(prefix="signing-", dir=folder)
        path = Path(place)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                for portion in data.portions():
                    stream.write(portion)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Unavailable(
            "signing.disk",
            f"The signed file cannot be put aside: {error.strerror}. Make room, or name another folder.",
        ) from error
    kept = Spooled(path, data.name)
    finalize(kept, path.unlink, missing_ok=True)
    return kept


class Spooled(Stored):
    """A file that goes when nobody holds it any more."""

    __slots__ = ("__weakref__",)
