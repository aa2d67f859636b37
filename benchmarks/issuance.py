"""How fast certificates are issued: the whole service against `cryptography`'s builder with a key in memory.

    python benchmarks/issuance.py [--seconds 3] [--threads 1 4] [--json]

The service runs with real durable records and audit events (SQLite, WAL, synchronous=FULL), a P-256 key in
SoftHSM2, a throw-away signature and all lints twice. "builder" is one thread that only builds and signs a
certificate of the same content with a key in this process's memory; "bare signatures" is `Key.sign` alone.
The processor time of one issuance covers the service's thread and the audit writer's.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.core.audit import Recorder
from trustworks.core.module import KeyAlgorithm, Module, Pkcs11Uri, find_library, initialise_token
from trustworks.core.store import Database, StoreSettings
from trustworks.core.time import LabClock
from trustworks.issuance.config import IssuanceSettings
from trustworks.issuance.lints import Surroundings, lint
from trustworks.issuance.model import Request
from trustworks.issuance.profiles import PROFILES
from trustworks.issuance.service import Issuance
from trustworks.issuance.wire import read_subject

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.module import Key

SUBJECT = read_subject("C=XX, GN=Anna, SN=Muster, serialNumber=TEST-1, CN=Anna Muster TEST")
PUBLIC_URL = "http://tsp.example.com"


def rate(call: Callable[[], object], seconds: float, threads: int = 1) -> float:
    """Calls per second, over so many threads."""
    counts = [0] * threads
    end = time.perf_counter() + seconds

    def work(number: int) -> None:
        while time.perf_counter() < end:
            call()
            counts[number] += 1

    began = time.perf_counter()
    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(counts) / (time.perf_counter() - began)


def cpu(call: Callable[[], object], times: int = 100) -> float:
    """Processor time of one call in microseconds, over all threads of this process."""
    began = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - began) / times * 1e6


def open_key(folder: Path, label: str, algorithm: KeyAlgorithm) -> Key:
    pin = secrets.token_urlsafe(18)
    file = folder / f"{label}.pin"
    file.touch(mode=0o600)
    file.write_text(pin, encoding="ascii")
    library = find_library()
    initialise_token(library, label=label, so_pin=secrets.token_urlsafe(18), user_pin=pin, lab=True)
    uri = Pkcs11Uri(token=label, pin_source=f"file:{file}")
    module = Module.open(uri, library=library, read_write=True, lab=True)
    return module.generate_key_pair(label=label, algorithm=algorithm)


def measure(folder: Path, seconds: float, threads: list[int]) -> dict[str, float]:
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n", "utf-8")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    root, issuing = (
        open_key(folder, "root", KeyAlgorithm.P384),
        open_key(folder, "issuing", KeyAlgorithm.P256),
    )
    subject_key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder(subject_name=x509.Name([]))
    csr = request.sign(subject_key, hashes.SHA256()).public_bytes(Encoding.DER)
    settings = IssuanceSettings.model_validate(
        {"pds": [{"language": "en", "url": "https://tsp.example.com/p"}]}
    )
    store = StoreSettings.model_validate({"url": f"sqlite:///{folder / 'state.sqlite'}"})
    with Database.open(store) as database:
        database.upgrade()
        with Recorder.open(database, "issuance") as recorder:
            issuance = Issuance(
                settings,
                public_url=PUBLIC_URL,
                keys={"root": root, "issuing": issuing}.__getitem__,
                clock=LabClock(),
                recorder=recorder,
                database=database,
                lab=True,
            )
            issuance.create_root(root, by="benchmark")
            issuance.create_issuing(issuing, by="benchmark")
            order = Request(profile="natural", csr=csr, subject=SUBJECT, requested_by="benchmark")
            made = issuance.issue(order).certificate
            found = {
                "builder": rate(rebuilder(made), seconds),
                "bare signatures": bare(issuing, made, seconds),
            }
            around = Surroundings(
                profile=PROFILES["natural-qcp-n-qscd"],
                issuer=x509.load_der_x509_certificate(issuance.authority("issuing").certificate),
                settings=settings,
                public_url=PUBLIC_URL,
                lab=True,
            )
            found["lint microseconds"] = 1e6 / rate(lambda: lint(made, around), seconds / 3)
            found["CPU microseconds"] = cpu(lambda: issuance.issue(order))
            found["builder CPU us"] = cpu(rebuilder(made))
            for number in threads:
                found[f"issued, {number} threads"] = rate(lambda: issuance.issue(order), seconds, number)
    return found


def bare(key: Key, made: bytes, seconds: float) -> float:
    tbs = x509.load_der_x509_certificate(made).tbs_certificate_bytes
    return rate(lambda: key.sign(tbs), seconds / 3)


def rebuilder(made: bytes) -> Callable[[], x509.Certificate]:
    """A function that builds a certificate of the same content and signs it with a key in memory."""
    model = x509.load_der_x509_certificate(made)
    key = ec.generate_private_key(ec.SECP256R1())
    extensions = list(model.extensions)
    public_key = model.public_key()

    def build() -> x509.Certificate:
        return x509.CertificateBuilder(
            issuer_name=model.issuer,
            subject_name=model.subject,
            public_key=public_key,
            serial_number=x509.random_serial_number(),
            not_valid_before=model.not_valid_before_utc,
            not_valid_after=model.not_valid_after_utc,
            extensions=extensions,
        ).sign(key, hashes.SHA256())

    return build


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), arguments.seconds, arguments.threads)
    if arguments.json:
        json.dump(found, sys.stdout)
        return
    for name, value in found.items():
        print(f"{name:<22}{value:>10.0f}")
    best = max(value for name, value in found.items() if name.startswith("issued"))
    print(f"the service at its best makes {best / found['builder']:.3f} of the builder's certificates")


if __name__ == "__main__":
    main()
