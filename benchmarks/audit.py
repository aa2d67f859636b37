"""How many events are made durable with group commit, and how fast a log is verified.

    python benchmarks/audit.py [--seconds 3] [--connections 64] [--events 100000] [--json]

Each request records one event and one row, as a time-stamp does, and is answered when both are on the disk.
The reference, in the same run, is the plain driver: a hash-chained event and its row, one commit for each.
PostgreSQL is started with synchronisation on, when its programs are installed. "CPU" is the processor time of
the whole process for one event, client and event loop included. Exit code 1 when encoding, chaining and
hashing an event costs more than 15 us.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import rfc8785
from sqlalchemy import Column, LargeBinary, MetaData, String, Table

from trustworks.core.audit import Event, Recorder, Releases, Row, Sequencer
from trustworks.core.audit.entries import DatabaseSource
from trustworks.core.audit.model import encode, place
from trustworks.core.audit.verify import verify
from trustworks.core.store import Database, StoreSettings

if TYPE_CHECKING:
    from collections.abc import Callable

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "plugins"))

from postgresql_server import NoPostgresqlError, PostgresqlServer

tokens = Table(
    "bench_tokens", MetaData(), Column("serial", String(40), primary_key=True), Column("imprint", LargeBinary)
)
BUDGET_US = 15.0  # for encoding, chaining and hashing one event


def event(number: int) -> Event:
    """An event like that of an issued time-stamp."""
    return Event(
        type="timestamp.issued",
        outcome="success",
        actor="tsa:tsu-1",
        subject={"serial": f"{number:040x}", "unit": "tsu-1"},
        detail={
            "imprint": "ab" * 32,
            "hash": "sha256",
            "policy": "2.999.1.2",
            "bound_us": 1234,
            "lease": "boot-7",
            "sources": ["kernel", "chrony:192.0.2.1"],
            "mode": "enforce",
        },
        time=datetime.now(UTC),
    )


def grouped(database: Database, seconds: float, connections: int) -> dict[str, float]:
    """Requests of `connections` clients on one event loop."""
    taken: list[float] = []
    batches = 0

    def batch() -> None:
        nonlocal batches
        batches += 1

    async def main() -> None:
        releases = Releases(recorder)
        recorder.on_batch(batch)
        ends = time.perf_counter() + seconds

        async def client(number: int) -> None:
            while (began := time.perf_counter()) < ends:
                number += connections
                row = Row(tokens, {"serial": f"{number:040x}", "imprint": bytes(32)})
                await releases.record(event(number), row)
                taken.append(time.perf_counter() - began)

        await asyncio.gather(*(client(number) for number in range(connections)))

    with Recorder.open(database, "bench") as recorder:
        began, worked = time.perf_counter(), time.process_time()
        asyncio.run(main())
        elapsed, cpu = time.perf_counter() - began, time.process_time() - worked
    taken.sort()
    return {
        "events_per_second": len(taken) / elapsed,
        "cpu_us": cpu / len(taken) * 1e6,
        "p50_ms": taken[len(taken) // 2] * 1e3,
        "p99_ms": taken[len(taken) * 99 // 100] * 1e3,
        "events_per_commit": len(taken) / batches,
    }


def one_by_one(execute: Callable[[list[tuple[str, Any]]], None], mark: str, seconds: float) -> float:
    """The reference: one commit for each event, by the plain driver."""
    previous, number = "0" * 64, 0
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        body = json.dumps({"number": number, "previous": previous, "imprint": "ab" * 64}).encode()
        digest = hashlib.sha256(b"\0" + body)
        execute(
            [
                (f"INSERT INTO reference_rows VALUES ({mark}, {mark})", (number, bytes(32))),  # noqa: S608
                (
                    f"INSERT INTO reference VALUES ({mark}, {mark}, {mark})",  # noqa: S608
                    (number, digest.digest(), body),
                ),
            ]
        )
        previous = digest.hexdigest()
        number += 1
    return number / (time.perf_counter() - began)


TABLES = (
    "CREATE TABLE reference_rows (number INTEGER PRIMARY KEY, imprint {blob})",
    "CREATE TABLE reference (number INTEGER PRIMARY KEY, hash {blob}, body {blob})",
)


def sqlite_reference(file: Path, seconds: float) -> float:
    """One commit for each event, in SQLite with the same durability."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        for table in TABLES:
            connection.execute(table.format(blob="BLOB"))

        def execute(statements: list[tuple[str, Any]]) -> None:
            connection.execute("BEGIN IMMEDIATE")
            for statement, values in statements:
                connection.execute(statement, values)
            connection.execute("COMMIT")

        return one_by_one(execute, "?", seconds)


def postgresql_reference(url: str, seconds: float) -> float:
    """One commit for each event, in PostgreSQL with the same durability."""
    with psycopg.connect(url) as connection:
        for table in TABLES:
            connection.execute(table.format(blob="BYTEA").encode())
        connection.commit()

        def execute(statements: list[tuple[str, Any]]) -> None:
            for statement, values in statements:
                connection.execute(statement.encode(), values)
            connection.commit()

        return one_by_one(execute, "%s", seconds)


def database_of(url: str) -> Database:
    """A fresh database with the benchmark's table."""
    database = Database.open(StoreSettings.model_validate({"url": url}))
    database.upgrade()
    with database.begin() as connection:
        tokens.create(connection)
    return database


def recording_alone() -> tuple[float, float]:
    """Microseconds to encode, chain and hash one event without a database; and by the reference.

    The best of many short runs, since other programs on the machine only ever add to it.
    """
    made = event(1)
    value = json.loads(place(encode(made), b"0" * 64, 1, b"bench-0123456789abcdef"))

    def ours() -> None:
        hashlib.sha256(b"\0" + place(encode(made), b"0" * 64, 1, b"bench-0123456789abcdef")).hexdigest()

    def reference() -> None:
        hashlib.sha256(b"\0" + rfc8785.dumps(value)).hexdigest()

    return best(ours), best(reference)


def best(action: Callable[[], None], runs: int = 200, calls: int = 100) -> float:
    """Microseconds of one call, in the quickest of several runs."""
    took = []
    for _ in range(runs):
        began = time.perf_counter()
        for _ in range(calls):
            action()
        took.append(time.perf_counter() - began)
    return min(took) / calls * 1e6


def verification(database: Database, count: int) -> tuple[float, float]:
    """Events a second: put into the Merkle tree, and verified (processor time)."""
    with Recorder.open(database, "bulk") as recorder:
        same = event(0)

        def submit(_: object) -> None:
            for _number in range(count):
                recorder.submit(same, released=lambda _: None)

        recorder.transact(same, submit)
        recorder.record(same)
    began = time.process_time()
    appended = Sequencer(database, None).run_once().appended
    sequenced = time.process_time() - began
    began = time.process_time()
    with database.read() as connection:
        report = verify(DatabaseSource(connection))
    verified = time.process_time() - began
    assert report.ok, report.findings
    return appended / sequenced, report.events / verified


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    record_us, reference_us = recording_alone()
    found: dict[str, Any] = {"record_us": record_us, "record_reference_us": reference_us}
    with tempfile.TemporaryDirectory() as folder:
        place_of = Path(folder)
        with database_of(f"sqlite:///{place_of / 'db.sqlite'}") as database:
            found["sqlite"] = grouped(database, given.seconds, given.connections)
            found["sequenced"], found["verified"] = verification(database, given.events)
        with database_of(f"sqlite:///{place_of / 'one'}") as database:
            found["sqlite_one"] = grouped(database, given.seconds, 1)
        found["sqlite_reference"] = sqlite_reference(place_of / "reference", given.seconds)
    try:
        server = PostgresqlServer(durable=True)
    except NoPostgresqlError as error:
        print(f"NOT MEASURED ON POSTGRESQL: {error}", file=sys.stderr)
    else:
        try:
            server.run("CREATE DATABASE bench", "CREATE DATABASE reference")
            with database_of(server.url("bench")) as database:
                found["postgresql"] = grouped(database, given.seconds, given.connections)
            found["postgresql_reference"] = postgresql_reference(server.url("reference"), given.seconds)
        finally:
            server.remove()
    print(json.dumps(found) if given.json else told(found, given.connections))
    if found["record_us"] > BUDGET_US:
        print(f"An event costs more than {BUDGET_US:g} us to encode and chain.", file=sys.stderr)
        raise SystemExit(1)


def told(found: dict[str, Any], connections: int) -> str:
    """The figures as lines."""
    reference = f"the library rfc8785: {found['record_reference_us']:.1f} us"
    lines = [f"{'encode, chain and hash one event':<46}{found['record_us']:8.1f} us ({reference})"]
    for name, title in (("sqlite", "SQLite"), ("sqlite_one", "SQLite"), ("postgresql", "PostgreSQL")):
        if name not in found:
            continue
        one, clients = found[name], 1 if name == "sqlite_one" else connections
        what = f"{title}, group commit, {clients} clients"
        figures = f"{one['events_per_commit']:.0f} a commit, CPU {one['cpu_us']:.0f} us"
        delays = f"p50 {one['p50_ms']:.1f} ms, p99 {one['p99_ms']:.1f} ms"
        lines.append(f"{what:<46}{one['events_per_second']:8.0f} events/s, {figures}, {delays}")
        if name != "sqlite_one":
            reference = found[f"{name}_reference"]
            what = f"{title}, one commit each, plain driver"
            times = f"group commit: {one['events_per_second'] / reference:.1f} times"
            lines.append(f"{what:<46}{reference:8.0f} events/s ({times})")
    lines += [
        f"{'appended to the Merkle tree':<46}{found['sequenced']:8.0f} events a second of processor time",
        f"{'verified':<46}{found['verified']:8.0f} events a second of processor time",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
