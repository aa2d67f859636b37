"""Who acts, as the audit log says it: the account that runs this program, and whoever is named beside it."""

from __future__ import annotations

import os
import pwd
from pathlib import Path


def account() -> str:
    """The name of the account whose rights this process has; no variable of the environment changes it."""
    return account_name(os.geteuid())


def account_name(user: int) -> str:
    """The name of a user's number, or the number itself where it has no name."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"uid {user}"


def names_somebody(name: str) -> bool:
    """Whether the name that people give for themselves is one, and was not left empty."""
    return bool(name.strip())


def account_state() -> Path:
    """The folder where this account keeps what must outlive a command that has no configuration.

    ``trustworks`` in XDG_STATE_HOME, which must be absolute, else in ``~/.local/state``. It need not exist.
    """
    named = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (named if named.is_absolute() else Path("~/.local/state").expanduser()) / "trustworks"
