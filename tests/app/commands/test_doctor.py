"""`trustworks doctor`: what is left to do, the most urgent first."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from nobody_acts import NobodyActs
from statements_testbed import office_in
from typer.testing import CliRunner

from trustworks.app.commands import doctor
from trustworks.app.commands.doctor import Advice, Severity
from trustworks.assurance.changes.model import ChangeAct, ChangeState, End, IncidentOutcome, plan_of
from trustworks.assurance.changes.records import add_change, add_incident, close_incident
from trustworks.assurance.evidence.model import Item, Kind, Outcome
from trustworks.assurance.evidence.records import add_round, put
from trustworks.assurance.model import (
    Binding,
    Identity,
    OptionVerdict,
    ProcessVerdict,
    Product,
    ProductKind,
    Reason,
    Verdict,
)
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
    result = CliRunner().invoke(doctor.app, ["--severity", "now"], obj=wiring)
    assert result.output.endswith("knows of. Less urgent than now: not asked.\n")


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


def test_a_module_that_differs_is_for_now(wiring: Wiring) -> None:
    seen = Identity(
        at=datetime(2026, 11, 20, tzinfo=UTC), manufacturer="A", model="K9", serial="2", hardware="1",
        firmware="7", library="l", library_sha256="0" * 64, is_test_module=False,
    )  # fmt: skip
    product = Product(id="hsm-1", kind=ProductKind.MODULE, name="HSM", serial="1", observed=seen)
    register(wiring).enter(product)
    register(wiring).enter(Binding(product="hsm-1", service="timestamps", process="tsu_key_use"))
    urgent = [one for one in of_register(wiring) if one.severity is Severity.NOW]
    assert [one.sentence for one in urgent] == ["The serial number is 2, expected was 1."]
    assert "incident close" in urgent[0].do
    # What the last look told already is not told again.
    differences = [{"field": "serial", "expected": "1", "found": "2"}]
    looked(wiring, Kind.IDENTITY, "hsm-1", "It differs.", differences=differences, product="hsm-1")
    assert not [one for one in of_register(wiring) if one.severity is Severity.NOW]
    with wiring.office.database.read() as connection:
        (one,) = doctor._evidence(connection)
    assert (one.severity, one.about, one.sentence) == (Severity.NOW, "module-identity hsm-1", "It differs.")


def test_an_incident_is_for_now_until_it_is_over_and_a_late_change_is_for_soon(wiring: Wiring) -> None:
    def told(now: datetime) -> list[tuple[str, str]]:
        with wiring.office.database.read() as connection:
            return [(one.about, one.severity.value) for one in doctor._changes(connection, now)]

    at = datetime(2026, 11, 20, tzinfo=UTC)
    with wiring.office.database.begin() as connection:
        add_incident(connection, at=at, product="hsm-1", services=(), findings=("it differs",), facts={})
        plan = {"title": "T", "planned": datetime(2026, 12, 1, tzinfo=UTC), "elements": ["b"]}
        act = ChangeAct(state=ChangeState.PLANNED, at=at, by="olga", reason="")
        add_change(connection, plan_of(plan), act)
    incident, change = "incident 1 (hsm-1)", "change 1"
    assert told(at + timedelta(days=2)) == [(incident, "now"), (change, "info")]  # nobody looked since
    looked(wiring, Kind.IDENTITY, "hsm-1", "As expected.", Outcome.OK, differences=[], product="hsm-1")
    assert told(at + timedelta(hours=2)) == [(incident, "now"), (change, "info")]
    assert told(at + timedelta(days=2)) == [(incident, "soon"), (change, "info")]
    with wiring.office.database.begin() as connection:
        end = End(outcome=IncidentOutcome.SETTLED, on=TODAY, at=at, by="olga", reason="put right")
        close_incident(connection, 1, end)
    assert told(datetime(2026, 12, 2, tzinfo=UTC)) == [(change, "soon")]


def reason(rule: str, verdict: Verdict) -> Reason:
    return Reason(rule=rule, reference="", verdict=verdict, sentence="")


def option(name: str, verdict: Verdict, *rules: Verdict, preferred: bool = False) -> OptionVerdict:
    reasons = tuple(reason(f"rule-{number}", one) for number, one in enumerate(rules))
    return OptionVerdict(option=name, label="", verdict=verdict, reasons=reasons, preferred=preferred)


@pytest.mark.usefixtures("store_settings")
def test_the_option_that_asks_for_least_is_the_one_that_is_advised() -> None:
    low, unknown, strong = Verdict.INSUFFICIENT, Verdict.UNKNOWN, Verdict.STRONG
    lacking = OptionVerdict(
        option="cc", label="", verdict=low, reasons=(reason("cc.certificate", low),), preferred=True
    )
    many = option("many", low, low, low, unknown)
    few = option("few", low, strong, low, unknown)
    stronger = option("stronger", low, low, strong, unknown, preferred=True)
    bound = replace(many, option="bound", certificate="cc:1")
    better = option("better", unknown, unknown, unknown, unknown, unknown)
    for given, wanted in (
        ([lacking, many, few], few),
        ([few, bound, lacking], bound),
        ([many, few, replace(few, option="same")], few),
        ([many, few, stronger], stronger),
        ([few, better], better),
        ([lacking], lacking),
        ([], None),
    ):
        process = ProcessVerdict(
            service="s", process="p", product="x", verdict=Verdict.UNKNOWN, options=tuple(given)
        )
        assert process.best is wanted


def test_what_is_the_same_about_several_is_told_once_and_in_a_laboratory_later(
    wiring: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    several = [
        Advice(severity=Severity.SOON, about=f"p-{one}", sentence="It is open.", of_assessors=True)
        for one in (1, 2, 3, 3, 4, 5)
    ]
    urgent = Advice(severity=Severity.NOW, about="x", sentence="It is open.", of_assessors=True)
    monkeypatch.setattr(doctor, "advice", lambda _: iter([*several, urgent]))
    lab = wiring.config.provider.lab
    values = found(wiring)
    assert [(one["severity"], one["about"]) for one in values] == [
        ("now", "x"),
        ("later" if lab else "soon", "p-1, p-2, p-3 and 2 more"),
    ]


def looked(
    wiring: Wiring,
    kind: Kind,
    subject: str,
    sentence: str,
    outcome: Outcome = Outcome.FINDING,
    **values: Any,
) -> None:
    item = Item(
        kind=kind,
        subject=subject,
        at=datetime(2026, 11, 20, tzinfo=UTC),
        outcome=outcome,
        sentence=sentence,
        values=values,
    )
    with wiring.office.database.begin() as connection:
        kept, _ = put(connection, item)
        add_round(connection, [kept], at=item.at, by="jobs")


def test_findings_of_the_last_round_are_told(wiring: Wiring) -> None:
    looked(wiring, Kind.DUTY, "penetration-test", "It is overdue.")
    with wiring.office.database.read() as connection:
        (one,) = doctor._evidence(connection)
    assert (one.about, one.sentence) == ("recurring-duty penetration-test", "It is overdue.")
    assert one.severity is Severity.SOON
    looked(wiring, Kind.HEALTH, "tsu", "It does not sign.", Outcome.FAILED)
    with wiring.office.database.read() as connection:
        (one,) = doctor._evidence(connection)
    assert one.severity is Severity.NOW
