"""Whose account of the operating system this program runs in, as the audit log says it."""

from __future__ import annotations

import getpass
import os


def account() -> str:
    """The account's name, or its number where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
