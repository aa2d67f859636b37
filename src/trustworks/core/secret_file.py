"""Secrets that processes share: one line in a file that its owner alone can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Unavailable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from pathlib import Path

LEAST_SECRET = 32  # characters; nobody types it, so it may be long enough to be guessed never


def read_secret(file: Path, *, whose: str, code: str) -> bytes:
    """The secret of `whose` in a file that nobody else can read.

    Raises `Unavailable` (`code`) when the file is absent, open to others, or holds too little.
    """
    try:
        mode = file.stat().st_mode
        secret = file.read_bytes().strip()
    except OSError as error:
        raise Unavailable(code, f"{whose} secret {file} cannot be read: {error.strerror}.") from error
    objection = secret_objection(mode, secret)
    if objection is not None:
        raise Unavailable(code, f"{whose} secret {file} {objection}")
    return secret


@implements("TRUSTWORKS:APP-PROXY-SECRET")
def secret_objection(mode: int, secret: bytes) -> str | None:
    """What is wrong with a secret and the mode of its file; None when nothing is."""
    if mode & 0o077:
        return "can be read by others. Run chmod 600 on it, and change the secret."
    if len(secret) < LEAST_SECRET or b"\n" in secret:
        return f"must be one line of at least {LEAST_SECRET} characters."
    return None
