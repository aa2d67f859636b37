"""Whether a certificate that the services themselves use still stands.

A relying party learns of a revocation from a list or an answer; whoever holds the key has to stop by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.issuance import records

if TYPE_CHECKING:
    from sqlalchemy import Connection


def revoked(connection: Connection, serial: str) -> str | None:
    """Why and since when a certificate of our own is revoked or held; None while it stands, or for another's.

    `serial` as the tables have it, see `serial_hex`.
    """
    found = records.status(connection, serial)
    if found is None or found.revocation is None:
        return None
    return f"{found.revocation.reason.name} since {found.revocation.revoked_at:%Y-%m-%dT%H:%M:%SZ}"
