"""kill -9 at any moment: nothing that was acknowledged is lost, and the log verifies."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from audit_crash import acknowledged, record_for_ever
from crash import Victim, kill_at_random, points
from postgresql_server import NoPostgresqlError, PostgresqlServer
from sqlalchemy import select

from trustworks.core.audit import Recorder, Sequencer, records
from trustworks.core.audit.entries import DatabaseSource
from trustworks.core.audit.verify import verify
from trustworks.core.store import Database, StoreSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.core.audit.report import Report

pytestmark = [pytest.mark.crash, pytest.mark.req("TRUSTWORKS:AUDIT-03", "TRUSTWORKS:STORE-01")]


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
        with database.begin() as connection:
            acknowledged.create(connection)
    yield server
    server.remove()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def durable(request: pytest.FixtureRequest, store_settings: StoreSettings) -> Iterator[Database]:
    """A database that really synchronises, with the table of acknowledged names."""
    settings = store_settings
    if request.param == "postgresql":
        server = request.getfixturevalue("durable_postgresql")
        settings = StoreSettings.model_validate({"url": server.url("crash")})
    with Database.open(settings) as database:
        if request.param == "sqlite":
            with database.begin() as connection:
                acknowledged.create(connection)
        yield database


def report_of(database: Database) -> Report:
    with database.read() as connection:
        return verify(DatabaseSource(connection))


def check_names(database: Database, said: list[str]) -> None:
    """Every name that was acknowledged has its row and its event; rows and events are the same names."""
    e = records.events.c
    with database.read() as connection:
        rows = set(connection.scalars(select(acknowledged.c.name)))
        bodies = connection.scalars(select(e.body).where(e.type == "test.acknowledged"))
        events = [json.loads(body)["subject"]["name"] for body in bodies]
    assert set(said) <= rows
    assert len(events) == len(set(events))
    assert set(events) == rows


@pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
def test_killed_processes_lose_nothing_that_they_acknowledged(durable: Database) -> None:
    said: list[str] = []
    rounds = points(6)
    checked = 0

    def check(lines: list[str]) -> None:
        nonlocal checked
        said.extend(lines)
        checked += 1
        if checked % max(2, rounds // 25) == 0 or checked == rounds:
            check_names(durable, said)
            report = report_of(durable)
            assert report.ok, report.findings

    kill_at_random(rounds, 2, lambda number: Victim(record_for_ever, durable.settings, number), check)
    assert said
    # A new process goes on where the killed ones stopped.
    with Recorder.open(durable, "after"):
        Sequencer(durable, None).run_once()
    Sequencer(durable, None).run_once()
    report = report_of(durable)
    assert report.ok, report.findings
    assert report.waiting == 0
    assert report.open_streams >= 1  # a killed process's stream just stops


@pytest.mark.postgresql
@pytest.mark.req("TRUSTWORKS:AUDIT-08")
def test_a_killed_postgresql_loses_nothing_that_was_acknowledged(
    durable_postgresql: PostgresqlServer,
) -> None:
    settings = StoreSettings.model_validate({"url": durable_postgresql.url("crash")})
    victim = Victim(record_for_ever, settings, 1_000_000)
    victim.wait_until_it_works()
    for _ in range(2):
        until(victim, len(victim.lines) + 50)
        durable_postgresql.stop(crash=True)
        durable_postgresql.start()
    until(victim, len(victim.lines) + 50)  # by itself, in a stream of its own
    said = victim.kill()
    with Database.open(settings) as database:
        check_names(database, said)
        Sequencer(database, None).run_once()
        report = report_of(database)
        assert report.ok, report.findings
        with database.read() as connection:
            e = records.events.c
            opened = connection.scalars(select(e.body).where(e.type == "audit.stream-opened")).all()
        reasons = [json.loads(body)["detail"].get("reason", "") for body in opened]
        assert sum("PostgreSQL server" in reason for reason in reasons) == 2


def until(victim: Victim, count: int) -> None:
    """Wait until that many names were acknowledged."""
    deadline = time.monotonic() + 60
    while len(victim.lines) < count:
        assert time.monotonic() < deadline, "nothing is acknowledged any more"
        time.sleep(0.005)
