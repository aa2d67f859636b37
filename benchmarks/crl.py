"""How long a large revocation list takes, from the database to the published row.

    python benchmarks/crl.py [--entries 1000000]

The key is P-256 on a token of SoftHSM2, the database SQLite. Measured are the whole publication (read, write,
sign, parse again, check every serial, store, record the event), and as reference
`CertificateRevocationListBuilder` of `cryptography` with the same key and entries that are objects already.
Exit code 1 when the publication costs 1.5 times the reference's processor time.
"""

from __future__ import annotations

import argparse
import resource
import secrets
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from ocsp import provider  # type: ignore[import-not-found]
from sqlalchemy import insert

from trustworks.issuance import records

if TYPE_CHECKING:
    from collections.abc import Callable

    from status_provider import Provider

BATCH = 50_000


def fill(given: Provider, entries: int) -> list[int]:
    """Revoked certificates as rows; answers their serials."""
    now = given.clock.utc
    serials = sorted({secrets.randbits(158) | 1 << 158 for _ in range(entries)})
    with given.database.begin() as connection:
        for start in range(0, entries, BATCH):
            rows = [
                {
                    "serial": f"{serial:040x}",
                    "authority": "issuing",
                    "profile": "bench",
                    "subject": "CN=TEST",
                    "state": "issued",
                    "not_before": now,
                    "not_after": now,
                    "spki_sha256": b"",
                    "requested_at": now,
                    "requested_by": "bench",
                    "der": b"\0",
                    "issued_at": now,
                    "revoked_at": now - timedelta(seconds=serial % 10_000_000),
                    "revocation_reason": serial % 5 + 1,
                    "revoked_recorded_at": now,
                }
                for serial in serials[start : start + BATCH]
            ]
            connection.execute(insert(records.certificates), rows)
    return serials


def timed(what: str, action: Callable[[], Any]) -> tuple[float, Any]:
    began, worked = time.perf_counter(), time.process_time()
    done = action()
    taken, seen = time.process_time() - worked, time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{what:<44} {taken:7.2f} s of processor time, {seen:7.2f} s, peak {peak} MB")
    return taken, done


def reference(given: Provider, serials: list[int]) -> Callable[[], bytes]:
    """The same list by `cryptography`, whose entries are made before."""
    now = given.clock.utc
    reason = x509.CRLReason(x509.ReasonFlags.superseded)
    made = [
        x509.RevokedCertificateBuilder(serial, now).add_extension(reason, critical=False).build()
        for serial in serials
    ]
    builder = x509.CertificateRevocationListBuilder(
        given.certificates["issuing"].subject, now, now + timedelta(days=1), revoked_certificates=made
    )
    key = given.keys["issuing"].private_key()
    return lambda: builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    entries = parser.parse_args().entries
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        given = provider(Path(folder), stack)
        serials = fill(given, entries)
        publisher = given.publisher("issuing")
        taken, record = timed("published", lambda: publisher.publish("issuing", actor="bench"))
        print(f"{record.entries:,} entries, {len(record.der) / 1e6:.1f} MB")
        made, sign = timed("reference: objects made", lambda: reference(given, serials))
        signed, _ = timed("reference: CertificateRevocationListBuilder", sign)
    limit = 1.5 * (made + signed)
    print(f"limit {limit:.1f} s of processor time: {'kept' if taken <= limit else 'MISSED'}")
    return int(taken > limit)


if __name__ == "__main__":
    sys.exit(main())
