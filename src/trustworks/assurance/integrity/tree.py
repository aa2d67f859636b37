"""What lies in the folders of an installation: names, kinds, modes, hashes. Nothing of it is imported or run.

A symbolic link is never followed below a root, nothing but a regular file is opened, and a file is read no
further than its size; so a tree that somebody else prepared can neither lead out nor hold up who looks at it.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from trustworks.assurance.integrity.manifest import WRITABLE, Kind, mode_of
from trustworks.core.errors import Malformed, Unavailable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

ITSELF: Final = "."  # the path of a root's own folder
MOST_NAMES: Final = 2_000_000  # of a tree that is looked at; an installation has thousands
_PORTION: Final = 1 << 20  # octets that are read at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a root lies on this machine.

    `only`: the files of the folder that belong to the root, where it is not the whole folder; `without`:
    folders right below it that do not, since they are none of this installation.
    """

    root: str
    folder: Path
    only: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()


class Trouble(StrEnum):
    """Why a file has no hash."""

    UNREADABLE = "unreadable"
    UNSTEADY = "unsteady"
    SPECIAL = "special"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One thing that lies below a root. `sha256` is None for what was not read.

    `writable` are the bits of its mode by which others than its owner may write; `empty` is of a folder.
    """

    root: str
    path: str
    kind: Kind
    mode: int = 0
    size: int = 0
    target: str = ""
    sha256: str | None = None
    trouble: Trouble | None = None
    reason: str = ""
    writable: int = 0
    empty: bool = False


def look(place: Place, *, sizes: dict[str, int] | None = None) -> Iterator[Seen]:
    """All below a root: files with their hashes, folders; its own folder where others may write to that.

    `sizes`: the sizes of the files whose hashes are wanted, by their paths; what is not among them, or has
    another size, is told and not read. None: all are read.

    Raises:
        Unavailable: integrity.root, for a folder that is not there or cannot be read.
        Malformed: more names than any installation has.
    """
    for number, (path, status, empty) in enumerate(_names(place)):
        if number > MOST_NAMES:
            raise Malformed(f"{place.folder} holds more than {MOST_NAMES} names: it is no installation.")
        if stat.S_ISDIR(status.st_mode):
            writable = status.st_mode & WRITABLE
            yield Seen(root=place.root, path=path, kind="folder", writable=writable, empty=empty)
        else:
            yield _seen(place, path, status, sizes)


def _seen(place: Place, path: str, status: os.stat_result, sizes: dict[str, int] | None) -> Seen:
    file = os.path.join(place.folder, path)  # noqa: PTH118 - for each of thousands of files
    link = stat.S_ISLNK(status.st_mode)
    mode, size = (0, 0) if link else (mode_of(status.st_mode), status.st_size)
    made = partial(Seen, root=place.root, path=path, kind="link" if link else "file", mode=mode, size=size)
    if not link:
        made = partial(made, writable=status.st_mode & WRITABLE)
    try:
        if link:
            return made(target=os.readlink(file))  # noqa: PTH115 - as above
        if not stat.S_ISREG(status.st_mode):
            return made(trouble=Trouble.SPECIAL)
        if sizes is not None and sizes.get(path) != size:
            return made()
        found = _hash(file, status)
    except OSError as error:
        return made(trouble=Trouble.UNREADABLE, reason=_why(error))
    return made(sha256=found, trouble=Trouble.UNSTEADY if found is None else None)


def _hash(file: str, listed: os.stat_result) -> str | None:
    """SHA-256 of a regular file; None where it changed while it was read. Raises OSError."""
    # Not through a link that took the file's place, and not waiting for the writer of a pipe that did.
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        before = os.fstat(descriptor)
        if _state(before) != _state(listed) or not stat.S_ISREG(before.st_mode):
            return None
        found, left = sha256(), before.st_size
        while left > 0:
            portion = os.read(descriptor, min(left, _PORTION))
            if not portion:
                return None
            found.update(portion)
            left -= len(portion)
        if _state(os.fstat(descriptor)) != _state(before):
            return None
    finally:
        os.close(descriptor)
    return found.hexdigest()


def _state(status: os.stat_result) -> tuple[int, int, int, int, int]:
    """What changes when a file does: `ctime` cannot be set back by who writes it."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _names(place: Place) -> Iterator[tuple[str, os.stat_result, bool]]:
    """Path below the root and status of all that lies there, and whether it is an empty folder."""
    try:
        own = os.stat(place.folder)  # noqa: PTH116 - as below
    except OSError as error:
        raise _unreadable(place, "", error) from None
    if own.st_mode & WRITABLE:
        yield ITSELF, own, False
    if place.only is not None:
        yield from _named(place, place.only)
        return
    waiting = [("", own)]
    while waiting:
        below, told = waiting.pop()
        empty = True
        try:
            with os.scandir(os.path.join(place.folder, below)) as found:  # noqa: PTH118 - as above
                for one in found:
                    empty = False
                    path = f"{below}{one.name}"
                    status = one.stat(follow_symlinks=False)
                    if not stat.S_ISDIR(status.st_mode):
                        yield path, status, False
                    elif below or one.name not in place.without:
                        waiting.append((f"{path}/", status))
        except OSError as error:
            raise _unreadable(place, below, error) from None
        if below:
            yield below.removesuffix("/"), told, empty


def _named(place: Place, names: Iterable[str]) -> Iterator[tuple[str, os.stat_result, bool]]:
    for name in names:
        try:
            status = os.lstat(os.path.join(place.folder, name))  # noqa: PTH118 - as above
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _unreadable(place, name, error) from None
        yield name, status, False


def _unreadable(place: Place, path: str, error: OSError) -> Unavailable:
    return Unavailable(
        "integrity.root",
        f"{place.folder / path} (root {place.root}) cannot be read: {_why(error)}. Let the account that "
        "looks read the whole installation, or name the folder that holds it.",
    )


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__


def leads_out(place: Place, path: str, target: str, folders: Collection[Path]) -> bool:
    """Whether a link below a root leads to something that lies in none of the folders.

    By the text of the link alone, and what its way on this machine leads over.
    """
    real = os.path.realpath(os.path.join(place.folder, os.path.dirname(path), target))  # noqa: PTH118, PTH120
    return not any(real == one or real.startswith(f"{one}{os.sep}") for one in map(os.path.realpath, folders))
