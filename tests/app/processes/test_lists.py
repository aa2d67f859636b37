"""The trusted lists renewed by the jobs: when, from where, and what the audit log is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from trusted_list_bench import LOTL, PUBLICATION, list_of_lists, list_xml, party, sign
from validation_desk import Log, settings_of

from trustworks.app.health.heartbeat import TaskState
from trustworks.app.processes import lists
from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.pki.trusted_lists.store import Entry, State, read_state

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.validation.config import ListsSettings, ValidationSettings

COMMISSION, GREEK, STRANGER = party("Commission"), party("Greek operator"), party("Stranger")
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def configured(room: Path, **changes: Any) -> ValidationSettings:
    given = {
        "store": str(room / "store"),
        "source": str(room / "files"),
        "anchors": [str(room / "oj.pem")],
        "publication": PUBLICATION,
        "url": LOTL,
    }
    return settings_of(lists=given | changes)


def lists_of(settings: ValidationSettings) -> ListsSettings:
    assert settings.lists is not None
    return settings.lists


@pytest.fixture
def room(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    now = datetime.now(UTC) - timedelta(hours=1)
    lotl = list_of_lists({"EL": GREEK}, signer=COMMISSION, issued=now, next_update=now + timedelta(days=30))
    (tmp_path / "files" / "lotl.xml").write_bytes(lotl)
    (tmp_path / "oj.pem").write_bytes(COMMISSION.certificate.public_bytes(Encoding.PEM))
    publish(tmp_path, GREEK)
    return tmp_path


def publish(room: Path, signer: Any, number: int = 1) -> None:
    now = datetime.now(UTC) - timedelta(hours=1)
    made = list_xml(number=number, issued=now, next_update=now + timedelta(days=30))
    (room / "files" / "EL.xml").write_bytes(sign(made, signer))


class Job:
    """The task over a configuration, with a log in the place of the recorder."""

    def __init__(self, settings: ValidationSettings) -> None:
        self.log = Log()
        wiring: Any = SimpleNamespace(
            validation_settings=settings, open_database=lambda: None, open_recorder=lambda *_, **__: self.log
        )
        stack: Any = SimpleNamespace(enter_context=lambda one: one)
        self.look = lists.refresher(wiring, stack)

    def events(self) -> list[tuple[str, Any]]:
        found = [(one.type.removeprefix("validation."), one.subject["territory"]) for one in self.log.events]
        self.log.events.clear()
        return found


def test_a_change_is_told_once_and_what_is_bad_replaces_nothing(room: Path) -> None:
    settings = configured(room, **{"every-hours": 0.000001})
    job = Job(settings)
    said = job.look()
    assert said == "2 trusted lists looked at, 2 of them changed."
    assert job.events() == [("list-changed", "EU"), ("list-changed", "EL")]
    assert job.look() == "2 trusted lists looked at, 0 of them changed."
    assert job.events() == []
    kept = (room / "store" / "EL.xml").read_bytes()
    publish(room, STRANGER, number=2)
    assert job.look() == "2 trusted lists looked at, 0 of them changed. Not renewed: EL."
    assert job.events() == [("list-failed", "EL")]
    job.look()
    assert job.events() == []  # it fails for the same reason
    assert (room / "store" / "EL.xml").read_bytes() == kept
    publish(room, GREEK, number=3)
    job.look()
    assert job.events() == [("list-changed", "EL"), ("list-well", "EL")]
    assert read_state(room / "store")[0].entry("EL") is not None


def test_a_list_of_lists_that_nobody_published_is_a_failure(room: Path) -> None:
    (room / "oj.pem").write_bytes(STRANGER.certificate.public_bytes(Encoding.PEM))
    job = Job(configured(room))
    said = job.look()
    assert isinstance(said, TaskState)
    assert said.code == "lists.failed"
    assert job.events() == [("list-failed", "EU")]
    assert job.look() == said  # it is not due, and the failure stands


def test_a_list_that_is_not_due_is_not_looked_at(room: Path) -> None:
    Job(configured(room)).look()
    for file in (room / "files").iterdir():
        file.unlink()
    job = Job(configured(room))
    assert job.look() == "The trusted lists are looked at when they are due."
    assert job.events() == []


@pytest.mark.parametrize(
    ("hours", "problem", "due"),
    [(5.9, "", False), (6.0, "", True), (0.2, "It failed.", False), (0.25, "It failed.", True)],
)
def test_when_lists_are_due(room: Path, hours: float, problem: str, *, due: bool) -> None:
    entry = Entry(territory="EU", location=LOTL, tried=NOW - timedelta(hours=hours), problem=problem)
    state = State(location=LOTL, entries=(entry,))
    assert lists.is_due(state, lists_of(configured(room)), NOW) is due
    assert lists.is_due(State(), lists_of(configured(room)), NOW)


def test_without_anchors_the_store_knows_whom_to_believe(room: Path) -> None:
    assert lists.journal_of(lists_of(configured(room, anchors=[]))) is None
    (room / "oj.pem").write_text("nothing")
    with pytest.raises(Malformed):
        lists.journal_of(lists_of(configured(room)))


def test_lists_come_from_public_addresses_alone(room: Path) -> None:
    settings = configured(room)
    web = lists_of(settings).model_copy(update={"source": None})
    with pytest.raises(Rejected, match="not at a public address"):
        lists.fetch_of(settings, web)("http://127.0.0.1:9/lotl.xml")


def test_a_host_whose_address_is_said_is_asked_for_lists_too(room: Path) -> None:
    """As for evidence: a laboratory's own lists are at a name that is in no DNS."""
    settings = configured(room)
    fetch = settings.fetch.model_copy(update={"hosts": ("Lists.example=127.0.0.1",)})
    web = lists_of(settings).model_copy(update={"source": None})
    with pytest.raises(Unavailable, match=r"lists\.example"):  # nobody listens there; without it, Rejected
        lists.fetch_of(settings.model_copy(update={"fetch": fetch}), web)("http://lists.example:9/lotl.xml")


def test_the_cache_of_evidence_is_kept_small(tmp_path: Path) -> None:
    stack: Any = None
    settings = settings_of(fetch={"cache": str(tmp_path / "cache")})
    wiring: Any = SimpleNamespace(validation_settings=settings)
    assert "0 answers" in str(lists.tidier(wiring, stack)())
    wiring.validation_settings = settings.model_copy(
        update={"fetch": settings.fetch.model_copy(update={"cache": None})}
    )
    assert lists.tidier(wiring, stack)() == "No evidence is kept."
