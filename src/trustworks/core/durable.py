"""Files that are whole and durable, or not there: a crash or a power cut leaves no half of one."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def put(file: Path, content: str | bytes, *, mode: int = 0o644) -> None:
    """Write a file whole or not at all, and durably; it never exists with more rights than `mode`.

    A file of that name is replaced. Raises OSError.
    """
    new = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    octets = content.encode() if isinstance(content, str) else content
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(octets)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(file)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    synchronise(file.parent)


def synchronise(path: Path) -> None:
    """Make what was written to a file, or which names a folder has, durable. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
