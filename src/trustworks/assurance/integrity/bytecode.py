"""Compiled Python: whether it is what its source compiles to, and the folder that services keep theirs in.

Python runs a ``.pyc`` in place of its source when size and time of change of the source stand in it, which
whoever writes the file can put there. So who signs an installation signs no compiled file that is not what
its source compiles to; and services take none but from a folder of their own, which begins empty.
"""

from __future__ import annotations

import marshal
import os
import shutil
import stat
import warnings
from importlib.util import MAGIC_NUMBER, source_from_cache
from pathlib import Path
from types import CodeType
from typing import Final

from trustworks.core.errors import Unavailable
from trustworks.core.trace import implements

SUFFIX: Final = ".pyc"
_HEADER: Final = 16  # octets: magic number, flags, and either time and size or a hash of the source (PEP 552)
_LEVELS: Final = {"": 0, "opt-1": 1, "opt-2": 2}


@implements("TRUSTWORKS:ASSURANCE-INTEGRITY-COMPILED", disabled=None)
def objection(compiled: Path) -> str | None:
    """Why a compiled file is not what its source compiles to by this Python; None where it is.

    Nothing of it is run. Raises OSError.
    """
    try:
        source = Path(source_from_cache(str(compiled)))
    except ValueError:
        return "lies beside sources and needs none"
    if not source.is_file():
        return "has no source"
    octets = compiled.read_bytes()
    if octets[: len(MAGIC_NUMBER)] != MAGIC_NUMBER:
        return "is of another version of Python"
    parts = compiled.name.removesuffix(SUFFIX).split(".")
    level = _LEVELS.get(parts[-1] if parts[-1].startswith("opt-") else "")
    try:
        code = marshal.loads(octets[_HEADER:])  # noqa: S302 - it is compared, and never run
        if level is None or not isinstance(code, CodeType):
            return "is of no kind that Python writes"
        with warnings.catch_warnings(action="ignore"):
            wanted = compile(source.read_bytes(), code.co_filename, "exec", dont_inherit=True, optimize=level)
    except (ValueError, TypeError, EOFError, SyntaxError, RecursionError, MemoryError):
        return "cannot be read, or its source cannot be compiled"
    # Where a constant is no number (nan), equal code is not `==`; format 2 writes nothing that may differ.
    same = code == wanted or marshal.dumps(code, 2) == marshal.dumps(wanted, 2)
    return None if same else "is not what its source compiles to"


@implements("TRUSTWORKS:ASSURANCE-INTEGRITY-OWN-BYTECODE", disabled=dict)
def own_bytecode(folder: Path) -> dict[str, str]:
    """What goes into the environment of service processes, so that they run no compiled file but their own.

    The folder is made anew, empty, for this account alone. The working folder is no place for modules either.
    Raises `Unavailable` (integrity.bytecode).
    """
    try:
        if folder.is_symlink() or folder.is_file():
            folder.unlink()
        elif folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(mode=0o700, parents=True)
        status = folder.stat()
    except OSError as error:
        raise _unusable(folder, error.strerror or type(error).__name__) from None
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
        raise _unusable(folder, "others can write to it")
    return {"PYTHONPYCACHEPREFIX": str(folder), "PYTHONSAFEPATH": "1"}


def _unusable(folder: Path, why: str) -> Unavailable:
    return Unavailable(
        "integrity.bytecode",
        f"The folder {folder}, in which the services keep compiled Python, cannot be made: {why}. It must "
        "belong to the account that serves.",
    )
