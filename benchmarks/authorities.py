"""How long a provider with thousands of authorities takes to start, and how long its checks take.

    python benchmarks/authorities.py [--authorities 10000]

The authorities are rows beside those of a laboratory, each with a certificate and a revocation list that is
fresh. Limit from the issue: a start takes less than 10 s with 10,000 of them. The reference is the same
provider without them, started before. Exit code 1 when the limit is missed.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import insert
from startup import TRUSTWORKS, Run, free_port, told  # type: ignore[import-not-found] # beside this file

from trustworks.app.wiring import Wiring
from trustworks.issuance import records
from trustworks.timestamping.client import granted_token, request_token
from trustworks.timestamping.wire import encode_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIMIT = 10.0
DAY = timedelta(days=1)


def rows(count: int) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """An authority, its certificate and its list, as the tables hold them."""
    now = datetime.now(UTC).replace(microsecond=0)
    key = ec.generate_private_key(ec.SECP256R1())
    root = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "TEST Root of many")])
    for number in range(count):
        own = ec.generate_private_key(ec.SECP256R1()).public_key()
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"TEST Authority {number}")])
        serial = f"{(1 << 158) + number:040x}"
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(root)
            .public_key(own)
            .serial_number(int(serial, 16))
            .not_valid_before(now - DAY)
            .not_valid_after(now + 3650 * DAY)
            .sign(key, hashes.SHA256())
            .public_bytes(Encoding.DER)
        )
        spki = own.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        digest = hashlib.sha256(spki).digest()
        authority = {
            "name": f"many-{number:05}",
            "certificate": made,
            "serial": serial,
            "spki_sha256": digest,
            "token": "issuing",
            "key_label": f"many-{number:05}",
            "parent": "root",
            "created_at": now,
        }
        certificate = {
            "serial": serial,
            "authority": "root",
            "profile": "sub-ca",
            "subject": name.rfc4514_string(),
            "state": "issued",
            "not_before": now - DAY,
            "not_after": now + 3650 * DAY,
            "spki_sha256": digest,
            "requested_at": now,
            "requested_by": "benchmark",
            "der": made,
            "issued_at": now,
        }
        crl = {
            "authority": f"many-{number:05}",
            "number": 1,
            "this_update": now,
            "next_update": now + DAY,
            "entries": 0,
            "der": b"a list",
            "recorded_at": now,
            "changes": 0,
        }
        yield authority, certificate, crl


def fill(config: Path, count: int) -> None:
    """Write the authorities."""
    authorities, certificates, crls = zip(*rows(count), strict=True)
    with Wiring.lazy(config).open_database() as database, database.begin() as connection:
        connection.execute(insert(records.certificates), list(certificates))
        connection.execute(insert(records.authorities), list(authorities))
        connection.execute(insert(records.crls), list(crls))


class Served(Run):  # type: ignore[misc]
    """One start by `trustworks serve`, until time-stamps are given and a list is served."""

    def __init__(self, config: Path, port: int) -> None:
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [str(TRUSTWORKS), "--config", str(config), "serve"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.first_token = self._until(lambda: self._token(f"http://127.0.0.1:{port}/tsa")) - began
        self.up = self._until(lambda: self._list(f"http://127.0.0.1:{port}/crl/issuing.crl")) - began

    def _until(self, works: Callable[[], None]) -> float:
        while True:
            assert self.process.poll() is None, "the services ended"
            try:
                works()
            except Exception:  # noqa: BLE001 - not up yet, in whatever way
                time.sleep(0.02)
            else:
                return time.perf_counter()

    def _token(self, url: str) -> None:
        granted_token(request_token(url, encode_request(bytes(32), "sha256")))

    def _list(self, url: str) -> None:
        httpx.get(url, timeout=30).raise_for_status()


def processor(run: Run) -> float:
    """Seconds of the processor that it and its children had until now."""
    used = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if run.process.pid in {int(entry.name), int(fields[1])}:
            used += int(fields[11]) + int(fields[12])
    return used / 100


def measured(folder: Path, ports: tuple[int, int], what: str) -> float:
    """Start it, ask its health and its page, stop it; how long the start took."""
    run = Served(folder / "trustworks.toml", ports[0])
    spent = processor(run)
    took = []
    for path in ("/healthz", "/"):
        began = time.perf_counter()
        httpx.get(f"http://127.0.0.1:{ports[0]}{path}", timeout=60)
        took.append(time.perf_counter() - began)
    run.stop()
    print(
        f"{what:<28} up {run.up:6.2f} s   first token {run.first_token:6.2f} s   processor {spent:6.2f} s   "
        f"healthz {took[0]:.2f} s   page {took[1]:.2f} s"
    )
    return run.up


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--authorities", type=int, default=10_000, help="how many (10000)")
    given = parser.parse_args()
    ports = free_port(), free_port()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "lab"
        Run(folder, *ports).stop()
        measured(folder, ports, "without them (reference)")
        fill(folder / "trustworks.toml", given.authorities)
        up = measured(folder, ports, f"with {given.authorities:,} authorities")
    return 0 if told("start", up, LIMIT, "s") else 1


if __name__ == "__main__":
    sys.exit(main())
