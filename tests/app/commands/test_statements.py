"""`trustworks statements` as an operator types it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from nobody_acts import NobodyActs
from statements_testbed import office_in
from typer.testing import CliRunner

from trustworks.app.commands.statements import app
from trustworks.app.statements import records
from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.core.roles.model import Act
from trustworks.core.time import LabClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from statements_testbed import Office
    from typer.testing import Result

    from trustworks.app.configuration.config import Config
    from trustworks.core.audit import Recorder
    from trustworks.core.store import Database

pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)  # one is enough to read


class Wiring(NobodyActs):
    """The application's wiring, over what the test has open."""

    def __init__(self, office: Office) -> None:
        super().__init__()
        self.office = office

    @property
    def config(self) -> Config:
        return self.office.config

    @contextmanager
    def open_database(self) -> Iterator[Database]:
        yield self.office.database

    @contextmanager
    def open_recorder(self, role: str, *, database: Database) -> Iterator[Recorder]:
        del role, database
        yield self.office.recorder

    def open_clock(self) -> LabClock:
        return LabClock()


@pytest.fixture
def wiring(database: Database, tmp_path: Path) -> Iterator[Wiring]:
    with office_in(tmp_path, database) as office:
        yield Wiring(office)


def run(wiring: Wiring, *words: str, code: int = 0) -> Result:
    found = CliRunner().invoke(app, words, obj=wiring, catch_exceptions=False)
    assert found.exit_code == code, found.output
    return found


def test_a_statement_is_drawn_compared_published_and_read(wiring: Wiring, tmp_path: Path) -> None:
    drawn = run(wiring, "render", "pds")
    assert drawn.stdout.startswith("# PKI disclosure statement\n\nThis statement")
    assert "Missing: the provider's postal address (address)." in drawn.stderr
    run(wiring, "render", "pds", "--out", str(tmp_path / "draft.pdf"))
    assert (tmp_path / "draft.pdf").read_bytes().startswith(b"%PDF")
    assert "pds (en) is not published" in run(wiring, "check", code=1).stdout
    assert "No statement is published" in run(wiring, "list").stdout

    published = json.loads(run(wiring, "publish", "pds", "terms", "--json").stdout)
    assert [(one["statement"], one["number"]) for one in published] == [("pds", 1), ("terms", 1)]
    assert wiring.asked == [(Act.CONFIGURE, None, None)]
    assert "Nothing has changed" in run(wiring, "publish", "pds").stdout
    (pds, terms) = run(wiring, "list").stdout.splitlines()
    assert pds.split()[:2] == ["pds-en", "1"]
    assert published[1]["pdf"] in terms
    assert "Version 1 of " in run(wiring, "show", "pds").stdout
    run(wiring, "show", "pds", "--version", "1", "--out", str(tmp_path / "pds.pdf"))
    with wiring.office.database.read() as connection:
        kept = records.listed(connection)
    assert kept[0].sha256 in run(wiring, "show", "pds").stdout


def test_check_answers_programs_too(wiring: Wiring) -> None:
    found = json.loads(run(wiring, "check", "--json", code=1).stdout)
    assert not found["ok"]
    assert any("cps (en) is not published" in one for one in found["findings"])


def test_who_may_not_publishes_nothing(wiring: Wiring) -> None:
    wiring.refusal = Refused("CENTS419261:SA1.1", "system.configure is for system-administrator.")
    with pytest.raises(Refused):
        run(wiring, "publish")
    with wiring.office.database.read() as connection:
        assert records.listed(connection) == []


def test_what_there_is_not_is_told(wiring: Wiring, tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="'policy' is no statement; there are cps"):
        run(wiring, "render", "policy")
    with pytest.raises(Rejected, match="no pds in 'en'"):
        run(wiring, "show", "pds")
    with pytest.raises(Rejected, match="'fr'"):
        run(wiring, "render", "pds", "--language", "fr")
    with pytest.raises(Malformed, match=r"neither a \.pdf nor an \.md file"):
        run(wiring, "render", "pds", "--out", str(tmp_path / "pds.doc"))
