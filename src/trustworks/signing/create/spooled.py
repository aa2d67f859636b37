"""Large files on their way: written to the disk once, where they can be read as often as it takes."""

from __future__ import annotations

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
    """The same data, as octets or in a file without a name, which goes with who holds it.

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
        if folder is not None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Without a name: nothing stays behind, however this process ends.
        stream = tempfile.TemporaryFile(prefix="signing-", dir=folder)  # noqa: SIM115 - goes with the data
        try:
            for portion in data.portions():
                stream.write(portion)
            stream.flush()
        except BaseException:
            stream.close()
            raise
    except OSError as error:
        raise Unavailable(
            "signing.disk",
            f"The signed file cannot be put aside: {error.strerror}. Make room, or name another folder.",
        ) from error
    kept = Spooled(Path(f"/proc/self/fd/{stream.fileno()}"), data.name)
    finalize(kept, stream.close)
    return kept


class Spooled(Stored):
    """A file without a name, which this process alone can open, and which goes when nobody holds it."""

    __slots__ = ("__weakref__",)
