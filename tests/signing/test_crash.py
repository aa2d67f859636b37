"""kill -9 while a document is sealed: what the key was asked to sign is recorded, and counts."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from crash import Victim
from signing_crash_worker import POINTS, desk_of, seal_until
from signing_desk import seal_of
from signing_house import house, pdf
from sqlalchemy import select

from trustworks.core.audit import Recorder, Sequencer
from trustworks.core.audit import records as audit
from trustworks.core.audit.entries import DatabaseSource
from trustworks.core.audit.verify import verify
from trustworks.core.errors import Refused
from trustworks.signing import records

if TYPE_CHECKING:
    from trustworks.core.store import Database

pytestmark = [pytest.mark.crash, pytest.mark.req("TRUSTWORKS:SIGNING-SEAL-QUOTA")]


def message() -> bytes:
    document = {"content": base64.b64encode(pdf().octets()).decode()}
    return json.dumps({"seal": "main", "format": "pades", "documents": [document]}).encode()


def states(database: Database) -> list[tuple[str, str | None]]:
    with database.read() as connection:
        return [(row.state, row.level) for row in connection.execute(select(records.seals))]


def told(database: Database) -> list[tuple[str, str]]:
    """Outcome and level of each seal that the log was told of."""
    query = select(audit.events.c.body).where(audit.events.c.type == "signing.sealed")
    with database.read() as connection:
        found = [json.loads(one) for one in connection.scalars(query)]
    return [(one["outcome"], one["detail"]["level"]) for one in found]


@pytest.mark.parametrize("point", POINTS)
def test_a_seal_whose_process_was_killed_is_recorded_and_counts(database: Database, point: str) -> None:
    victim = Victim(seal_until, database.settings, message(), point)
    victim.wait_until_it_works()
    assert victim.kill() == [point], "it was answered"

    given = ("given", "PAdES-BASELINE-B")
    assert states(database) == [given if point == "recorded" else ("signed", None)]
    # Record and event are of one transaction: never one without the other.
    assert told(database) == ([("success", given[1])] if point == "recorded" else [])

    with Recorder.open(database, "after") as recorder:
        desk = desk_of(database, recorder, seal_of(house().person()))
        client = desk.settings.clients[0]
        assert client.per_day == 2
        desk._seal(client, message())
        with pytest.raises(Refused, match="may have 2 seals on a day"):
            desk._seal(client, message())
        Sequencer(database, None).run_once()
    assert len(told(database)) == (2 if point == "recorded" else 1)
    Sequencer(database, None).run_once()
    with database.read() as connection:
        report = verify(DatabaseSource(connection))
    assert report.ok, report.findings
