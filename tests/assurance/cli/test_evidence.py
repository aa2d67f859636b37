"""`trustworks assurance evidence`, `duty`, `change` and `incident`, as an operator calls them."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from nobody_acts import NobodyActs
from typer.testing import CliRunner

from trustworks.assurance.cli import app
from trustworks.assurance.collecting import Looked
from trustworks.assurance.evidence.duties import duties
from trustworks.assurance.model import Installation, InstallationState, Product, ProductKind
from trustworks.assurance.service import Register
from trustworks.core.audit import Recorder
from trustworks.core.audit.search import newest
from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.module import Module
from trustworks.core.time import ClockStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trustworks.core.module import Pkcs11Uri
    from trustworks.core.store import Database

pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)


class Sources:
    """One token, and nothing else that runs."""

    tokens = ("tsu",)
    services = ()
    units = ()
    schemes: ClassVar[dict[str, str]] = {}
    stamps = False

    def __init__(self, uri: Pkcs11Uri, library: Path) -> None:
        self._uri = uri
        self.library = library

    def uri(self, token: str) -> Pkcs11Uri:
        del token
        return self._uri

    def look(self, token: str) -> Looked:
        del token
        with Module.open(self._uri, library=self.library, read_write=True, lab=True) as module:
            module.ensure_probe_key()
            return Looked(info=module.info(), health=module.health())

    def installation(self, at: datetime) -> Installation:
        return Installation(at=at, state=InstallationState.UNSIGNED, found="no manifest")

    def clock(self) -> ClockStatus:
        return ClockStatus(ok=True, mode="lab", code="ok", reason="")

    def trace(self) -> Any:
        raise Unavailable("assurance.no-table", "there is no table of requirements")


class Wiring(NobodyActs):
    """As much of the application's wiring as the commands need."""

    def __init__(self, database: Database, sources: Sources) -> None:
        super().__init__()
        self.database = database
        self.sources = sources
        self.config = SimpleNamespace(provider=SimpleNamespace(name="TEST provider"))
        self.now = datetime.now(UTC)

    @contextmanager
    def open_database(self) -> Iterator[Database]:
        yield self.database

    @contextmanager
    def open_recorder(self, role: str, *, database: Database | None = None) -> Iterator[Recorder]:
        del database
        with Recorder.open(self.database, role) as recorder:
            yield recorder

    def open_clock(self) -> Any:
        return SimpleNamespace(mode="lab", now=lambda: SimpleNamespace(utc=self.now))

    def evidence_sources(self) -> Sources:
        return self.sources


@pytest.fixture
def wiring(database: Database, softhsm: Path, token: Pkcs11Uri) -> Wiring:
    made = Wiring(database, Sources(token, softhsm))
    with Recorder.open(database, "test") as recorder:
        Register(recorder, by="anna").enter(
            Product(id="hsm-1", kind=ProductKind.MODULE, name="TEST", token=f"pkcs11:token={token.token}")
        )
    return made


def call(wiring: Wiring, *words: object) -> Any:
    done = CliRunner().invoke(app, [str(word) for word in words], obj=wiring)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def facts(wiring: Wiring, *words: object, code: int = 0) -> Any:
    done = call(wiring, *words, "--json")
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def plan_file(folder: Path, **values: str) -> Path:
    file = folder / "plan.toml"
    lines = {
        "title": '"Another library"',
        "planned": "2026-01-01T08:00:00Z",
        "elements": '["b"]',
        "product": '"hsm-1"',
        "urgent": '"A test does not wait."',
    } | values
    file.write_text("\n".join(f"{name} = {value}" for name, value in lines.items()), encoding="utf-8")
    return file


def test_evidence_is_collected_listed_and_shown(wiring: Wiring) -> None:
    assert "Nothing was collected yet" in call(wiring, "evidence", "list").stdout
    found = facts(wiring, "evidence", "collect")
    assert found["round"] == 1
    identity = next(one for one in found["items"] if one["kind"] == "module-identity")
    listed = facts(wiring, "evidence", "list", "--kind", "module-identity")
    assert listed["items"] == [identity]
    assert listed["round"]["number"] == 1
    shown = facts(wiring, "evidence", "show", identity["number"])
    assert shown["values"]["serial"] == identity["values"]["serial"]
    text = call(wiring, "evidence", "show", identity["number"]).stdout
    assert "TRUSTWORKS:ASSURANCE-IDENTITY-CHANGED" in text
    assert '"model": "SoftHSM v2"' in text
    lines = call(wiring, "evidence", "list", "--outcome", "failed").stdout
    assert "traceability" in lines
    assert "module-identity" not in lines
    assert len(facts(wiring, "evidence", "list", "--history", "--limit", "3")["items"]) == 3
    assert call(wiring, "evidence", "show", 10**30).exit_code == 2
    with pytest.raises(Rejected) as absent:
        call(wiring, "evidence", "show", 9999)
    assert absent.value.code == "assurance.evidence"


def test_duties_are_listed_and_entered_as_done(wiring: Wiring, tmp_path: Path) -> None:
    before = facts(wiring, "duty", "list", code=1)["duties"]
    assert [one["duty"] for one in before] == list(duties())
    report = tmp_path / "report.pdf"
    report.write_bytes(b"TEST report")
    day = wiring.now.date().isoformat()
    for name in duties():
        done = facts(wiring, "duty", "done", name, "--on", day, "--document", report, "--person", "anna")
        assert done["document_sha256"] == hashlib.sha256(b"TEST report").hexdigest()
    assert all(one["ok"] for one in facts(wiring, "duty", "list")["duties"])
    assert "OVR-6.5.7-02" in call(wiring, "duty", "list").stdout
    with wiring.database.read() as connection:
        event = newest(connection, limit=1, type_prefix="assurance.duty-done")[0].value
    assert event["detail"]["persons"] == ["anna"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("jogging", "--on", "2026-01-01"), "is no duty"),
        (("training", "--on", "yesterday"), "is no day"),
        (("training", "--on", "2999-01-01"), "has not come yet"),
        (("training", "--on", "2026-01-01", "--person", "Anna Muster"), "is no pseudonym"),
        (("training", "--on", "2026-01-01", "--document", "absent.pdf"), "cannot be read"),
        (("training", "--on", "2026-01-01", "--note", "x" * 1001), "1001 characters"),
    ],
)
def test_what_cannot_be_is_not_entered_as_done(
    wiring: Wiring, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    document = () if "--document" in words else ("--document", tmp_path / "report.pdf")
    (tmp_path / "report.pdf").write_bytes(b"x")
    with pytest.raises(Malformed, match=told):
        call(wiring, "duty", "done", *words, *document)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-CHANGE-NOTICE")
def test_a_change_is_planned_shown_noticed_and_cancelled(wiring: Wiring, tmp_path: Path) -> None:
    assert "No change was planned" in call(wiring, "change", "list").stdout
    made = facts(wiring, "change", "plan", plan_file(tmp_path))
    assert (made["number"], made["state"]) == (1, "planned")
    assert facts(wiring, "change", "list")["changes"] == [made]
    notice = call(wiring, "change", "notice", 1).stdout
    assert "TEST provider" in notice
    assert "Reasons (Article 1(2)(c)):\n  missing" in notice
    assert facts(wiring, "change", "cancel", 1, "--reason", "not needed")["state"] == "cancelled"
    assert "not needed" in call(wiring, "change", "show", 1).stdout
    other = facts(wiring, "change", "plan", plan_file(tmp_path, title='"Terms\\u001b[2J"'))
    assert facts(wiring, "change", "done", other["number"])["state"] == "done"
    assert "\x1b" not in call(wiring, "change", "list").stdout
    assert call(wiring, "change", "show", 10**30).exit_code == 2
    with pytest.raises(Rejected):
        call(wiring, "change", "show", 99)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INCIDENT-NOTICE")
def test_an_unplanned_difference_ends_the_look_with_a_draft(wiring: Wiring) -> None:
    assert "No incident was drafted" in call(wiring, "incident", "list").stdout
    call(wiring, "evidence", "collect")
    with Recorder.open(wiring.database, "test") as recorder:
        Register(recorder, by="anna").change_product("hsm-1", serial="0000")
    wiring.now += timedelta(minutes=1)
    done = call(wiring, "evidence", "collect")
    assert done.exit_code == 1
    assert "Incident 1 was drafted" in done.stdout
    (incident,) = facts(wiring, "incident", "list")["incidents"]
    assert "expected was 0000" in incident["findings"][0]
    assert facts(wiring, "incident", "show", 1) == incident
    text = call(wiring, "incident", "notice", 1).stdout
    assert "Measures taken and planned:\n  missing" in text
    assert facts(wiring, "evidence", "collect", code=1)["incidents"] == []
    with pytest.raises(Rejected):
        call(wiring, "incident", "notice", 7)


def test_an_incident_is_closed_and_listed_as_such(wiring: Wiring) -> None:
    call(wiring, "evidence", "collect")
    with Recorder.open(wiring.database, "test") as recorder:
        Register(recorder, by="anna").change_product("hsm-1", serial="0000")
    wiring.now += timedelta(minutes=1)
    call(wiring, "evidence", "collect")
    assert "   1  open " in call(wiring, "incident", "list").stdout
    closed = facts(wiring, "incident", "close", 1, "--outcome", "accepted", "--reason", "a new token")
    assert closed["end"]["outcome"] == "accepted"
    assert closed["end"]["on"] == wiring.now.date().isoformat()
    assert "   1  accepted " in call(wiring, "incident", "list").stdout
    assert "closed on" in call(wiring, "incident", "notice", 1).stdout
    assert facts(wiring, "evidence", "collect")["incidents"] == []
