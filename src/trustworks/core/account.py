"""Whose account of the operating system this program runs in, as the audit log says it."""

from __future__ import annotations

import getpass
import os
from pathlib import Path


def account() -> str:
    """The account's name, or its number where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def account_state() -> Path:
    """The folder where this account keeps what must outlive a command that has no configuration.

    ``trustworks`` in XDG_STATE_HOME, which must be absolute, else in ``~/.local/state``. It need not exist.
    """
    named = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (named if named.is_absolute() else Path("~/.local/state").expanduser()) / "trustworks"
