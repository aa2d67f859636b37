"""Each collector by itself, over answers as `core` gives them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trustworks.assurance.evidence import Item, Kind, Outcome
from trustworks.assurance.evidence.ceremonies import ceremony_item
from trustworks.assurance.evidence.clock import Sample, Unit, clock_item
from trustworks.assurance.evidence.custody import KeyRecord, custody_items, inventory_item
from trustworks.assurance.evidence.duties import Done, check_items, duties, duty_items
from trustworks.assurance.evidence.identity import differences, identity_item, identity_of
from trustworks.assurance.evidence.model import failed
from trustworks.assurance.evidence.modules import Use, algorithm_items, health_item
from trustworks.assurance.evidence.people import roles_item
from trustworks.assurance.evidence.traced import trace_item
from trustworks.assurance.model import Check, CheckKind, Product, ProductKind, later
from trustworks.assurance.traceability import State
from trustworks.core.errors import Unavailable
from trustworks.core.keys.model import Act, BackupEntry, HistoryEntry, KeyEntry
from trustworks.core.module import ModuleHealth, ModuleInfo, Validation
from trustworks.core.module.states import KeyState
from trustworks.core.roles import Operator, Role
from trustworks.core.time import ClockStatus

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
INFO = ModuleInfo(
    library=Path("libtest.so"),
    library_sha256=b"\x01" * 32,
    library_description="Test library",
    library_version="2.1",
    manufacturer="TEST maker",
    cryptoki_version="3.2",
    interfaces=("PKCS 11 3.2",),
    token_label="tsu",
    token_serial="S1",
    token_model="M1",
    token_manufacturer="TEST maker",
    hardware_version="1.0",
    firmware_version="7.4",
    mechanisms=("CKM_ECDSA",),
    is_test_module=False,
)
PRODUCT = Product(
    id="hsm-1",
    kind=ProductKind.MODULE,
    name="TEST device",
    serial="S1",
    model="M1",
    library_sha256="01" * 32,
    certificates=("fips:4962", "cc:TEST-CC-7"),
)
STATUS = ClockStatus(ok=True, mode="enforce", code="ok", reason="", bound_us=900, sources=("a", "b"))


def claim(authority: str, number: str) -> Validation:
    return Validation(
        kind="hardware",
        authority=authority,
        version="3.0",
        level=3,
        module_id="TEST",
        certificate=number,
        certificate_uri="",
        country="",
        profile="",
        flag=1,
    )


# Which module it is


@pytest.mark.req("TRUSTWORKS:ASSURANCE-EVIDENCE-IDENTITY", "TRUSTWORKS:ASSURANCE-IDENTITY-CHANGED")
def test_what_a_module_says_is_held_against_the_register_and_else_against_what_was_accepted() -> None:
    seen = identity_of(INFO, AT)
    assert differences(PRODUCT, None, seen) == ()
    other = identity_of(
        replace(INFO, token_serial="S2", firmware_version="7.5", library_sha256=b"\x02" * 32), AT
    )
    assert [one.field for one in differences(PRODUCT, None, other)] == ["serial", "library_sha256"]
    found = differences(PRODUCT, seen, other)  # the register is silent about the firmware
    assert [one.field for one in found] == ["serial", "firmware", "library_sha256"]
    assert found[1].sentence == "the firmware version is 7.5, expected was 7.4"
    stated = replace(PRODUCT, firmware="7.5")
    assert "firmware" not in [one.field for one in differences(stated, seen, other)]
    gone = identity_of(replace(INFO, token_model=""), AT)
    assert differences(PRODUCT, None, gone)[0].sentence == "the model is empty, expected was M1"


@pytest.mark.req("TRUSTWORKS:ASSURANCE-EVIDENCE-IDENTITY")
def test_the_item_of_an_identity_has_all_that_was_read() -> None:
    item = identity_item(PRODUCT, "tsu", INFO, AT, unexpected=())
    assert (item.kind, item.subject, item.outcome) == (Kind.IDENTITY, "hsm-1", Outcome.OK)
    assert item.values["serial"] == "S1"
    assert item.values["mechanisms"] == ["CKM_ECDSA"]
    assert item.digest == replace(item, at=AT + timedelta(days=1)).digest
    assert (
        "test module"
        in identity_item(PRODUCT, "tsu", replace(INFO, is_test_module=True), AT, unexpected=()).sentence
    )
    nobodys = identity_item(None, "tsu", INFO, AT, unexpected=())
    assert nobodys.outcome is Outcome.FINDING
    assert "No product of the register names the token tsu" in nobodys.sentence


@pytest.mark.req("TRUSTWORKS:ASSURANCE-CLAIMS-COMPARED")
@pytest.mark.parametrize(
    ("authority", "number", "known"),
    [
        ("NIST CMVP", "4962", True),
        ("NIST CMVP", "#4962", True),
        ("Common Criteria", "test-cc-7", True),
        ("NIST CMVP", "496", False),
        ("Common Criteria", "4962", False),
        ("unspecified", "4962", False),
    ],
)
def test_certificates_that_the_module_claims_and_the_register_has_not_are_found(
    authority: str, number: str, known: bool
) -> None:
    info = replace(INFO, validations=(claim(authority, number),))
    item = identity_item(PRODUCT, "tsu", info, AT, unexpected=())
    assert (item.outcome is Outcome.OK) is known
    assert known or f"{authority} {number}" in item.sentence


def test_a_claim_with_the_highest_flag_can_be_kept() -> None:
    info = replace(INFO, validations=(replace(claim("NIST CMVP", "4962"), flag=1 << 63),))
    item = identity_item(PRODUCT, "tsu", info, AT, unexpected=())
    assert item.values["claims"][0]["flag"] == "0x8000000000000000"
    assert len(item.digest) == 64


@pytest.mark.req("TRUSTWORKS:ASSURANCE-EVIDENCE-HEALTH")
def test_a_probe_is_kept_with_what_it_found_and_not_with_how_long_it_took() -> None:
    well = health_item("tsu", ModuleHealth(ok=True, latency_us=12.5), AT)
    assert well.outcome is Outcome.OK
    assert "signed" in well.sentence
    assert well.digest == health_item("tsu", ModuleHealth(ok=True, latency_us=99.0), AT).digest
    ill = health_item("tsu", ModuleHealth(ok=False, latency_us=None, findings=("the PIN is locked",)), AT)
    assert (ill.outcome, ill.sentence) == (Outcome.FINDING, "The PIN is locked.")


def test_what_could_not_be_looked_at_is_no_finding_and_says_why() -> None:
    item = failed(Kind.HEALTH, "tsu", AT, Unavailable("module.pin-absent", "there is no PIN file"), ("X:1",))
    assert (item.outcome, item.sentence) == (Outcome.FAILED, "There is no PIN file.")


# Algorithms


@pytest.mark.req("TRUSTWORKS:ASSURANCE-EVIDENCE-ALGORITHMS")
def test_algorithms_in_use_are_held_against_the_catalogue_of_their_day() -> None:
    uses = [
        Use(subject="tsu-1", algorithm="P-256", scheme="ECDSA_SHA256"),
        Use(subject="ca", algorithm="P-256", scheme="ECDSA_SHA256"),
        Use(subject="old", algorithm="RSA-2048"),
        Use(subject="lab", algorithm="Ed25519"),
        Use(subject="alien", algorithm="GOST"),
        Use(subject="odd", algorithm="P-256", scheme="ECDSA_MD5"),
    ]
    found = {one.subject: one for one in algorithm_items(uses, AT)}
    assert found["P-256 with ECDSA_SHA256"].outcome is Outcome.OK
    assert found["P-256 with ECDSA_SHA256"].values["in_use_for"] == ["ca", "tsu-1"]
    wrong = {name for name, one in found.items() if one.outcome is Outcome.FINDING}
    assert wrong == {"RSA-2048", "Ed25519", "GOST", "P-256 with ECDSA_MD5"}
    (before,) = algorithm_items([uses[2]], datetime(2025, 12, 31, tzinfo=UTC))
    assert before.outcome is Outcome.OK
    assert before.values["agreed_until"] == "2025-12-31"


# Keys


def key(
    *done: HistoryEntry, backups: tuple[BackupEntry, ...] = (), state: KeyState = KeyState.OPERATIONAL
) -> KeyRecord:
    entry = KeyEntry(
        spki_sha256="ab" * 32, label="ca-1", key_id="01", algorithm="P-256", entered_at=AT, state=state
    )
    return KeyRecord(entry=entry, history=done, backups=backups)


def act(kind: Act, *, serial: str = "", backup: str = "", at: datetime = AT) -> HistoryEntry:
    return HistoryEntry(
        spki_sha256="ab" * 32,
        number=1,
        act=kind,
        state=KeyState.OPERATIONAL,
        token="t",
        serial=serial,
        backup=backup,
        at=at,
        by="anna",
        reason="",
    )


BACKUP = BackupEntry(
    backup="b1" * 32, spki_sha256="ab" * 32, threshold=2, custodians=("anna", "boris"), made_at=AT
)
MADE = (act(Act.ENTERED, serial="S1"), act(Act.BACKED_UP, serial="S1", backup=BACKUP.backup))


@pytest.mark.req("TRUSTWORKS:ASSURANCE-EVIDENCE-INVENTORY")
def test_the_inventory_tells_where_each_key_is_and_nothing_secret() -> None:
    item = inventory_item([key(*MADE, backups=(BACKUP,))], AT)
    assert item.outcome is Outcome.OK
    (row,) = item.values["keys"]
    assert row["tokens"] == {"S1": "t"}
    assert (row["state"], row["backups"], row["label"]) == ("operational", 1, "ca-1")
    nowhere = inventory_item([key(act(Act.ENTERED, serial="S1"), act(Act.REMOVED, serial="S1"))], AT)
    assert nowhere.sentence == "The key ca-1 is operational and on no token."


@pytest.mark.req("TRUSTWORKS:ASSURANCE-EVIDENCE-DRILLS")
def test_a_backup_has_to_be_shown_to_work_within_a_year() -> None:
    (never,) = custody_items([key(*MADE, backups=(BACKUP,))], {}, AT)
    assert "never shown" in never.sentence
    drilled = act(Act.DRILLED, backup=BACKUP.backup)
    (now,) = custody_items([key(*MADE, drilled, backups=(BACKUP,))], {}, AT)
    assert now.outcome is Outcome.OK
    (long_ago,) = custody_items([key(*MADE, drilled, backups=(BACKUP,))], {}, AT + timedelta(days=367))
    assert "last on 2026-06-01" in long_ago.sentence
    gone = act(Act.BACKUP_DESTROYED, backup=BACKUP.backup)
    (destroyed,) = custody_items([key(*MADE, gone, backups=(BACKUP,))], {}, AT)
    assert destroyed.values["backups"][0]["destroyed"] is True
    assert destroyed.outcome is Outcome.OK
    assert custody_items([key(act(Act.ENTERED, serial="S1"))], {}, AT) == ()  # it has no copy anywhere


@pytest.mark.req("TRUSTWORKS:ASSURANCE-EVIDENCE-TRANSFERS")
def test_a_transfer_names_both_modules_and_an_unknown_or_weaker_target_is_found() -> None:
    came = act(Act.TRANSFERRED, serial="S2", backup=BACKUP.backup)
    record = key(*MADE, came, backups=(BACKUP,))
    device = replace(PRODUCT, real_hardware=True)
    second = replace(device, id="hsm-2", serial="S2")
    (alike,) = custody_items([record], {"S1": device, "S2": second}, AT)
    assert alike.outcome is Outcome.OK
    (move,) = alike.values["moves"]
    assert move["source"] == {"serial": "S1", "product": "hsm-1"}
    assert move["target"] == {"serial": "S2", "product": "hsm-2"}
    assert move["protected_alike"] is True
    (unknown,) = custody_items([record], {"S1": device}, AT)
    assert "serial number S2, to which it came, is not in the register" in unknown.sentence
    software = replace(second, real_hardware=False)
    (weaker,) = custody_items([record], {"S1": device, "S2": software}, AT)
    assert "from the device hsm-1 to hsm-2, which is software" in weaker.sentence
    seen = replace(second, real_hardware=True, observed=identity_of(replace(INFO, is_test_module=True), AT))
    (fake,) = custody_items([record], {"S1": device, "S2": seen}, AT)
    assert fake.values["moves"][0]["protected_alike"] is False


# Ceremonies


def transcript(mode: str) -> Any:
    """As much of a transcript as an item tells of."""
    plan = SimpleNamespace(
        name="root-1", type="root", participants=(SimpleNamespace(role="security-officer"),)
    )
    entry = SimpleNamespace(event="closed", time="2026-05-01T10:00:00Z")
    return SimpleNamespace(
        plan=SimpleNamespace(plan=plan, digest="cd" * 32),
        mode=mode,
        entries=(entry,),
        ended=True,
        began={},
        done={1: {"token_serial": "S1"}, 2: {"label": "k"}},
    )


def verdict(*, approved: tuple[str, ...], signed: tuple[str, ...], findings: tuple[str, ...] = ()) -> Any:
    return SimpleNamespace(
        approved_by=approved,
        signed_by=signed,
        findings=findings,
        notices=(),
        conclusion="The transcript is whole.",
        digest="ef" * 32,
        stamped=None,
    )


@pytest.mark.req("TRUSTWORKS:ASSURANCE-EVIDENCE-CEREMONIES")
def test_a_ceremony_needs_two_distinct_persons_and_a_transcript_that_holds() -> None:
    whole = ceremony_item(transcript("run"), verdict(approved=("anna",), signed=("boris",)), AT)
    assert whole.outcome is Outcome.OK
    assert whole.values["token_serials"] == ["S1"]
    assert whole.values["script_sha256"] == "cd" * 32
    assert whole.values["outcome"] == "closed"
    alone = ceremony_item(transcript("run"), verdict(approved=("anna",), signed=("anna",)), AT)
    assert "1 person(s) approved or signed it, and at least 2 have to" in alone.sentence
    nobody = ceremony_item(transcript("unattended"), verdict(approved=(), signed=()), AT)
    assert nobody.outcome is Outcome.FINDING
    assert ceremony_item(transcript("rehearsal"), verdict(approved=(), signed=()), AT).outcome is Outcome.OK
    broken = ceremony_item(
        transcript("run"), verdict(approved=("anna",), signed=("boris",), findings=("it is not sealed.",)), AT
    )
    assert broken.sentence == "It is not sealed."


# The clock


@pytest.mark.req("TRUSTWORKS:ASSURANCE-EVIDENCE-CLOCK")
def test_the_clock_of_a_unit_is_sampled_and_held_against_its_accuracy() -> None:
    unit = Unit(name="tsu-1", accuracy_us=1_000_000)
    earlier = [
        Sample(at=AT - timedelta(hours=2), bound_us=40_000),
        Sample(at=AT - timedelta(hours=1), bound_us=None),
    ]
    item = clock_item(unit, STATUS, earlier, AT)
    assert item.outcome is Outcome.OK
    assert item.values["worst_bound_us"] == 40_000
    assert (item.values["samples"], item.values["samples_without_time"]) == (3, 1)
    assert item.values["sources"] == ["a", "b"]
    strict = clock_item(replace(unit, accuracy_us=40_500, resolution_us=1_000), STATUS, earlier, AT)
    assert "could be off by 41000 us" in strict.sentence
    silent = clock_item(unit, replace(STATUS, ok=False, code="clock.stale", reason="No lease."), earlier, AT)
    assert "The clock gives no time (clock.stale): No lease." in silent.sentence
    assert silent.values["samples_without_time"] == 2
    lab = clock_item(unit, replace(STATUS, mode="lab", bound_us=0), [], AT)
    assert lab.outcome is Outcome.FINDING
    assert lab.values["bound_us"] is None


# People


def person(name: str, *roles: Role, state: Any = "active") -> Operator:
    return Operator(
        name=name, state=state, roles=frozenset(roles), credentials=(), enrolled_at=AT, enrolled_by="owner"
    )


@pytest.mark.req("TRUSTWORKS:ASSURANCE-EVIDENCE-ROLES")
def test_roles_that_conflict_or_are_missing_are_found() -> None:
    team = [
        person("anna", Role.SECURITY_OFFICER),
        person("boris", Role.SYSTEM_ADMINISTRATOR),
        person("cora", Role.AUDITOR),
    ]
    assert roles_item(team, AT).outcome is Outcome.OK
    assert roles_item(team, AT).values["operators"]["cora"] == ["auditor"]
    both = [person("anna", Role.SECURITY_OFFICER, Role.SYSTEM_ADMINISTRATOR), *team[1:]]
    assert "anna: " in roles_item(both, AT).sentence
    locked = [team[0], person("boris", Role.SYSTEM_ADMINISTRATOR, state="locked"), team[2]]
    told = roles_item(locked, AT)
    assert "Nobody is system-administrator." in told.sentence
    assert "Fewer than two may approve: there is no dual control." in told.sentence
    assert told.values["locked"] == ["boris"]
    assert "nobody holds a trusted role" in roles_item([], AT).sentence


# Duties and checks


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DUTIES")
def test_duties_are_due_by_their_months_and_overdue_the_day_after() -> None:
    done = [Done(duty="vulnerability-scan", on=date(2026, 3, 1), document="aa" * 32, persons=("anna",))]
    found = {one.subject: one for one in duty_items(done, AT)}
    assert set(found) == set(duties())
    scan = found["vulnerability-scan"]
    assert (scan.outcome, scan.values["due"]) == (Outcome.OK, "2026-06-01")
    assert "due soon" in scan.sentence
    assert "never" not in scan.sentence
    assert found["training"].sentence.endswith("nobody has entered that it was ever done.")
    late = {one.subject: one for one in duty_items(done, AT + timedelta(days=1))}["vulnerability-scan"]
    assert "it was due by 2026-06-01" in late.sentence
    future = [replace(done[0], on=date(2026, 7, 1))]
    assert {one.subject: one for one in duty_items(future, AT)}[
        "vulnerability-scan"
    ].outcome is Outcome.FINDING


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 6, 1), 24, date(2028, 6, 1)),
    ],
)
def test_months_end_on_days_that_there_are(day: date, months: int, expected: date) -> None:
    assert later(day, months) == expected


def test_every_duty_names_the_act_that_asks_for_it() -> None:
    assert {one.months for one in duties().values()} == {3, 12, 24}
    for duty in duties().values():
        assert duty.clauses
        assert all(clause.startswith("(EU) ") for clause in duty.clauses)
        assert duty.source_status in {"verified", "second-hand", "from-memory"}


@pytest.mark.req("TRUSTWORKS:ASSURANCE-CHECKS-DUE")
def test_checks_of_products_come_due_again() -> None:
    storage = Check(
        product="hsm-1",
        kind=CheckKind.STORAGE,
        on=date(2026, 1, 1),
        passed=True,
        persons=("anna", "boris"),
        seals=("seal-7",),
        due=date(2026, 6, 1),
    )
    (held,) = check_items([replace(storage, on=date(2025, 1, 1), due=date(2025, 6, 1)), storage], AT)
    assert held.outcome is Outcome.OK
    assert held.values["seals"] == ["seal-7"]
    (late,) = check_items([storage], AT + timedelta(days=1))
    assert "was due again by 2026-06-01" in late.sentence
    (broken,) = check_items([replace(storage, passed=False)], AT)
    assert "found something wrong" in broken.sentence


# The software itself


def traced(state: State, *findings: str, results: bool = True) -> Any:
    line = SimpleNamespace(requirement=SimpleNamespace(id="X:1"), state=state)
    return SimpleNamespace(
        lines=(line,),
        findings=findings,
        has_tests=results,
        has_results=results,
        released=None,
        count=lambda wanted: int(wanted is state),
    )


@pytest.mark.req("TRUSTWORKS:ASSURANCE-EVIDENCE-TRACE")
def test_the_table_of_requirements_is_evidence_with_what_it_objects_to() -> None:
    covered = trace_item(traced(State.COVERED), "trustworks 1", AT)
    assert (covered.outcome, covered.values["counts"]["covered"]) == (Outcome.OK, 1)
    assert "X:1" in trace_item(traced(State.FAILED), "trustworks 1", AT).sentence
    assert (
        trace_item(traced(State.COVERED, "an id is unknown"), "trustworks 1", AT).sentence
        == "An id is unknown."
    )
    many = trace_item(traced(State.COVERED, *(f"objection {n}" for n in range(9))), "trustworks 1", AT)
    assert "Objection 2. And 6 more:" in many.sentence
    assert "Objection 3" not in many.sentence
    installed: Item = trace_item(traced(State.NOT_RUN, results=False), "trustworks 1", AT)
    assert installed.outcome is Outcome.FINDING
    assert "No results of tests are known of 1 requirements; run the tests" in installed.sentence
    assert trace_item(traced(State.GAP), "trustworks 1", AT).values["gaps"] == ["X:1"]
