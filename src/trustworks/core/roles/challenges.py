"""Challenges that authenticators sign: for who is known they are written down, for a sign-in they are not.

Anybody may begin to sign in. So a challenge for that is its own proof: random octets, its end and a MAC over
both, and nothing is kept of it; however many are asked for, nobody is kept out. Only the one by which
somebody was let in is written down, until its end, so that it counts once. Source: WebAuthn Level 2, 13.4.3.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.roles import records
from trustworks.core.secret_file import derived_key, draw_secret, read_secret
from trustworks.core.store.types import from_microseconds, microseconds
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

LASTS: Final = timedelta(minutes=5)
_RANDOM: Final = 24
_MOMENT: Final = 8
_MAC: Final = 32
_LENGTH: Final = _RANDOM + _MOMENT + _MAC


class Sealed:
    """Challenges of which nothing is kept. `file` is the secret of all processes; None: one of this alone."""

    def __init__(self, file: Path | None) -> None:
        self._file = file

    @cached_property
    def _key(self) -> bytes:
        if self._file is None:
            return secrets.token_bytes(32)
        draw_secret(self._file)
        secret = read_secret(self._file, whose="The console's", code="roles.challenge-secret")
        return derived_key(secret, b"trustworks sign-in challenges")

    def new(self, purpose: str, now: datetime) -> bytes:
        """A challenge for this purpose. Raises `Unavailable` (roles.challenge-secret)."""
        head = secrets.token_bytes(_RANDOM) + microseconds(now + LASTS).to_bytes(_MOMENT)
        return head + self._mac(head, purpose)

    def ends(self, challenge: bytes, purpose: str, now: datetime) -> datetime:
        """When this challenge ends. Raises `Rejected` (roles.challenge) for one that is none, or is over."""
        head, mac = challenge[:-_MAC], challenge[-_MAC:]
        good = len(challenge) == _LENGTH and hmac.compare_digest(mac, self._mac(head, purpose))
        ends = from_microseconds(int.from_bytes(head[_RANDOM:])) if good else None
        return check_open(ends, now)

    def _mac(self, head: bytes, purpose: str) -> bytes:
        return hmac.digest(self._key, head + purpose.encode(), hashlib.sha256)


@implements("TRUSTWORKS:ROLES-CHALLENGES", disabled=lambda ends, now: ends or now)
def check_open(ends: datetime | None, now: datetime) -> datetime:
    """The end of a challenge. `Rejected` (roles.challenge) for one that is none (None), or is over."""
    if ends is None or ends <= now:
        raise Rejected("roles.challenge", "The sign-in took too long, or was sent twice. Sign in anew.")
    return ends


def check_unused(connection: Connection, challenge: bytes, now: datetime) -> None:
    """`Rejected` (roles.challenge) for a challenge by which somebody was let in."""
    if records.purpose_of(connection, hashlib.sha256(challenge).digest()) is not None:
        check_open(None, now)


def use_once(
    connection: Connection, challenge: bytes, purpose: str, *, ends: datetime, now: datetime
) -> None:
    """Write down that somebody was let in by this challenge. Raises `Rejected` the second time."""
    records.drop_challenges(connection, now=now)
    if not records.use_challenge(connection, hashlib.sha256(challenge).digest(), purpose, ends_at=ends):
        check_open(None, now)
