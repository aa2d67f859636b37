"""kill -9 at any moment: no serial number twice, no token without its record, and the log verifies.

`TRUSTWORKS_CRASH_POINTS=1000 pytest -m crash tests/timestamping/test_crash.py` makes the long session.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from crash import Victim, kill_at_random, points
from postgresql_server import NoPostgresqlError, PostgresqlServer
from sqlalchemy import select
from timestamping_crash_worker import stamp_for_ever

from trustworks.core.audit import Recorder, Sequencer
from trustworks.core.audit import records as audit
from trustworks.core.audit.entries import DatabaseSource
from trustworks.core.audit.verify import verify
from trustworks.core.store import Database, StoreSettings
from trustworks.timestamping import records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trustworks.core.module import Module
    from trustworks.timestamping.config import TimestampingSettings

pytestmark = [
    pytest.mark.crash,
    pytest.mark.req("TRUSTWORKS:TSA-RECORD-FIRST", "RFC3161:2.4.2-SERIAL", "EN319421:OVR-7.13-05"),
]


@pytest.fixture(scope="module")
def durable_postgresql() -> Iterator[PostgresqlServer]:
    """A server that synchronises the disk."""
    try:
        server = PostgresqlServer(durable=True)
    except NoPostgresqlError as error:
        pytest.skip(f"NOT TESTED ON POSTGRESQL: {error}")
    server.run("CREATE DATABASE crash")
    with Database.open(StoreSettings.model_validate({"url": server.url("crash")})) as database:
        database.upgrade()
    yield server
    server.remove()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def durable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A fresh database that really synchronises."""
    if request.param == "postgresql":
        server: PostgresqlServer = request.getfixturevalue("durable_postgresql")
        settings = StoreSettings.model_validate({"url": server.url("crash")})
    else:
        settings = StoreSettings.model_validate({"url": f"sqlite:///{tmp_path / 'crash.sqlite'}"})
    with Database.open(settings) as database:
        if request.param == "sqlite":
            database.upgrade()
        yield database


def check_tokens(database: Database, said: dict[str, str]) -> None:
    """Every token that left has its record and its event; records and events are of the same tokens."""
    with database.read() as connection:
        rows = {
            serial: (imprint.hex(), tst_info.hex())
            for serial, imprint, tst_info in connection.execute(
                select(records.tokens.c.serial, records.tokens.c.imprint, records.tokens.c.tst_info)
            )
        }
        bodies = connection.scalars(
            select(audit.events.c.body).where(audit.events.c.type == "timestamp.issued")
        )
        events = [json.loads(body) for body in bodies]
    for serial, imprint in said.items():
        assert rows[serial][0] == imprint
    told = {event["subject"]["serial"]: event["detail"]["tst_info"] for event in events}
    assert len(told) == len(events) == len(rows)
    assert told == {serial: tst_info for serial, (_, tst_info) in rows.items()}


def test_killed_workers_lose_no_record_and_reuse_no_serial(
    durable: Database,
    tsu_module: Module,
    softhsm: Path,
    settings_of: Callable[..., TimestampingSettings],
) -> None:
    said: dict[str, str] = {}
    rounds = points(6)
    checked = 0

    def check(lines: list[str]) -> None:
        nonlocal checked
        for line in lines:
            serial, imprint = line.split()
            assert serial not in said, "a serial number left twice"
            said[serial] = imprint
        checked += 1
        if checked % max(2, rounds // 25) == 0 or checked == rounds:
            check_tokens(durable, said)

    def start(number: int) -> Victim:
        del number
        return Victim(
            stamp_for_ever,
            os.environ["SOFTHSM2_CONF"],
            softhsm,
            tsu_module.uri,
            durable.settings,
            settings_of(),
        )

    kill_at_random(rounds, 2, start, check)
    assert said
    with Recorder.open(durable, "after"):
        Sequencer(durable, None).run_once()
    Sequencer(durable, None).run_once()
    with durable.read() as connection:
        report = verify(DatabaseSource(connection))
    assert report.ok, report.findings
    assert report.waiting == 0
