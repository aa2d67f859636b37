"""Revokes a certificate in a process of its own, once it is told to; says when the transaction is durable.

Started by a test of `tests/issuance/status` with JSON: the database's URL and a serial.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

from trustworks.core.store import Database, StoreSettings
from trustworks.issuance import records
from trustworks.issuance.model import Revocation, RevocationReason


def main() -> None:
    """Wait for a line, revoke, say so."""
    given = json.loads(sys.argv[1])
    now = datetime.now(UTC)
    with Database.open(StoreSettings.model_validate({"url": given["database"]})) as database:
        with database.read() as connection:
            assert records.status(connection, given["serial"]) is not None
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        with database.begin() as connection:
            revocation = Revocation(revoked_at=now, reason=RevocationReason.keyCompromise, recorded_at=now)
            assert records.set_revocation(connection, given["serial"], revocation, at=now)
        sys.stdout.write("revoked\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
