"""`trustworks doctor`: what is left to do, the most urgent first."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from nobody_acts import NobodyActs
from statements_testbed import office_in
from typer.testing import CliRunner

from trustworks.app.commands import doctor
from trustworks.app.commands.doctor import Advice, Severity
from trustworks.assurance.evidence.model import Item, Kind, Outcome
from trustworks.assurance.evidence.records import add_round, put
from trustworks.assurance.model import Binding, Product, ProductKind
from trustworks.assurance.service import Register
from trustworks.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from statements_testbed import Office

    from trustworks.app.configuration.config import Config
    from trustworks.core.store import Database

pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)  # one is enough to read

TODAY = date(2026, 11, 20)


class Wiring(NobodyActs):
    def __init__(self, office: Office) -> None:
        super().__init__()
        self.office = office
        self.broken = False

    @property
    def config(self) -> Config:
        return self.office.config

    @contextmanager
    def open_database(self) -> Iterator[Database]:
        if self.broken:
            raise Unavailable("store.absent", "There is no database.")
        yield self.office.database


@pytest.fixture
def wiring(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wiring]:
    # What the check of a configuration finds has tests of its own, and asks for more than is here.
    monkeypatch.setattr(
        "trustworks.app.configuration_check.problems", lambda _: ["audit.certificate: absent"]
    )
    with office_in(tmp_path, database) as office:
        yield Wiring(office)


def found(wiring: Wiring, *options: str, code: int = 1) -> list[dict[str, Any]]:
    result = CliRunner().invoke(doctor.app, [*options, "--json"], obj=wiring)
    assert result.exit_code == code, result.output
    values: list[dict[str, Any]] = json.loads(result.output)
    return values


def test_what_is_most_urgent_comes_first_and_fails_the_command(wiring: Wiring) -> None:
    values = found(wiring)
    order = [one.value for one in Severity]
    assert [one["severity"] for one in values] == sorted((one["severity"] for one in values), key=order.index)
    assert values[0] == {
        "severity": "now",
        "about": "configuration",
        "sentence": "audit.certificate: absent",
        "do": "",
    }
    assert {"evidence", "register"} <= {one["about"] for one in values}


def test_only_what_is_as_urgent_is_shown_where_that_is_asked(wiring: Wiring) -> None:
    assert {one["severity"] for one in found(wiring, "--severity", "now")} == {"now"}


def test_nothing_urgent_is_no_failure(wiring: Wiring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trustworks.app.configuration_check.problems", lambda _: [])
    assert all(one["severity"] != "now" for one in found(wiring, code=0))
    monkeypatch.setattr(doctor, "advice", lambda _: iter(()))
    result = CliRunner().invoke(doctor.app, [], obj=wiring)
    assert result.output == "Nothing is left to be done that this program knows of.\n"


def test_a_database_that_is_not_there_is_told_and_the_rest_is_looked_at(wiring: Wiring) -> None:
    wiring.broken = True
    told = {one["about"]: one["sentence"] for one in found(wiring)}
    assert told["database"] == "There is no database."
    assert "configuration" in told


def test_what_cannot_be_looked_at_is_told(wiring: Wiring, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> list[str]:
        raise Unavailable("x.y", "The file is gone.")

    monkeypatch.setattr("trustworks.app.statements.service.findings", fails)
    assert "It could not be looked at: The file is gone." in {one["sentence"] for one in found(wiring)}


def register(wiring: Wiring) -> Register:
    return Register(wiring.office.recorder, by="olga", now=lambda: datetime(2026, 11, 20, tzinfo=UTC))


def of_register(wiring: Wiring) -> list[Advice]:
    with wiring.office.database.read() as connection:
        return list(doctor._register(connection, TODAY))


def test_an_empty_register_is_told_once(wiring: Wiring) -> None:
    (one,) = of_register(wiring)
    assert "No product is bound to a service" in one.sentence


def test_of_a_product_all_that_holds_it_down_is_told_with_what_would_lift_it(wiring: Wiring) -> None:
    register(wiring).enter(Product(id="hsm-1", kind=ProductKind.MODULE, name="HSM", real_hardware=False))
    register(wiring).enter(Binding(product="hsm-1", service="timestamps", process="tsu_key_use"))
    told = of_register(wiring)
    about = [one for one in told if one.about == "timestamps/tsu_key_use (hsm-1)"]
    assert any("insufficient: No " in one.sentence for one in about)
    assert all(one.do for one in about)
    assert any("tsu_key_generation" in one.sentence for one in told)


def test_findings_of_the_last_round_are_told(wiring: Wiring) -> None:
    item = Item(
        kind=Kind.DUTY,
        subject="penetration-test",
        at=datetime(2026, 11, 20, tzinfo=UTC),
        outcome=Outcome.FINDING,
        sentence="It is overdue.",
    )
    with wiring.office.database.begin() as connection:
        kept, _ = put(connection, item)
        add_round(connection, [kept], at=item.at, by="jobs")
    with wiring.office.database.read() as connection:
        (one,) = doctor._evidence(connection)
    assert (one.about, one.sentence) == ("recurring-duty penetration-test", "It is overdue.")
