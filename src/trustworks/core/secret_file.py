"""Secrets that processes share: one line in a file of its owner alone, from which keys are derived."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from trustworks.core.durable import put_new
from trustworks.core.errors import Unavailable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from pathlib import Path

LEAST_SECRET = 32  # characters; nobody types it, so it may be long enough to be guessed never
_DRAWN_OCTETS = 48


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


def draw_secret(file: Path) -> None:
    """Write a random secret where there is no file; a secret that is there stays, whoever made it."""
    with suppress(FileExistsError):  # another process may make it at the same moment
        put_new(file, [f"{secrets.token_urlsafe(_DRAWN_OCTETS)}\n".encode()], mode=0o600)


def derived_key(secret: bytes, purpose: bytes) -> bytes:
    """A key of 32 octets for one purpose (HKDF with SHA-256, RFC 5869); keys of others do not tell of it."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(secret)


@implements("TRUSTWORKS:APP-PROXY-SECRET")
def secret_objection(mode: int, secret: bytes) -> str | None:
    """What is wrong with a secret and the mode of its file; None when nothing is."""
    if mode & 0o077:
        return "can be read by others. Run chmod 600 on it, and change the secret."
    if len(secret) < LEAST_SECRET or b"\n" in secret:
        return f"must be one line of at least {LEAST_SECRET} characters."
    return None
