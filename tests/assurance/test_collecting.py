"""A round over a real token, register and log: what is kept, what a changed module brings about."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from expected_base import baseline
from expected_facts import facts

from trustworks.assurance.changes import records as change_records
from trustworks.assurance.changes.model import ChangeState, Incident, IncidentOutcome, plan_of
from trustworks.assurance.changes.rules import check_outcome
from trustworks.assurance.changes.service import Changes, incident_of
from trustworks.assurance.collecting import Collected, Collector, Looked, acts_of_others, product_on
from trustworks.assurance.engine import evaluate
from trustworks.assurance.evidence import Kind, Outcome, records
from trustworks.assurance.evidence.clock import Unit
from trustworks.assurance.evidence.duties import Done
from trustworks.assurance.model import (
    SOFTWARE,
    Binding,
    Facts,
    Installation,
    InstallationState,
    Product,
    ProductKind,
    Verdict,
)
from trustworks.assurance.registered import facts_of, product_of
from trustworks.assurance.rulesets import load
from trustworks.assurance.service import Register
from trustworks.core.audit import Event, Recorder
from trustworks.core.audit.search import newest
from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.keys.events import registered_events
from trustworks.core.module import KeyAlgorithm, Module, ModuleHealth, ModuleInfo, Pkcs11Uri
from trustworks.core.module.events import new_key
from trustworks.core.time import ClockStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from trustworks.assurance.changes.model import Change
    from trustworks.core.store import Database

START = datetime(2026, 6, 1, 12, tzinfo=UTC)


@dataclass
class House:
    """A provider with one token: what is looked at, and who looks."""

    database: Database
    recorder: Recorder
    library: Path
    token: Pkcs11Uri
    now: datetime = START
    tokens: tuple[str, ...] = ("tsu",)
    elsewhere: tuple[str, ...] = ()
    status: ClockStatus = field(
        default_factory=lambda: ClockStatus(
            ok=True, mode="enforce", code="ok", reason="", bound_us=900, sources=("a",)
        )
    )
    units: tuple[Unit, ...] = (Unit(name="tsu-1", accuracy_us=1_000_000),)
    schemes: Mapping[str, str] = field(default_factory=lambda: {"tsu-1": "ECDSA_SHA256"})
    stamps: bool = False
    installed: Installation = field(
        default_factory=lambda: Installation(at=START, state=InstallationState.UNSIGNED, found="no manifest")
    )

    def uri(self, token: str) -> Pkcs11Uri:
        del token
        return self.token

    def look(self, token: str) -> Looked:
        del token
        with Module.open(self.token, library=self.library, read_write=True, lab=True) as module:
            module.ensure_probe_key()
            return Looked(info=module.info(), health=module.health())

    @property
    def services(self) -> tuple[str, ...]:
        return ("timestamping",)

    def installation(self, at: datetime) -> Installation:
        return replace(self.installed, at=at)

    def clock(self) -> ClockStatus:
        return self.status

    def trace(self) -> Any:
        raise Unavailable("assurance.no-table", "the table of requirements is elsewhere")

    # Who looks

    def collect(self, *, trace: bool = True) -> Collected:
        self.now += timedelta(hours=1)
        return Collector(
            self, database=self.database, recorder=self.recorder, by="jobs", now=lambda: self.now
        ).run(trace=trace)

    @property
    def register(self) -> Register:
        return Register(self.recorder, by="anna", now=lambda: self.now)

    @property
    def changes(self) -> Changes:
        return Changes(self.recorder, by="anna", now=lambda: self.now)

    def product(self) -> Product:
        with self.database.read() as connection:
            return product_of(connection, "hsm-1")

    def telling(self, device: Product) -> Callable[[ModuleInfo], Product]:
        """Enter a device in place of the token's product; a function that lets it say something of itself."""
        self.register.change_product("hsm-1", retired=date(2026, 1, 1))
        self.register.enter(
            replace(device, observed=None, certificates=(), token=f"pkcs11:token={self.token.token}")
        )

        def told(info: ModuleInfo) -> Product:
            found = Looked(info=info, health=ModuleHealth(ok=True, latency_us=1.0))
            self.look = lambda token: found  # type: ignore[method-assign]  # noqa: ARG005 - as the method
            self.collect()
            with self.database.read() as connection:
                return product_of(connection, device.id)

        return told

    def events(self, kind: str) -> list[dict[str, Any]]:
        with self.database.read() as connection:
            return [one.value for one in newest(connection, limit=100, type_prefix=kind)]

    def identity(self, found: Collected) -> Any:
        return next(one.item for one in found.round.items if one.item.kind is Kind.IDENTITY)

    def of(self, found: Collected, kind: Kind) -> list[Any]:
        return [one.item for one in found.round.items if one.item.kind is kind]


@pytest.fixture
def house(
    database: Database, softhsm: Path, make_token: Callable[..., Pkcs11Uri], tmp_path: Path
) -> Iterator[House]:
    library = tmp_path / "libsofthsm2-of-the-test.so"
    shutil.copy(softhsm, library)
    with Recorder.open(database, "test") as recorder:
        made = House(database=database, recorder=recorder, library=library, token=make_token())
        made.register.enter(
            Product(
                id="hsm-1",
                kind=ProductKind.MODULE,
                name="TEST module",
                token=f"pkcs11:token={made.token.token}",
            )
        )
        made.register.enter(
            Binding(product="hsm-1", service="timestamps", process="tsu_key_use", functions=("sign",))
        )
        yield made


@pytest.mark.req("TRUSTWORKS:ASSURANCE-EVIDENCE-KEPT")
def test_a_round_keeps_what_it_found_and_the_next_one_only_what_is_new(house: House) -> None:
    first = house.collect()
    assert house.identity(first).outcome is Outcome.OK
    assert "test module" in house.identity(first).sentence
    assert house.product().observed is not None
    assert house.product().healthy is True
    second = house.collect()
    assert second.round.number == first.round.number + 1
    same = {one.number for one in first.round.items} & {one.number for one in second.round.items}
    changed = [one.item.kind for one in second.round.items if one.number not in same]
    assert set(changed) <= {Kind.CLOCK, Kind.LOG}  # what has a history: samples, the growing log
    assert [one["detail"]["new"] for one in house.events("assurance.evidence-collected")] == [
        len(changed),
        len(first.round.items),
    ]
    with house.database.read() as connection:
        last = records.last_round(connection)
        assert last == second.round
        assert records.one(connection, second.round.items[0].number) == second.round.items[0]
    assert len(house.events("assurance.product-entered")) == 2  # the register hears of what is new, once


def test_what_cannot_be_looked_at_is_kept_as_failed_and_stops_nothing(house: House) -> None:
    def refuse(token: str) -> Looked:
        raise Unavailable("module.token-absent", f"no token {token}")

    house.look = refuse  # type: ignore[method-assign]
    found = house.collect()
    assert house.identity(found).outcome is Outcome.FAILED
    assert house.identity(found).sentence == "No token tsu."
    (traced,) = house.of(found, Kind.TRACE)
    assert traced.outcome is Outcome.FAILED
    (carried,) = house.of(house.collect(trace=False), Kind.TRACE)
    assert carried == traced  # what was found last holds
    assert house.of(found, Kind.DUTY)


def test_keys_clock_roles_log_and_duties_are_in_it(house: House) -> None:
    with Module.open(house.token, library=house.library, read_write=True, lab=True) as module:
        new_key(registered_events(house.recorder), module, label="tsu-1", algorithm=KeyAlgorithm.P256)
    done = Done(duty="training", on=date(2026, 5, 1), document="aa" * 32, persons=("anna",))
    house.recorder.transact(
        Event(type="assurance.duty-done", outcome="success", actor="anna", subject={}, time=START),
        lambda connection: records.add_done(connection, done, at=START, by="anna"),
    )
    found = house.collect()
    (inventory,) = house.of(found, Kind.INVENTORY)
    (row,) = inventory.values["keys"]
    assert (row["label"], row["algorithm"], row["state"]) == ("tsu-1", "P-256", "operational")
    assert "PIN" not in str(inventory.values)
    (algorithm,) = house.of(found, Kind.ALGORITHMS)
    assert algorithm.subject == "P-256 with ECDSA_SHA256"
    (roles,) = house.of(found, Kind.ROLES)
    assert roles.outcome is Outcome.FINDING  # nobody is enrolled
    (clock,) = house.of(found, Kind.CLOCK)
    assert clock.values["samples"] == 1
    house.status = replace(house.status, bound_us=2_000_000)
    (again,) = house.of(house.collect(), Kind.CLOCK)
    assert (again.values["samples"], again.outcome) == (2, Outcome.FINDING)
    (log,) = house.of(found, Kind.LOG)
    assert log.values["events"] == 0  # nobody sequences here
    assert log.values["events_waiting"] > 0
    assert (log.outcome, "are not in it yet" in log.sentence) == (Outcome.FINDING, True)
    duties = {one.subject: one for one in house.of(found, Kind.DUTY)}
    assert duties["training"].values["due"] == "2027-05-01"
    assert duties["risk-review"].outcome is Outcome.FINDING


@pytest.mark.req("TRUSTWORKS:ASSURANCE-EVIDENCE-KEPT", "TRUSTWORKS:ASSURANCE-IDENTITY-CHANGED")
def test_another_library_file_is_an_incident_within_one_round_and_told_once(house: House) -> None:
    house.collect()
    before = house.product().observed
    with house.library.open("ab") as file:
        file.write(b"\0" * 8)  # the linker loads it as before
    found = house.collect()
    (incident,) = found.incidents
    assert incident.product == "hsm-1"
    assert incident.services == ("timestamps",)
    assert "SHA-256 of the PKCS#11 library" in incident.findings[0]
    assert [one.subject for one in found.unexpected] == ["hsm-1"]
    (event,) = house.events("assurance.identity-changed")
    assert event["outcome"] == "failure"
    assert event["detail"]["incident"] == incident.number
    after = house.product().observed
    assert before is not None
    assert after is not None
    assert after.library_sha256 != before.library_sha256
    assert before.unexpected == ()
    assert after.unexpected == incident.findings  # so that verdicts fall, though the register has no library
    again = house.collect()
    assert again.incidents == ()
    assert again.unexpected  # it lasts, until somebody puts it right or plans it
    assert len(house.events("assurance.identity-changed")) == 1
    with house.database.read() as connection:
        assert [one.number for one in change_records.all_incidents(connection)] == [incident.number]
    with house.library.open("r+b") as file:
        file.truncate(house.library.stat().st_size - 8)
    assert house.collect().unexpected == ()  # it is the accepted one again
    restored = house.product().observed
    assert restored is not None
    assert restored.unexpected == ()


@pytest.mark.req("TRUSTWORKS:ASSURANCE-IDENTITY-CHANGED")
def test_another_token_of_the_same_label_is_an_incident(
    house: House, softhsm: Path, make_token: Callable[..., Pkcs11Uri]
) -> None:
    house.library = softhsm
    house.register.change_product("hsm-1", serial=house.look("tsu").info.token_serial)
    house.collect()
    label = house.token.token
    folders = set((softhsm_tokens := _tokens()).iterdir())
    with Module.open(house.token, library=softhsm, lab=True) as module:
        serial = module.token_uri.serial or ""
    mine = [one for one in folders if serial.encode() in (one / "token.object").read_bytes()]
    assert len(mine) == 1
    shutil.rmtree(mine[0])
    house.token = make_token(label)
    found = house.collect()
    (incident,) = found.incidents
    assert any(one.startswith("the serial number is ") for one in incident.findings)
    observed = house.product().observed
    assert observed is not None
    assert observed.serial != serial == house.product().serial
    assert set(softhsm_tokens.iterdir()) != folders


def _tokens() -> Path:
    configuration = Path(os.environ["SOFTHSM2_CONF"]).read_text(encoding="utf-8")
    return Path(configuration.partition("directories.tokendir = ")[2].splitlines()[0])


def planned(house: House, **values: Any) -> Change:
    """A change of the library to one with eight octets more, planned for now."""
    after = hashlib.sha256(house.library.read_bytes() + b"\0" * 8).hexdigest()
    plan = {
        "title": "TEST change of the library",
        "planned": house.now,
        "elements": ["b"],
        "product": "hsm-1",
        "expected": {"library_sha256": after},
        "urgent": "A test does not wait.",
    }
    return house.changes.plan(plan_of(plan | values))


@pytest.mark.req("TRUSTWORKS:ASSURANCE-CHANGE-EXPECTED", "TRUSTWORKS:ASSURANCE-CHANGE-DONE-AS-PLANNED")
def test_a_planned_change_is_seen_without_alarm_and_brings_the_register_up_to_date(house: House) -> None:
    first = house.identity(house.collect()).values["library_sha256"]
    house.register.change_product("hsm-1", library_sha256=first)
    change = planned(house)
    with pytest.raises(Rejected, match="was not seen to say so"):
        house.changes.done(change.number, reason="")
    with house.library.open("ab") as file:
        file.write(b"\0" * 8)
    found = house.collect()
    assert (found.incidents, found.unexpected) == ((), ())
    assert [one.number for one in found.observed] == [change.number]
    assert house.identity(found).sentence == f"The module differs as change {change.number} planned."
    assert len(house.events("assurance.change-observed")) == 1
    assert house.collect().observed == ()  # it is seen once
    done = house.changes.done(change.number, reason="as planned")
    assert [one.state for one in done.acts] == [ChangeState.PLANNED, ChangeState.OBSERVED, ChangeState.DONE]
    assert house.product().library_sha256 == change.plan.expected["library_sha256"]
    last = house.collect()
    assert house.identity(last).outcome is Outcome.OK
    assert house.identity(last).values["planned"] is None
    with pytest.raises(Rejected, match="cannot become cancelled"):
        house.changes.cancel(change.number, reason="too late")


def test_a_change_that_came_before_its_time_or_was_cancelled_is_an_incident(house: House) -> None:
    house.collect()
    early = planned(house, planned=house.now + timedelta(days=60))
    gone = planned(house)
    assert house.changes.cancel(gone.number, reason="not needed").state is ChangeState.CANCELLED
    with house.library.open("ab") as file:
        file.write(b"\0" * 8)
    assert len(house.collect().incidents) == 1
    house.now += timedelta(days=61)
    late = house.collect()  # its time has come: now it is as planned
    assert [one.number for one in late.observed] == [early.number]
    assert late.unexpected == ()


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INCIDENT-CLOSED-ONCE", "TRUSTWORKS:ASSURANCE-INCIDENT-OUTCOME")
def test_an_incident_that_is_accepted_brings_the_register_up_to_date(house: House) -> None:
    house.collect()
    with house.library.open("ab") as file:
        file.write(b"\0" * 8)
    (incident,) = house.collect().incidents
    today = house.now.date()
    with pytest.raises(Rejected, match="is not settled"):
        house.changes.close(1, IncidentOutcome.SETTLED, on=today, reason="put right")
    with pytest.raises(Rejected, match="is the last one of hsm-1"):
        house.changes.close(1, IncidentOutcome.SUPERSEDED, on=today, reason="another")
    with pytest.raises(Malformed, match="Say why"):
        house.changes.close(1, IncidentOutcome.ACCEPTED, on=today, reason=" ")
    closed = house.changes.close(1, IncidentOutcome.ACCEPTED, on=today, reason="the vendor's own library")
    assert closed.end is not None
    assert (closed.end.by, closed.end.on, closed.findings) == ("anna", today, incident.findings)
    assert house.product().library_sha256 == hashlib.sha256(house.library.read_bytes()).hexdigest()
    (event,) = house.events("assurance.incident-closed")
    assert event["detail"] | {"bound": None} == {
        "outcome": "accepted", "on": today.isoformat(), "reason": "the vendor's own library", "bound": None
    }  # fmt: skip
    assert house.collect().unexpected == ()
    with pytest.raises(Rejected, match="was closed on"):
        house.changes.close(1, IncidentOutcome.SETTLED, on=today, reason="again")


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INCIDENT-OUTCOME", "TRUSTWORKS:ASSURANCE-INCIDENT-END-DAY")
def test_an_incident_is_settled_once_the_module_is_what_it_was(house: House) -> None:
    house.collect()
    with house.library.open("ab") as file:
        file.write(b"\0" * 8)
    house.collect()
    with house.library.open("ab") as file:
        file.write(b"\0" * 8)
    assert [one.number for one in house.collect().incidents] == [2]
    with pytest.raises(Rejected, match="is not what the last look found"):
        house.changes.close(1, IncidentOutcome.ACCEPTED, on=house.now.date(), reason="no")
    house.changes.close(1, IncidentOutcome.SUPERSEDED, on=house.now.date(), reason="see 2")
    with house.library.open("r+b") as file:
        file.truncate(house.library.stat().st_size - 16)
    assert house.collect().unexpected == ()
    for day in (house.now.date() + timedelta(days=1), START.date() - timedelta(days=1)):
        with pytest.raises(Rejected, match="cannot have ended on"):
            house.changes.close(2, IncidentOutcome.SETTLED, on=day, reason="put right")
    with house.database.read() as connection:
        others = acts_of_others(connection, "jobs")
    end = house.changes.close(2, IncidentOutcome.SETTLED, on=house.now.date(), reason="put right").end
    with house.database.read() as connection:
        assert acts_of_others(connection, "jobs") == others + 1
        assert [one.end for one in change_records.all_incidents(connection)][1] == end
        assert incident_of(connection, 2).end == end


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INCIDENT-OUTCOME")
def test_no_incident_is_closed_over_a_module_that_nobody_could_look_at() -> None:
    incident = Incident(number=1, at=START, product="hsm-1", services=(), findings=("x",), facts={})
    for outcome in (IncidentOutcome.SETTLED, IncidentOutcome.ACCEPTED):
        with pytest.raises(Rejected, match="could not be read the last time"):
            check_outcome(incident, outcome, None, [incident])
    told = ["the serial number is empty, expected was 1"]
    with pytest.raises(Rejected, match="Nothing can be accepted"):
        check_outcome(incident, IncidentOutcome.ACCEPTED, told, [incident])


def test_what_no_module_tells_is_written_when_a_planned_change_is_done(house: House) -> None:
    change = planned(house, expected={}, entered={"software": "2.0"})
    house.changes.done(change.number, reason="as planned")
    assert house.product().software == "2.0"


def test_a_plan_is_refused_with_all_that_is_wrong(house: House) -> None:
    with pytest.raises(Refused, match=r"a month ahead.*And: There is no product 'hsm-9'"):
        planned(house, urgent="", product="hsm-9")


def test_a_change_is_refused_that_comes_too_soon_or_is_of_no_product(house: House) -> None:
    with pytest.raises(Refused) as caught:
        planned(house, urgent="")
    assert caught.value.requirement == "TRUSTWORKS:ASSURANCE-CHANGE-AHEAD"
    with pytest.raises(Rejected) as absent:
        planned(house, product="hsm-9")
    assert absent.value.code == "assurance.product"
    with pytest.raises(Rejected) as unknown:
        house.changes.cancel(99, reason="")
    assert unknown.value.code == "assurance.change"


def test_a_product_is_found_by_its_tokens_label_and_not_once_it_is_retired() -> None:
    product = Product(id="a", kind=ProductKind.MODULE, name="A", token="pkcs11:token=tsu;serial=1")
    other = replace(product, id="b", token="pkcs11:token=ca")
    uri = Pkcs11Uri(token="tsu", serial="2")
    assert product_on([other, product], uri) == product
    assert product_on([other], uri) is None
    assert product_on([replace(product, retired=date(2026, 1, 1))], uri) is None
    assert product_on([replace(product, token="no URI")], uri) is None


def test_two_do_not_collect_at_once(house: House) -> None:
    house.collect()
    inner: list[Exception] = []
    look = house.look

    def look_while_looking(token: str) -> Looked:
        try:
            house.collect()
        except Unavailable as error:
            inner.append(error)
        return look(token)

    house.look = look_while_looking  # type: ignore[method-assign]
    assert house.collect().round.number == 2
    assert [getattr(one, "code", "") for one in inner] == ["assurance.collecting"]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-EVIDENCE-KEPT")
@pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize("changed", ["token_serial", "library_sha256", "firmware_version", "token_model"])
def test_the_verdict_on_what_the_module_is_bound_to_falls_with_the_round(house: House, changed: str) -> None:
    given = facts({"base": "fips-140-3", "processes": ["certificates/ca_key_use"]}, baseline())
    (device,) = given.products
    rules, day = load("current"), date(2026, 6, 1)
    told = house.telling(device)
    before = ModuleInfo(
        library=house.library,
        library_sha256=bytes.fromhex(device.library_sha256),
        library_description="TEST library",
        library_version="1.0",
        manufacturer="TEST",
        cryptoki_version="2.40",
        interfaces=(),
        token_label="tsu",
        token_serial=device.serial,
        token_model=device.model,
        token_manufacturer=device.manufacturer,
        hardware_version=device.hardware,
        firmware_version=device.firmware,
        mechanisms=(),
        is_test_module=False,
    )
    assert verdict(given, told(before), rules, day) is Verdict.STRONG
    other: dict[str, Any] = {changed: b"\x07" * 32 if changed == "library_sha256" else "another"}
    after = replace(before, **other)
    assert verdict(given, told(after), rules, day) is not Verdict.STRONG
    assert len(house.events("assurance.identity-changed")) == 1


def verdict(given: Facts, product: Product, rules: Any, day: date) -> Verdict:
    """What a process comes to with the product as the register holds it."""
    (device,) = given.products
    seen = replace(device, observed=product.observed, healthy=product.healthy)
    report = evaluate(replace(given, products=(seen,)), rules, day)
    found = [one for each in report.services for one in each.processes if one.process == "ca_key_use"]
    return found[0].verdict


@pytest.mark.req("TRUSTWORKS:ASSURANCE-LIVE-UNBOUND")
@pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
def test_what_a_registered_module_is_used_for_is_known_of_the_last_look(house: House) -> None:
    house.collect()
    with house.database.read() as connection:
        (live,) = facts_of(connection).used
    assert (live.token, live.product) == ("tsu", "hsm-1")
    assert live.uses == (("timestamps", "tsu_key_generation"), ("timestamps", "tsu_key_use"))


@pytest.mark.req("TRUSTWORKS:ASSURANCE-LIVE-UNREGISTERED")
@pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
def test_a_token_that_no_product_names_is_a_gap_of_what_uses_it_until_one_does(house: House) -> None:
    def known() -> Facts:
        with house.database.read() as connection:
            return facts_of(connection)

    house.collect()
    assert known().unregistered == ()
    house.register.change_product("hsm-1", token="", serial="")
    house.collect()
    (live,) = known().unregistered
    assert (live.token, live.label) == ("tsu", house.token.token)
    assert live.uses == (("timestamps", "tsu_key_generation"), ("timestamps", "tsu_key_use"))
    assert live.seen.is_test_module
    (service,) = evaluate(known(), load("current"), house.now.date()).services
    (gap,) = [one for one in service.processes if one.process == "tsu_key_use" and one.product is None]
    assert service.verdict is gap.verdict is Verdict.INSUFFICIENT
    assert "A test module is used that no product of the register names: the token tsu" in str(gap)
    # Where it cannot be looked at, what was there is there still.
    look = house.look

    def away(token: str) -> Looked:
        raise Unavailable("module.away", f"{token} is away")

    house.look = away  # type: ignore[method-assign]
    house.collect()
    assert known().unregistered == (live,)
    house.look = look  # type: ignore[method-assign]
    # Who enters the product need not wait for the next round.
    house.register.change_product("hsm-1", token=f"pkcs11:token={house.token.token}")
    assert known().unregistered == ()


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INSTALLATION")
@pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
def test_how_this_software_is_installed_goes_into_the_register_and_its_verdicts(house: House) -> None:
    def condition() -> tuple[Verdict, str]:
        with house.database.read() as connection:
            known = facts_of(connection)
        (own,) = [
            process
            for each in evaluate(known, load("current"), house.now.date()).services
            for process in each.processes
            if process.product == SOFTWARE
        ]
        (found,) = [one for one in own.conditions if one.rule == "installation"]
        return found.verdict, found.sentence

    house.register.enter(Product(id=SOFTWARE, kind=ProductKind.SYSTEM, name="Trustworks", software="1.0"))
    house.register.enter(
        Binding(product=SOFTWARE, service="timestamps", process="time_stamping_system", functions=("time",))
    )
    assert condition() == (
        Verdict.PARTIAL,
        "Its integrity was never checked: nobody looked whether it is installed as it was signed.",
    )
    house.collect()
    assert condition() == (Verdict.PARTIAL, "Its integrity is not checked: no manifest.")
    before = len(house.events("assurance.product-entered"))
    house.collect()  # nothing is new, and no version is written for it
    assert len(house.events("assurance.product-entered")) == before
    house.installed = replace(house.installed, state=InstallationState.INTACT, found="all as signed.")
    house.collect()
    assert condition() == (Verdict.STRONG, "Its integrity was checked: all as signed.")
    house.now += timedelta(days=40)
    assert condition() == (
        Verdict.PARTIAL,
        "Its integrity was checked too long ago: it was looked at last on 2026-06-01.",
    )
    house.collect()  # the same again, which is new by its day
    assert condition()[0] is Verdict.STRONG
    house.installed = replace(house.installed, state=InstallationState.DIFFERS, found="1 file is not: a.py")
    house.collect()
    assert condition() == (Verdict.INSUFFICIENT, "Its integrity is broken: 1 file is not: a.py.")

    def unreadable(at: datetime) -> Installation:
        raise Unavailable("integrity.unknown", f"nobody knows at {at:%H}")

    house.installation = unreadable  # type: ignore[method-assign]
    house.collect()
    assert condition()[0] is Verdict.INSUFFICIENT
