"""The files that commands write: new ones, whole and durable; others are replaced where that is asked."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from trustworks.core.durable import put, put_new
from trustworks.core.errors import Rejected
from trustworks.core.printable import printable

Replace = Annotated[
    bool, typer.Option("--replace", help="Replace the file of --out if there is one. Default: refuse.")
]


def check_output(out: Path, *, replace: bool) -> None:
    """Ask whether a file can be written, before anything is made that goes into it.

    `Rejected` (output.exists, output.unwritable).
    """
    try:
        if _is_stream(out):
            _check_stream(out)
            return
        file = _behind_links(out)
        if not replace and file.exists():
            raise _taken(out)
        # As `core.durable` does it: a new file beside, with a longer name.
        tempfile.NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.").close()
    except OSError as error:
        raise _unwritable(out, error) from None


def write_output(out: Path, content: bytes, *, replace: bool) -> None:
    """Write a file whole or not at all; a pipe or a device gets the content as it is. Raises as above."""
    try:
        if _is_stream(out):
            out.write_bytes(content)
        elif replace:
            put(_behind_links(out), content)
        else:
            put_new(_behind_links(out), (content,))
    except FileExistsError:
        raise _taken(out) from None
    except OSError as error:
        raise _unwritable(out, error) from None


def _is_stream(out: Path) -> bool:
    """Whether it is no file: a pipe, whose name need not be a path that can be opened once resolved."""
    return out.exists() and not out.is_file()


def _check_stream(out: Path) -> None:
    """Raise OSError where it cannot be written; unopened, for that waits for a reader, who sees it end."""
    if out.is_dir() or not os.access(out, os.W_OK):
        why = errno.EISDIR if out.is_dir() else errno.EACCES
        raise OSError(why, os.strerror(why))


def _behind_links(out: Path) -> Path:
    """Where a link leads: it stays a link, whether or not there is a file behind it."""
    return Path(os.path.realpath(out))


def _taken(out: Path) -> Rejected:
    return Rejected(
        "output.exists", f"{printable(str(out))} exists. Name a file that does not, or add --replace."
    )


def _unwritable(out: Path, error: OSError) -> Rejected:
    return Rejected(
        "output.unwritable", f"{printable(str(out))} cannot be written: {error.strerror}. Name another file."
    )
