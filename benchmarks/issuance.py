"""Certificates per second of the whole service, beside a bare C_Sign loop and `cryptography`'s builder.

    python benchmarks/issuance.py [--seconds 5] [--processes 1 2] [--threads 32] [--filled 1000000] [--json]

Processes with a token's P-256 key in SoftHSM2 each issue certificates of natural persons (QCP-n-qscd) from
threads, as workers that serve requests do: every request has a key of its own and a proof of its possession,
all lints run, intent, certificate and both audit events are durable in one SQLite database (WAL,
synchronous=FULL) before a caller has its certificate. References, in the same run: "bare C_Sign" is the
module alone, without verification; "builder" builds and signs a certificate of the same content with a key in
this process's memory and records nothing.

`--filled` makes a second database with so many certificates in it: rows of their own keys, serials and
octets, written by SQL. Throughput is compared, and, with both databases asked in turn, the latency of one
caller alone and what a status takes that is read from the database.

On a machine that does other things as well the processor time tells more than the rates: "as many as two
cores can" is what two cores would make of it if they did nothing else.

Exit code 1: fewer than 600 certificates per second with two processes, a linter of more than 200 us, or
a database that makes a caller wait, or a status take, a fifth longer.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import secrets
import shutil
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from module_sign import bare_loop  # type: ignore[import-not-found] # the script beside this one

from trustworks.core.audit import Recorder
from trustworks.core.module import KeyAlgorithm, Module, Pkcs11Uri, find_library, initialise_token
from trustworks.core.store import Database, StoreSettings
from trustworks.core.time import LabClock
from trustworks.issuance.config import IssuanceSettings
from trustworks.issuance.lints import Surroundings, findings, read
from trustworks.issuance.model.requests import Door, Request
from trustworks.issuance.profiles import PROFILES
from trustworks.issuance.service import Issuance
from trustworks.issuance.wire import read_subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SUBJECT = read_subject("C=XX, GN=Anna, SN=Muster, serialNumber=TEST-1, CN=Anna Muster TEST")
PUBLIC_URL = "http://tsp.example.com"
WANTED, LINTER, SLOWER = 600, 200, 1.2
EMPTY: Final = "state.sqlite"
FILLED: Final = "filled.sqlite"
REQUESTS: Final = 3000  # of a process; they are asked for again when all were, which is a renewal


@dataclass
class Measured:
    """What the processes of one run did together."""

    per_second: float
    cpu: float
    latencies: list[float]

    def latency(self, share: float) -> float:
        """The seconds within which that share of the certificates came."""
        return sorted(self.latencies)[int(share * (len(self.latencies) - 1))]


def open_module(folder: Path, label: str) -> Module:
    uri = Pkcs11Uri(token=label, pin_source=f"file:{folder / label}.pin")
    return Module.open(uri, library=find_library(), read_write=True, lab=True)


def make_key(folder: Path, label: str, algorithm: KeyAlgorithm) -> None:
    pin = secrets.token_urlsafe(18)
    file = folder / f"{label}.pin"
    file.touch(mode=0o600)
    file.write_text(pin, encoding="ascii")
    initialise_token(find_library(), label=label, so_pin=secrets.token_urlsafe(18), user_pin=pin, lab=True)
    with open_module(folder, label) as module:
        module.generate_key_pair(label=label, algorithm=algorithm)


def settings() -> IssuanceSettings:
    return IssuanceSettings.model_validate({"pds": [{"language": "en", "url": "https://tsp.example.com/p"}]})


@contextmanager
def service(folder: Path, state: str = EMPTY) -> Iterator[Issuance]:
    store = StoreSettings.model_validate({"url": f"sqlite:///{folder / state}"})
    with (
        open_module(folder, "root") as root,
        open_module(folder, "issuing") as issuing,
        Database.open(store) as database,
        Recorder.open(database, "issuance") as recorder,
    ):
        yield Issuance(
            settings(),
            public_url=PUBLIC_URL,
            keys={"root": root.key("root"), "issuing": issuing.key("issuing")}.__getitem__,
            clock=LabClock(),
            recorder=recorder,
            database=database,
            lab=True,
        )


def request() -> Request:
    csr = x509.CertificateSigningRequestBuilder(subject_name=x509.Name([])).sign(
        ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()
    )
    return Request(
        profile="natural",
        csr=csr.public_bytes(Encoding.DER),
        subject=SUBJECT,
        requested_by="benchmark",
        door=Door.OFFICER,
    )


def work(folder: str, state: str, *, threads: int, seconds: float, ready: Any, answers: Any) -> None:
    """A process: the service, and threads that ask it."""
    with service(Path(folder), state) as issuance:
        requests = [request() for _ in range(REQUESTS)]
        issuance.issue(request())  # what is read and made once
        latencies: list[list[float]] = [[] for _ in range(threads)]
        ready.wait()
        began, cpu = time.perf_counter(), time.process_time()
        end = began + seconds

        def ask(number: int) -> None:
            mine = requests[number::threads]
            count = 0
            while (before := time.perf_counter()) < end:
                issuance.issue(mine[count % len(mine)])
                count += 1
                latencies[number].append(time.perf_counter() - before)

        callers = [threading.Thread(target=ask, args=(number,)) for number in range(threads)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        took = time.perf_counter() - began
        answers.put((took, time.process_time() - cpu, [one for some in latencies for one in some]))


def issue(folder: Path, *, processes: int, threads: int, seconds: float, state: str = EMPTY) -> Measured:
    context = multiprocessing.get_context("spawn")  # a module does not survive a fork
    ready, answers = context.Barrier(processes), context.Queue()
    asked = {"threads": threads, "seconds": seconds, "ready": ready, "answers": answers}
    workers = [
        context.Process(target=work, args=(str(folder), state), kwargs=asked) for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    found = [answers.get(timeout=seconds + 120) for _ in workers]
    for worker in workers:
        worker.join()
    return Measured(
        per_second=sum(len(latencies) / took for took, _, latencies in found),
        cpu=sum(cpu for _, cpu, _ in found) / sum(len(latencies) for _, _, latencies in found) * 1e6,
        latencies=[one for _, _, latencies in found for one in latencies],
    )


def rate(call: Callable[[], object], seconds: float) -> float:
    """Calls per second in one thread: the best of five rounds, the others were disturbed more."""
    rounds = []
    for _ in range(5):
        count, began = 0, time.perf_counter()
        while time.perf_counter() < began + seconds / 5:
            call()
            count += 1
        rounds.append(count / (time.perf_counter() - began))
    return max(rounds)


def processor(call: Callable[[], object], seconds: float) -> float:
    """Microseconds of processor time of a call: the best of five rounds, the others were disturbed more."""
    rounds = []
    for _ in range(5):
        count, began, end = 0, time.thread_time(), time.perf_counter() + seconds / 5
        while time.perf_counter() < end:
            for _ in range(10):
                call()
            count += 10
        rounds.append((time.thread_time() - began) / count * 1e6)
    return min(rounds)


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


def prepare(folder: Path) -> bytes:
    """Tokens, database, authorities; a certificate."""
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n", "utf-8")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    make_key(folder, "root", KeyAlgorithm.P384)
    make_key(folder, "issuing", KeyAlgorithm.P256)
    with Database.open(StoreSettings.model_validate({"url": f"sqlite:///{folder / 'state.sqlite'}"})) as new:
        new.upgrade()
    with (
        service(folder) as issuance,
        open_module(folder, "root") as root,
        open_module(folder, "issuing") as issuing,
    ):
        issuance.create_root(root.key("root"), by="benchmark")
        issuance.create_issuing(issuing.key("issuing"), by="benchmark")
        return issuance.issue(request()).certificate


def fill(folder: Path, number: int) -> float:
    """A second database: the first, and so many certificates more; the seconds that it took.

    They are rows of other serials, keys and octets. Their indexes are made when all rows are there, in the
    order of their serials: row by row, in random order, a million of them takes ten times as long.
    """
    began = time.perf_counter()
    with sqlite3.connect(folder / EMPTY) as source:
        source.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    source.close()
    shutil.copy(folder / EMPTY, folder / FILLED)
    database = sqlite3.connect(folder / FILLED)
    cursor = database.execute("SELECT * FROM certificates WHERE profile LIKE 'natural%' LIMIT 1")
    names, model = [one[0] for one in cursor.description], cursor.fetchone()
    row = dict(zip(names, model, strict=True))
    size = len(row["der"])
    serials = sorted(f"4{secrets.token_hex(20)[1:]}" for _ in range(number))

    def rows(some: list[str]) -> Iterator[list[Any]]:
        for serial in some:
            row["serial"], row["spki_sha256"] = serial, secrets.token_bytes(32)
            row["der"] = secrets.token_bytes(size)
            yield [row[name] for name in names]

    kinds = "type = 'index' AND tbl_name = 'certificates' AND sql IS NOT NULL"
    indexes = database.execute(f"SELECT name, sql FROM sqlite_master WHERE {kinds}").fetchall()  # noqa: S608
    database.execute("PRAGMA synchronous = OFF")
    database.execute("PRAGMA cache_size = -200000")
    for name, _ in indexes:
        database.execute(f"DROP INDEX {name}")
    marks = ", ".join("?" for _ in names)
    statement = f"INSERT INTO certificates ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - our names
    for start in range(0, number, 20_000):
        with database:
            database.executemany(statement, rows(serials[start : start + 20_000]))
    for _, sql in indexes:
        database.execute(sql)
    database.commit()
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return time.perf_counter() - began


def drawn(folder: Path, state: str) -> list[str]:
    """Serials of certificates, drawn from all that are there."""
    with sqlite3.connect(folder / state) as database:
        # Serials are random, so that of the first behind a random place is one of all.
        query = "SELECT serial FROM certificates WHERE serial > ? ORDER BY serial LIMIT 1"
        found = [database.execute(query, (f"4{secrets.token_hex(20)[1:]}",)).fetchone() for _ in range(5000)]
    database.close()
    return [one[0] for one in found if one is not None]


def side_by_side(folder: Path, seconds: float) -> dict[str, float]:
    """What one caller waits for with either database, asked in turn: medians in microseconds.

    In turn, so that whatever else the machine does falls on both.
    """
    took: dict[str, list[float]] = {}
    with service(folder) as empty, service(folder, FILLED) as filled:
        both = {"empty": empty, "filled": filled}
        serials = {"empty": drawn(folder, EMPTY), "filled": drawn(folder, FILLED)}

        def timed(what: str, call: Callable[[], object]) -> None:
            began = time.perf_counter()
            call()
            took.setdefault(what, []).append((time.perf_counter() - began) * 1e6)

        for issuance in both.values():
            issuance.issue(request())  # what is read and made once
        end = time.perf_counter() + 2 * seconds
        while time.perf_counter() < end:
            for name, issuance in both.items():
                asked = request()
                timed(f"one caller, {name}: median us", lambda i=issuance, a=asked: i.issue(a))  # type: ignore[misc]
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for place in range(500):
                for name, issuance in both.items():
                    serial = serials[name][(len(took) + place) % len(serials[name])]
                    timed(f"status, {name}: median us", lambda i=issuance, s=serial: i.status(s))  # type: ignore[misc]
    return {name: statistics.median(found) for name, found in took.items()}


def parts(folder: Path, made: bytes, seconds: float) -> dict[str, float]:
    """The references, and the linter alone."""
    with open_module(folder, "issuing") as module:
        key = module.key("issuing")
        bare: float = bare_loop(module, key, seconds / 2)
        signing = processor(lambda: key.sign(made), seconds / 2)
    with service(folder) as issuance:
        issuer = x509.load_der_x509_certificate(issuance.authority("issuing").certificate)
    around = Surroundings(
        profile=PROFILES["natural-qcp-n-qscd"],
        issuer=issuer,
        settings=settings(),
        public_url=PUBLIC_URL,
        lab=True,
    )
    return {
        "bare C_Sign per second (reference)": bare,
        "builder per second (reference)": rate(rebuilder(made), seconds / 2),
        "Key.sign, CPU microseconds (reference)": signing,
        "linter, CPU microseconds": processor(lambda: findings(read(made, around)), seconds / 2),
    }


def measure(folder: Path, given: argparse.Namespace) -> dict[str, float]:
    made = prepare(folder)
    found = parts(folder, made, given.seconds)
    for processes in given.processes:
        one = issue(folder, processes=processes, threads=given.threads, seconds=given.seconds)
        found |= figures(f"{processes} processes", one, found["bare C_Sign per second (reference)"])
    if given.filled:
        found[f"seconds to write {given.filled} rows"] = fill(folder, given.filled)
        found |= side_by_side(folder, given.seconds)
        processes = max(given.processes)
        one = issue(folder, processes=processes, threads=given.threads, seconds=given.seconds, state=FILLED)
        found |= figures(f"{processes} processes, filled", one, found["bare C_Sign per second (reference)"])
    return found


def figures(name: str, one: Measured, bare: float) -> dict[str, float]:
    return {
        f"{name}: certificates per second": one.per_second,
        f"{name}: of bare C_Sign": one.per_second / bare,
        f"{name}: CPU microseconds each": one.cpu,
        f"{name}: as many as two cores can": 2e6 / one.cpu,
        f"{name}: p50 ms": one.latency(0.5) * 1e3,
        f"{name}: p99 ms": one.latency(0.99) * 1e3,
    }


def verdicts(found: dict[str, float]) -> dict[str, bool]:
    best = max(value for name, value in found.items() if name.endswith("s: certificates per second"))
    told = {
        f"at least {WANTED} certificates per second": best >= WANTED,
        f"a linter of at most {LINTER} microseconds": found["linter, CPU microseconds"] <= LINTER,
    }
    filled = found.get("one caller, filled: median us")
    if filled is not None:
        empty = found["one caller, empty: median us"]
        told["a full database makes nobody wait for a fifth longer"] = filled <= empty * SLOWER
        empty, filled = found["status, empty: median us"], found["status, filled: median us"]
        told["a full database tells a status within a fifth more"] = filled <= empty * SLOWER
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--threads", type=int, default=32)
    parser.add_argument("--filled", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), given)
    kept = verdicts(found)
    if given.json:
        json.dump({**found, "kept": kept}, sys.stdout)
        return 0
    for name, value in found.items():
        print(f"{name:<52}{value:>12,.2f}")
    for target, is_kept in kept.items():
        print(f"{'kept' if is_kept else 'MISSED':<8}{target}")
    return 0 if all(kept.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
