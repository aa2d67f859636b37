"""Requests for revocation: what is refused first, then who asked, what waits, what the clock carries out."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from status_provider import Provider, TestClock, serial_of

from trustworks.core.audit.records import events
from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.issuance import records
from trustworks.issuance.model import RevocationReason, RevocationRequest
from trustworks.issuance.notices.command import Command
from trustworks.issuance.notices.delivery import Delivery
from trustworks.issuance.profiles import PROFILES
from trustworks.issuance.revocation import Reception, RevocationRequests, StatusChange
from trustworks.issuance.rules import revocation as revocation_rules
from trustworks.issuance.rules import revocation_requests as rules
from trustworks.issuance.rules.problem_reports import ProblemReport, as_note

if TYPE_CHECKING:
    from pathlib import Path

HOUR = timedelta(hours=1)
SUBJECT = Reception(kind="subject", requester="subject-0815")
LOST, SUPERSEDED = RevocationReason.keyCompromise, RevocationReason.superseded


@pytest.fixture
def register(provider: Provider) -> RevocationRequests:
    change = StatusChange(provider.clock, provider.recorder)
    return RevocationRequests(
        change, clock=provider.clock, recorder=provider.recorder, database=provider.database
    )


def status(provider: Provider, serial: str) -> str:
    with provider.database.read() as connection:
        found = records.status(connection, serial)
    assert found is not None
    return "good" if found.revocation is None else found.revocation.reason.name


def told(provider: Provider, kind: str) -> list[dict[str, Any]]:
    with provider.database.read() as connection:
        bodies = connection.execute(
            select(events.c.body).where(events.c.type == kind).order_by(events.c.sequence)
        ).scalars()
        return [json.loads(body) for body in bodies]


# What is refused, and changes nothing


@pytest.mark.req("EN319411-1:REV-6.2.4-08", "TS119495:REV-6.2.6-1")
def test_what_makes_no_sense_is_refused(provider: Provider, register: RevocationRequests) -> None:
    serial = serial_of(provider.issue())
    now = provider.clock.utc
    for given, reason, said in (
        (Reception(kind="neighbour", requester="x"), SUPERSEDED, "is no kind of requester"),
        (Reception(kind="nca", requester="XX-NCA"), SUPERSEDED, "asks for PSD2 certificates"),
        (Reception(kind="subject", requester="x", received_at=now + HOUR), SUPERSEDED, "which is to come"),
        (Reception(kind="subject", requester="x", effective_at=now), SUPERSEDED, "has passed"),
        (Reception(kind="subject", requester="x", effective_at=now + HOUR), LOST, "revoked now"),
    ):
        with pytest.raises(Rejected, match=said):
            register.receive(given, serial, reason, by="revocation-officer")
    with pytest.raises(Rejected, match="its serial number"):
        register.receive(SUBJECT, None, None, by="revocation-officer")
    assert register.list() == []
    assert status(provider, serial) == "good"


@pytest.mark.req("EN319411-1:REV-6.2.4-09")
@pytest.mark.parametrize("how", [None, " "])
def test_what_nobody_confirmed_revokes_nothing(
    provider: Provider, register: RevocationRequests, how: str | None
) -> None:
    serial = serial_of(provider.issue())
    made = register.receive(SUBJECT, serial, SUPERSEDED, by="officer")
    with pytest.raises(Refused):
        register.confirm(made.id, by="officer", how=how or "")
    with pytest.raises(Refused):
        register.revoke(Reception(kind="subject", requester="x", confirmed_how=how), serial, LOST, by="o")
    assert status(provider, serial) == "good"
    assert [one.state for one in register.list()] == ["pending"]


def test_a_decision_is_for_good_also_for_the_database(
    provider: Provider, register: RevocationRequests
) -> None:
    made = register.receive(SUBJECT, serial_of(provider.issue()), SUPERSEDED, by="officer")
    register.refuse(made.id, by="officer", why="it was a joke")
    with pytest.raises(Rejected, match="is refused already"):
        register.confirm(made.id, by="officer", how="passport")
    for act in (register.delay, register.refuse):
        with pytest.raises(Rejected, match="is refused already"):
            act(made.id, by="officer", why="again")
    with pytest.raises(DBAPIError, match="append-only"), provider.database.begin() as connection:
        connection.execute(text("UPDATE revocation_requests SET state = 'done'"))
    with pytest.raises(DBAPIError, match="append-only"), provider.database.begin() as connection:
        connection.execute(text("DELETE FROM revocation_requests"))


@pytest.mark.req("EN319411-1:REV-6.2.4-10", "EN319411-1:REV-6.3.9-15")
def test_profiles_bar_holds_and_revocations() -> None:
    held, lost = RevocationReason.certificateHold, RevocationReason.keyCompromise
    web, short = PROFILES["qevcp-w"], PROFILES["natural-qcp-n-qscd-short-term"]
    plain = PROFILES["natural-qcp-n-qscd"]
    for profile in (web, short):
        with pytest.raises(Refused, match="cannot be held"):
            revocation_rules.check_suspendable(profile, held)
    for allowed, reason in ((plain, held), (web, lost), (web, None), (None, held)):
        revocation_rules.check_suspendable(allowed, reason)
    with pytest.raises(Refused, match="never revoked"):
        revocation_rules.check_not_irrevocable(short, RevocationReason.superseded)
    for allowed, reason in ((short, lost), (short, None), (plain, SUPERSEDED), (None, held)):
        revocation_rules.check_not_irrevocable(allowed, reason)


@pytest.mark.req("EN319411-1:REV-6.2.4-10")
def test_a_certificate_whose_profile_bars_it_is_not_held(
    provider: Provider, register: RevocationRequests
) -> None:
    certificate = provider.unrecorded()
    serial = provider.add(certificate, "issuing", "qevcp-w")
    given = Reception(kind="provider", requester="o", confirmed_how="officer")
    with pytest.raises(Refused, match="cannot be held"):
        register.revoke(given, serial, RevocationReason.certificateHold, by="officer")
    assert status(provider, serial) == "good"
    assert register.list() == []
    assert [one["detail"]["rule"] for one in told(provider, "certificate.revocation-refused")] == [
        "EN319411-1:REV-6.2.4-10"
    ]


# What is recorded


@pytest.mark.req("EN319411-1:REV-6.2.4-03A", "EN319411-1:REV-6.2.4-08")
def test_who_asked_and_when_is_kept_with_the_revocation(
    provider: Provider, register: RevocationRequests
) -> None:
    serial = serial_of(provider.issue())
    received = provider.clock.utc - 3 * HOUR
    given = Reception(
        kind="subscriber",
        requester="customer-12",
        received_at=received,
        confirmed_how="password of revocation",
    )
    register.revoke(given, serial, SUPERSEDED, by="officer", invalidity_date=provider.clock.utc - 4 * HOUR)
    (one,) = register.list()
    assert (one.state, one.kind, one.requester, one.received_at) == (
        "done", "subscriber", "customer-12", received,
    )  # fmt: skip
    assert one.decided_at == provider.clock.utc
    (event,) = told(provider, "certificate.revoked")
    assert event["detail"]["requested_by"] == "subscriber"
    assert event["detail"]["received_at"] == received.isoformat()
    assert event["detail"]["request"] == one.id


@pytest.mark.req("EN319411-1:REV-6.2.4-09", "EN319411-1:REV-6.2.4-03A")
def test_a_request_waits_until_it_is_confirmed(provider: Provider, register: RevocationRequests) -> None:
    serial = serial_of(provider.issue())
    made = register.receive(SUBJECT, serial, LOST, by="desk", invalidity_date=provider.clock.utc - HOUR)
    assert status(provider, serial) == "good"
    provider.clock.utc += HOUR
    done = register.confirm(made.id, by="officer", how="called back")
    assert done is not None
    assert done.invalidity_date == made.invalidity_date
    assert status(provider, serial) == "keyCompromise"
    (one,) = register.list()
    assert (one.state, one.confirmed_by, one.confirmed_how) == ("done", "officer", "called back")
    assert [event["actor"] for event in told(provider, "revocation.requested")] == ["desk"]


@pytest.mark.req("TS119495:REV-6.2.6-1")
def test_a_competent_authority_asks_for_a_psd2_certificate(
    provider: Provider, register: RevocationRequests
) -> None:
    psd2 = next(name for name, profile in PROFILES.items() if profile.psd2)
    serial = provider.add(provider.unrecorded(), "issuing", psd2)
    given = Reception(kind="nca", requester="XX-NCA", confirmed_how="signed by the authority's seal")
    register.revoke(given, serial, RevocationReason.privilegeWithdrawn, by="officer")
    assert status(provider, serial) == "privilegeWithdrawn"
    assert [one.requester for one in register.list()] == ["XX-NCA"]


# The clock of 24 hours


def a_request(**changes: Any) -> RevocationRequest:
    from status_provider import NOW  # noqa: PLC0415

    given = {"id": "1", "kind": "subject", "requester": "x", "received_at": NOW, "recorded_at": NOW}
    return RevocationRequest(**{**given, "recorded_by": "y", **changes})


@pytest.mark.req("EN319411-1:REV-6.2.4-05A")
def test_a_moment_to_come_that_was_named_counts_as_the_receipt() -> None:
    plain = a_request()
    assert rules.deadline(plain) == plain.received_at + 24 * HOUR
    later = a_request(effective_at=plain.received_at + 100 * HOUR)
    assert rules.deadline(later) == plain.received_at + 124 * HOUR


@pytest.mark.req("EN319411-1:REV-6.2.4-03BA")
def test_a_request_is_overdue_after_24_hours_unless_a_reason_is_recorded() -> None:
    plain = a_request()
    assert not rules.is_overdue(plain, plain.received_at + 24 * HOUR)
    assert rules.is_overdue(plain, plain.received_at + 25 * HOUR)
    for other in (a_request(delayed_why="no answer"), a_request(state="done")):
        assert not rules.is_overdue(other, plain.received_at + 25 * HOUR)


@pytest.mark.req("EN319411-1:REV-6.2.4-03BB")
def test_a_delay_needs_a_reason_which_is_kept(provider: Provider, register: RevocationRequests) -> None:
    made = register.receive(SUBJECT, serial_of(provider.issue()), SUPERSEDED, by="officer")
    with pytest.raises(Refused):
        register.delay(made.id, by="officer", why=" ")
    register.delay(made.id, by="officer", why="nobody answers at the number on record")
    (one,) = register.list(state="pending")
    assert one.delayed_why == "nobody answers at the number on record"
    assert len(told(provider, "revocation.delayed")) == 1


@pytest.mark.req("EN319411-1:REV-6.2.4-05A")
def test_what_was_confirmed_for_a_moment_to_come_is_carried_out_then(
    provider: Provider, register: RevocationRequests
) -> None:
    serial, other = serial_of(provider.issue()), serial_of(provider.issue())
    at = provider.clock.utc + 5 * HOUR
    given = Reception(kind="subject", requester="x", effective_at=at)
    made = register.receive(given, serial, RevocationReason.cessationOfOperation, by="officer")
    unconfirmed = register.receive(given, other, SUPERSEDED, by="officer")
    assert register.confirm(made.id, by="officer", how="passport") is None
    assert register.carry_out_due() == []
    provider.clock.utc = at
    assert register.carry_out_due() == [made.id]
    assert register.carry_out_due() == []
    assert (status(provider, serial), status(provider, other)) == ("cessationOfOperation", "good")
    assert [one.id for one in register.list(state="pending")] == [unconfirmed.id]


@pytest.mark.req("EN319411-1:REV-6.2.4-05A")
def test_what_is_due_does_not_wait_for_trusted_time(provider: Provider, register: RevocationRequests) -> None:
    serial = serial_of(provider.issue())
    at = provider.clock.utc + HOUR
    given = Reception(kind="subject", requester="x", effective_at=at, confirmed_how="passport")
    made = register.receive(given, serial, SUPERSEDED, by="officer")
    provider.clock.refusal = Unavailable("clock.jump", "stopped")
    later = RevocationRequests(
        StatusChange(provider.clock, provider.recorder, system=TestClock(at)),
        clock=provider.clock,
        recorder=provider.recorder,
        database=provider.database,
        system=TestClock(at),
    )
    assert later.carry_out_due() == [made.id]
    assert status(provider, serial) == "superseded"
    (event,) = told(provider, "certificate.revoked")
    assert event["detail"]["unproven_time"] == "clock.jump"


@pytest.mark.req("EN319411-1:REV-6.2.4-05A")
def test_one_that_is_refused_or_fails_stops_none_of_those_after_it(
    provider: Provider, register: RevocationRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = provider.clock.utc + HOUR
    given = Reception(kind="subject", requester="x", effective_at=at, confirmed_how="passport")
    certificates = [provider.issue() for _ in range(4)]
    made = [register.receive(given, serial_of(one), SUPERSEDED, by="officer") for one in certificates]
    provider.revoke(certificates[0])
    provider.clock.utc = at
    carry_out = register._carry_out

    def once(request: RevocationRequest, **more: Any) -> Any:
        if request.id == made[1].id:
            raise OSError("the disk is full")
        if request.id == made[2].id:  # somebody decided on it at the same moment
            register.refuse(request.id, by="officer", why="a mistake")
        return carry_out(request, **more)

    with monkeypatch.context() as patched:
        patched.setattr(register, "_carry_out", once)
        with pytest.raises(Unavailable, match=made[1].id):
            register.carry_out_due()
    assert [status(provider, serial_of(one)) for one in certificates[1:]] == ["good", "good", "superseded"]
    refused = [one["subject"]["id"] for one in told(provider, "revocation.request-refused")]
    assert sorted(refused) == sorted((made[0].id, made[2].id))  # both at one moment: the log has no order
    assert register.carry_out_due() == [made[1].id]
    assert status(provider, serial_of(certificates[1])) == "superseded"


@pytest.mark.req("TRUSTWORKS:REVOCATION-REASON-REPORTED")
@pytest.mark.parametrize(
    ("problem", "given", "wanted"),
    [
        ("key-compromise", None, "keyCompromise"),
        ("misuse", None, "privilegeWithdrawn"),
        ("key-compromise", SUPERSEDED, "superseded"),
        ("other", LOST, "keyCompromise"),
        ("other", None, None),
    ],
)
def test_a_report_revokes_for_the_reason_that_it_gives(
    provider: Provider,
    register: RevocationRequests,
    problem: str,
    given: RevocationReason | None,
    wanted: str | None,
) -> None:
    serial = serial_of(provider.issue())
    note = as_note(ProblemReport(problem=problem, details="It lies on a web page."), f"serial {serial}")
    report = Reception(kind="problem-report", requester="public", note=note)
    made = register.receive(report, serial, None, by="public")
    if wanted is None:
        with pytest.raises(Rejected, match="--reason"):
            register.confirm(made.id, by="officer", how="looked at it", reason=given)
        assert [one.state for one in register.list()] == ["pending"]
    else:
        register.confirm(made.id, by="officer", how="looked at it", reason=given)
    assert status(provider, serial) == (wanted or "good")


def test_what_is_carried_out_later_keeps_its_reason(provider: Provider, register: RevocationRequests) -> None:
    given = Reception(kind="subject", requester="x", effective_at=provider.clock.utc + HOUR)
    made = register.receive(given, serial_of(provider.issue()), SUPERSEDED, by="officer")
    with pytest.raises(Rejected, match="its own reason"):
        register.confirm(made.id, by="officer", how="passport", reason=LOST)
    assert register.confirm(made.id, by="officer", how="passport", reason=SUPERSEDED) is None


def test_what_cannot_be_carried_out_any_more_is_refused(
    provider: Provider, register: RevocationRequests
) -> None:
    certificate = provider.issue()
    at = provider.clock.utc + HOUR
    given = Reception(kind="subject", requester="x", effective_at=at, confirmed_how="passport")
    made = register.receive(given, serial_of(certificate), SUPERSEDED, by="officer")
    provider.revoke(certificate)
    provider.clock.utc = at
    assert register.carry_out_due() == [made.id]
    (one,) = register.list()
    assert one.state == "refused"
    assert one.decided_why is not None
    assert "that is for good" in one.decided_why


@pytest.mark.req("EN319411-1:REV-6.3.9-19")
def test_a_report_of_a_problem_needs_no_certificate(provider: Provider, register: RevocationRequests) -> None:
    given = Reception(kind="problem-report", requester="somebody", note="the key is on a public page")
    made = register.receive(given, None, None, by="desk")
    with pytest.raises(Rejected, match="names no certificate"):
        register.confirm(made.id, by="officer", how="the key was compared")
    register.refuse(made.id, by="officer", why="revoked as 1f2e")
    assert [one.note for one in register.list()] == ["the key is on a public page"]
    assert [one["actor"] for one in told(provider, "revocation.requested")] == ["desk"]


# What subjects are told


NOTE = "import sys,pathlib; pathlib.Path(sys.argv[1]).open('a').write(sys.stdin.read())"


@pytest.mark.req("EN319411-1:REV-6.3.9-03")
def test_every_change_of_status_is_handed_to_the_operator_s_command(
    provider: Provider, tmp_path: Path
) -> None:
    change = StatusChange(provider.clock, provider.recorder)
    held, revoked = serial_of(provider.issue()), serial_of(provider.issue())
    change.change(held, RevocationReason.certificateHold, by="officer")
    provider.clock.utc += HOUR
    change.change(held, None, by="officer")
    provider.clock.utc += HOUR
    change.change(revoked, SUPERSEDED, by="officer")
    file = tmp_path / "told"

    def delivery(*command: str) -> Delivery:
        return Delivery(
            database=provider.database,
            recorder=provider.recorder,
            now=lambda: provider.clock.utc,
            command=Command(command),
        )

    def handed_over(by: Delivery) -> str | None:
        by.round()
        by.finish()
        return by.problem

    bad = delivery(sys.executable, "-c", "raise SystemExit('no mail')")
    assert handed_over(bad) == "exit code 1: no mail"
    provider.clock.utc += HOUR
    good = delivery(sys.executable, "-c", NOTE, str(file))
    for _ in range(2):
        assert handed_over(good) is None
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert sorted((one["kind"], one["serial"], one["reason"]) for one in lines) == [
        ("held", held, "certificateHold"), ("released", held, None), ("revoked", revoked, "superseded"),
    ]  # fmt: skip
    assert handed_over(delivery("/no/such/program")) is None
    change.change(serial_of(provider.issue()), SUPERSEDED, by="officer")
    problem = handed_over(delivery("/no/such/program"))
    assert problem is not None
    assert "/no/such/program" in problem
