"""The files that commands write: new ones, whole and durable; others are replaced where that is asked."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from trustworks.core.durable import put, put_new
from trustworks.core.errors import Rejected
from trustworks.core.printable import printable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable


def check_output(out: Path, *, replace: bool | None = None, read: Iterable[Path | None] = ()) -> None:
    """Ask whether a file can be written, before anything is made that goes into it.

    `replace`: whether a file that is there goes; None where the command has no such option, as what is there
    may be evidence. `read` are files that are read for what is written, and that it does not hold: they are
    replaced by nothing. Raises `Rejected` (output.exists, output.unwritable, output.input,
    output.no-file).
    """
    if str(out) == "-":
        raise Rejected(
            "output.no-file", "- is no file, and nothing is written to the standard output. Name a file."
        )
    _check_spares(out, read)
    try:
        if _is_stream(out):
            _check_stream(out)
            return
        file = _behind_links(out)
        if not replace and file.exists():
            raise _taken(out, replace=replace)
        # As `core.durable` does it: a new file beside, with a longer name.
        tempfile.NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.").close()
    except OSError as error:
        raise _unwritable(out, error) from None


def write_output(
    out: Path, content: Iterable[bytes], *, replace: bool | None = None, mode: int = 0o644
) -> None:
    """Write a file whole or not at all; a pipe or a device gets the content as it is. As `check_output`."""
    try:
        if _is_stream(out):
            with out.open("wb") as stream:
                stream.writelines(content)
        elif replace:
            put(_behind_links(out), content, mode=mode)
        else:
            put_new(_behind_links(out), content, mode=mode)
    except FileExistsError:
        raise _taken(out, replace=replace) from None
    except OSError as error:
        raise _unwritable(out, error) from None


@implements("TRUSTWORKS:SIGNING-SPARES-INPUT")
def _check_spares(out: Path, read: Iterable[Path | None]) -> None:
    """Refuses an output that is one of the files that are read, by whatever name, a link or another."""
    for one in read:
        if one is not None and _is_same_file(out, one):
            raise Rejected(
                "output.input",
                f"{printable(str(out))} is a file that is read, and what is written does not hold it, so "
                "that it would be lost. Name another file.",
            )


def _is_same_file(out: Path, one: Path) -> bool:
    try:
        return out.is_file() and out.samefile(one)
    except OSError:
        return False


def take_back(out: Path) -> None:
    """Remove a file that `write_output` has just made, of which nothing came. `Rejected` where that fails."""
    if _is_stream(out):
        return
    try:
        _behind_links(out).unlink(missing_ok=True)
    except OSError as error:
        raise Rejected(
            "output.unwritable",
            f"{printable(str(out))} is of no use, and cannot be removed: {error.strerror}. Remove it.",
        ) from None


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


def _taken(out: Path, *, replace: bool | None) -> Rejected:
    way = "" if replace is None else ", or add --replace"
    return Rejected("output.exists", f"{printable(str(out))} exists. Name a file that does not{way}.")


def _unwritable(out: Path, error: OSError) -> Rejected:
    return Rejected(
        "output.unwritable", f"{printable(str(out))} cannot be written: {error.strerror}. Name another file."
    )
