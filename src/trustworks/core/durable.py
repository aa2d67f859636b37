"""Files that are whole and durable, or not there: a crash or a power cut leaves no half of one."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Owner = tuple[int, int] | None  # user and group; None: whoever writes

# A file system without hard links (FAT on a memory stick) answers one of these.
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


def read_at_most(file: Path, most: int) -> bytes:
    """The octets of a file, or the first `most` and one more, by which who reads sees that it is too long.

    A device has no end. Raises OSError.
    """
    with file.open("rb") as opened:
        return opened.read(most + 1)


def put(
    file: Path, content: str | bytes | Iterable[bytes], *, mode: int = 0o644, owner: Owner = None
) -> None:
    """Write a file whole or not at all, and durably; it never exists with more rights than `mode`.

    `content` is all of it, or comes piece by piece. A file of that name is replaced. `owner`: the user and
    the group that it is given to. Raises OSError, also where the name is that of a pipe, a socket or a
    device, which would be gone.
    """
    if file.exists() and not file.is_file():
        raise OSError(errno.EINVAL, "it is no regular file", str(file))
    whole = content.encode() if isinstance(content, str) else content
    pieces = (whole,) if isinstance(whole, bytes) else whole
    with _written(file, pieces, mode, owner) as new:
        new.replace(file)


def put_new(file: Path, content: Iterable[bytes], *, mode: int = 0o644, owner: Owner = None) -> None:
    """As `put`, piece by piece, and only where no file has that name. Raises FileExistsError, OSError."""
    _check_free(file)
    with _written(file, content, mode, owner) as new:
        _name(new, file)


@contextmanager
def new_file(file: Path, *, mode: int = 0o644) -> Iterator[Path]:
    """An empty file for the block to fill, which gets the name `file` when the block ends, durably.

    For what writes by a file's name; `put_new` is for the rest. Until then the file has a passing name beside
    `file`; when the block raises nothing is left. Raises FileExistsError where a file has that name, before
    the block and after it; OSError.
    """
    _check_free(file)
    with _written(file, (), mode, None) as new:
        yield new
        synchronise(new)
        _name(new, file)


def _check_free(file: Path) -> None:
    """Raise FileExistsError where the name is taken: before much is written, and `_name` again when it is."""
    if file.is_symlink() or file.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(file))


def _name(new: Path, file: Path) -> None:
    """Give the file `new` the name `file`, where that is free."""
    try:
        file.hardlink_to(new)  # fails where the name is taken
    except OSError as error:
        if error.errno not in _NO_LINKS or file.exists():
            raise
        new.replace(file)


@contextmanager
def _written(file: Path, content: Iterable[bytes], mode: int, owner: Owner) -> Iterator[Path]:
    """A file beside `file` with all of `content`, durable; gone after the block, unless it was renamed."""
    new = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.writelines(content)
            stream.flush()
            if owner is not None:
                os.fchown(descriptor, *owner)
            os.fsync(stream.fileno())
        yield new
    finally:
        new.unlink(missing_ok=True)
    synchronise(file.parent)


def synchronise(path: Path) -> None:
    """Make what was written to a file, or which names a folder has, durable. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
