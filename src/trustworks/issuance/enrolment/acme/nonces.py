"""Nonces against replay (RFC 8555, 6.5), and the keys of external account bindings: both from one secret.

A nonce is its own proof: the moment of its making, random octets and a MAC over both. So any worker may make
one and any other take it, before and after a restart, and none is stored until it is used. That it is used
once is seen to by a table (`records.acme.use_nonce`), which forgets it when its age alone refuses it.

The key of an external account binding is derived from the secret and from the key's identifier. So the
database, its backups and its replicas hold no secret; who has the file has the keys.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

from trustworks.core.secret_file import derived_key
from trustworks.core.store.types import from_microseconds, microseconds
from trustworks.issuance.enrolment.acme import encoding
from trustworks.issuance.enrolment.acme.rules.messages import NONCE_LIFE, is_fresh

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

_RANDOM: Final = 12
_MAC: Final = 16
_LENGTH: Final = 8 + _RANDOM + _MAC


class Secret:
    """The ACME server's secret, and what is made from it.

    `read` gives it when it is needed first, and may raise `Unavailable` until it is there.
    """

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._read = read

    @cached_property
    def _secret(self) -> bytes:
        return self._read()

    @cached_property
    def _nonce_key(self) -> bytes:
        return derived_key(self._secret, b"trustworks acme nonce")

    def new_nonce(self, now: datetime) -> str:
        """A new nonce."""
        head = microseconds(now).to_bytes(8) + secrets.token_bytes(_RANDOM)
        return encoding.encode(head + self._mac(head))

    def nonce_ends(self, nonce: str, now: datetime) -> datetime | None:
        """Until when a nonce can be used; None for one that was not made here, or is too old."""
        try:
            octets = encoding.decode(nonce)
        except Exception:  # noqa: BLE001 - whatever it is, it is no nonce
            return None
        if len(octets) != _LENGTH:
            return None
        head, mac = octets[:-_MAC], octets[-_MAC:]
        if not hmac.compare_digest(mac, self._mac(head)):
            return None
        made = from_microseconds(int.from_bytes(head[:8]))
        return made + NONCE_LIFE + timedelta(minutes=1) if is_fresh(made, now) else None

    def _mac(self, head: bytes) -> bytes:
        return hmac.digest(self._nonce_key, head, hashlib.sha256)[:_MAC]

    def external_key(self, kid: str) -> bytes:
        """The MAC key of an external account binding: 32 octets."""
        return derived_key(self._secret, b"trustworks acme external account key " + kid.encode())
