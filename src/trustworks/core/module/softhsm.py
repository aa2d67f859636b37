"""SoftHSM2 empties a token's file before it writes it anew, and it does so at every login.

A process that is killed in between leaves an empty file, and the token with all its keys is gone (seen once
in some hundred kills). So a copy is kept beside it, and put back when the file is found empty. Both is done
under the lock of starts, which every login holds too.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from trustworks.core.durable import put
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from trustworks.core.module.library import Setup

TOKEN_FILE: Final = "token.object"  # noqa: S105 - a file's name
COPY: Final = "token.object.kept"  # SoftHSM2 looks at names that end in .object alone


@implements("TRUSTWORKS:MODULE-TOKEN-RESTORED")
def keep_tokens(setup: Setup) -> None:
    """Copy the files of all tokens, and put back those that a killed process has left empty.

    What cannot be read or written is left as it is: the library says so itself, in words that are understood.
    """
    if "softhsm" not in setup.path.name.lower() or setup.configuration is None:
        return
    folder = _token_folder(Path(setup.configuration))
    if folder is None:
        return
    for file in folder.glob(f"*/{TOKEN_FILE}"):
        with contextlib.suppress(OSError):
            _keep(file)


def _keep(file: Path) -> None:
    content, copy = file.read_bytes(), file.with_name(COPY)
    kept = copy.read_bytes() if copy.is_file() else b""
    if content and content != kept:
        put(copy, content, mode=0o600)
    elif kept and not content:
        put(file, kept, mode=0o600)


def _token_folder(configuration: Path) -> Path | None:
    """The folder of tokens that a softhsm2.conf names."""
    try:
        text = configuration.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    found = re.search(r"^\s*directories\.tokendir\s*=\s*(.+?)\s*$", text, re.MULTILINE)
    return None if found is None else Path(found[1])
