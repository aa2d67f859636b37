"""A folder as an account meets it that may not enter it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOBODY = 65534


@contextmanager
def closed(folder: Path) -> Iterator[None]:
    """Close the folder for this process; root, whom no mode keeps out, is another account meanwhile."""
    mode, account = folder.stat().st_mode, os.geteuid()
    folder.chmod(0)
    if account == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(account)
        folder.chmod(mode & 0o7777)
