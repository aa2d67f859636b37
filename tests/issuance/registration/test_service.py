"""From an application to a certificate, over real keys and both databases."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from issuance_testbed import make_csr
from registration_testbed import ANNA, FACTS, ask, seen
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.roles import records as roles
from trustworks.core.roles.model import Operator, Person
from trustworks.issuance.model import NameAttribute, RevocationReason
from trustworks.issuance.registration.model import About, Fact, SubjectKind

if TYPE_CHECKING:
    from issuance_testbed import Provider

    from trustworks.issuance.registration.service import Registration


def ready(desk: Registration, **changes: Any) -> str:
    """An application with all its evidence."""
    identifier = desk.submit(ask(**changes), by="ra-desk").id
    seen(desk, identifier)
    return identifier


def approve(desk: Registration, identifier: str) -> Any:
    return desk.approve(identifier, by="olga", reason="Seen in person.")


def events(provider: Provider) -> list[tuple[str, str]]:
    with provider.database.read() as connection:
        rows = connection.execute(
            text("SELECT type, body FROM audit_events WHERE type LIKE 'registration.%' ORDER BY sequence")
        )
        return [(row.type, bytes(row.body).decode()) for row in rows]


def test_an_application_becomes_a_certificate(desk: Registration, provider: Provider) -> None:
    identifier = ready(desk)
    review = desk.review(identifier)
    assert review.objections == ()
    assert all(one.agrees for one in review.comparison)
    done = approve(desk, identifier)
    assert done.state == "issued"
    record = provider.issuance.find(done.serial)
    assert record is not None
    assert record.requested_by == f"application:{identifier}"
    assert record.spki_sha256.hex() == done.key_id
    assert [(one.act, one.by, one.reason) for one in done.decisions] == [
        ("approve", "olga", "Seen in person.")
    ]
    assert desk.application_of(done.serial) == done
    assert desk.counts() == {"issued": 1}


def test_the_audit_log_tells_of_every_step_and_of_nobody(desk: Registration, provider: Provider) -> None:
    identifier = ready(desk)
    approve(desk, identifier)
    told = events(provider)
    assert [kind for kind, _ in told] == [
        "registration.received",
        "registration.evidence-added",
        "registration.approved",
    ]
    # The whole date: four digits alone turn up in hashes and identifiers by chance.
    assert not any("Muster" in event or "1990-01-01" in event for _, event in told)


@pytest.mark.req("EN319411-1:REG-6.2.2-02AC")
def test_what_no_evidence_shows_is_not_approved(desk: Registration, provider: Provider) -> None:
    identifier = desk.submit(ask(), by="ra-desk").id
    with pytest.raises(Refused) as caught:
        approve(desk, identifier)
    assert caught.value.requirement == "EN319411-1:REG-6.2.2-06"
    assert desk.application(identifier).state == "received"
    assert provider.issuance.counts().get("issued") == 2  # the authorities' own
    assert events(provider)[-1][0] == "registration.approve-refused"


def enrol(provider: Provider, name: str, *names: str) -> None:
    """Make somebody an operator, known by these names as a person."""
    made = Operator(
        name=name,
        state="active",
        roles=frozenset(),
        credentials=(),
        enrolled_at=provider.clock.moment,
        enrolled_by="bootstrap",
    )
    with provider.database.begin() as connection:
        roles.add_operator(connection, made, Person(names=frozenset(names)))


@pytest.mark.req("EN319411-1:REG-6.2.2-26")
def test_nobody_approves_or_rejects_his_own(desk: Registration, provider: Provider) -> None:
    identifier = ready(desk)
    enrol(provider, "anna", "anna maria muster")
    for act in (desk.approve, desk.reject):
        with pytest.raises(Refused, match="another officer"):
            act(identifier, by="anna", reason="It is me.")
    assert desk.application(identifier).decisions == ()


@pytest.mark.req("EN319411-1:REG-6.2.2-26")
def test_nobody_enters_his_own_application_or_evidence(desk: Registration, provider: Provider) -> None:
    first, second = ready(desk), desk.submit(ask(), by="ra-desk").id
    enrol(provider, "anna", "anna maria muster")
    for call in (
        lambda: desk.submit(ask(), by="anna"),
        lambda: seen(desk, second, by="anna"),
        lambda: desk.take_over_evidence(second, first, by="anna"),
    ):
        with pytest.raises(Refused) as caught:
            call()
        assert caught.value.requirement == "EN319411-1:REG-6.2.2-26"
    assert desk.application(second).evidence == ()
    assert desk.counts() == {"received": 2}
    assert [kind for kind, _ in events(provider)][-3:] == [
        "registration.submit-refused",
        "registration.evidence-refused",
        "registration.evidence-refused",
    ]


@pytest.mark.req("EN319411-1:REG-6.2.2-26")
def test_nobody_has_his_own_certificate_made_that_an_outage_held_up(
    desk: Registration, provider: Provider
) -> None:
    identifier = ready(desk)
    provider.key.error = Unavailable("module.gone", "The token is not there.")
    with pytest.raises(Unavailable):
        approve(desk, identifier)
    provider.key.error = None
    enrol(provider, "anna", "anna maria muster")
    with pytest.raises(Refused) as caught:
        desk.finish(identifier, by="anna")
    assert caught.value.requirement == "EN319411-1:REG-6.2.2-26"
    assert events(provider)[-1][0] == "registration.finish-refused"
    assert desk.finish_all(by="anna") == []
    assert desk.application(identifier).state == "approved"
    assert desk.finish_all(by="olga") == [identifier]


@pytest.mark.req("TRUSTWORKS:REGISTRATION-DUAL-CONTROL")
def test_an_operator_who_saw_the_evidence_does_not_approve(desk: Registration, provider: Provider) -> None:
    enrol(provider, "ben", "ben beispiel")
    identifier = desk.submit(ask(), by="ben").id
    seen(desk, identifier, by="ben")
    with pytest.raises(Refused) as caught:
        desk.approve(identifier, by="ben", reason="Seen in person.")
    assert caught.value.requirement == "TRUSTWORKS:REGISTRATION-DUAL-CONTROL"
    assert desk.application(identifier).decisions == ()
    assert approve(desk, identifier).state == "issued"
    other = desk.submit(ask(), by="ben").id
    seen(desk, other, by="ben")
    assert desk.reject(other, by="ben", reason="The passport is not hers.").state == "rejected"


@pytest.mark.req("TRUSTWORKS:REGISTRATION-KIND")
def test_the_kind_of_an_application_is_that_of_its_profile(desk: Registration) -> None:
    with pytest.raises(Refused) as caught:
        desk.submit(ask(kind=SubjectKind.LEGAL), by="ra-desk")
    assert caught.value.requirement == "TRUSTWORKS:REGISTRATION-KIND"
    assert desk.counts() == {}


def test_who_tidies_minds_no_decision_that_came_between(
    desk: Registration, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = ready(desk), ready(desk)
    withdraw = desk.withdraw

    def slow(identifier: str, *, by: str, reason: str) -> Any:
        if identifier == first:
            desk.reject(first, by="olga", reason="The passport is not hers.")
        return withdraw(identifier, by=by, reason=reason)

    provider.clock.moment += timedelta(days=200)
    monkeypatch.setattr(desk, "withdraw", slow)
    assert desk.tidy(by="jobs")[0] == [second]
    assert desk.counts() == {"rejected": 1, "withdrawn": 1}


def test_what_was_rejected_or_withdrawn_stays_so(desk: Registration) -> None:
    first, second = ready(desk), ready(desk)
    desk.reject(first, by="olga", reason="The passport is not hers.")
    desk.withdraw(second, by="ra-desk", reason="Asked for by mistake.")
    for identifier, state in ((first, "rejected"), (second, "withdrawn")):
        with pytest.raises(Rejected, match=f"The application is {state}; nothing more is done"):
            approve(desk, identifier)
        with pytest.raises(Rejected, match="evidence is added while it is received"):
            seen(desk, identifier)


def test_a_key_is_shown_to_be_the_applicants(desk: Registration) -> None:
    with pytest.raises(Malformed):
        desk.submit(ask(csr=b"no request"), by="ra-desk")
    broken = bytearray(make_csr())
    broken[-1] ^= 1
    with pytest.raises((Refused, Malformed)):
        desk.submit(ask(csr=bytes(broken)), by="ra-desk")
    assert desk.list() == []


def test_a_name_that_the_profile_does_not_know_is_not_taken(desk: Registration) -> None:
    with pytest.raises(Rejected, match="localityName"):
        desk.submit(ask(subject=(*ANNA, NameAttribute("localityName", "x"))), by="ra-desk")
    with pytest.raises(Rejected, match=r"registration\.contact|no e-mail"):
        desk.submit(ask(contact="nowhere"), by="ra-desk")


def test_what_is_not_needed_is_not_taken(desk: Registration) -> None:
    identifier = desk.submit(ask(), by="ra-desk").id
    with pytest.raises(Rejected, match="religion"):
        seen(desk, identifier, facts=(*FACTS, Fact("religion", "none")))
    with pytest.raises(Rejected, match=r"no method 'guess'.*physical-presence"):
        seen(desk, identifier, method="guess")
    assert desk.application(identifier).evidence == ()


@pytest.mark.req("EN319411-1:REG-6.3.1-00E")
def test_evidence_serves_as_often_as_its_method_allows(desk: Registration) -> None:
    first = ready(desk)
    approve(desk, first)
    second = desk.submit(ask(csr=make_csr()), by="ra-desk").id
    taken = desk.take_over_evidence(second, first, by="ra-desk")
    assert [one.origin for one in taken] == [one.id for one in desk.application(first).evidence]
    with pytest.raises(Refused, match="has served 1") as caught:
        approve(desk, second)
    assert caught.value.requirement == "EN319411-1:REG-6.3.1-00E"


def test_two_who_approve_at_once_by_the_same_evidence_are_served_once(desk: Registration) -> None:
    first = ready(desk)
    second = desk.submit(ask(csr=make_csr()), by="ra-desk").id
    desk.take_over_evidence(second, first, by="ra-desk")
    outcomes: list[str] = []

    def one(identifier: str) -> None:
        try:
            outcomes.append(approve(desk, identifier).state)
        except Refused as error:
            outcomes.append(error.requirement)

    threads = [threading.Thread(target=one, args=(identifier,)) for identifier in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["EN319411-1:REG-6.3.1-00E", "issued"]


def test_what_cannot_be_issued_now_is_issued_later(desk: Registration, provider: Provider) -> None:
    identifier = ready(desk)
    provider.key.error = Unavailable("module.gone", "The token is not there.")
    with pytest.raises(Unavailable):
        approve(desk, identifier)
    assert desk.application(identifier).state == "approved"
    provider.key.error = None
    assert desk.finish_all() == [identifier]
    assert desk.finish_all() == []
    done = desk.application(identifier)
    assert done.state == "issued"
    assert len(provider.issuance.list(state="issued", subject="Muster")) == 1


def test_one_that_cannot_be_issued_or_ended_stops_none_after_it(
    desk: Registration, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = ready(desk), ready(desk, csr=make_csr())
    provider.key.error = Unavailable("module.gone", "The token is not there.")
    for one in (first, second):
        with pytest.raises(Unavailable):
            approve(desk, one)
    provider.key.error = None
    issue = provider.issuance.issue

    def issue_no_first(request: Any, **more: Any) -> Any:
        if request.requested_by.endswith(first):
            raise Unavailable("caa.lookup", "DNS does not answer.")
        return issue(request, **more)

    monkeypatch.setattr(provider.issuance, "issue", issue_no_first)
    with pytest.raises(Unavailable, match=f"first is {first}: DNS does not answer"):
        desk.finish_all()
    assert [desk.application(one).state for one in (first, second)] == ["approved", "issued"]

    withdraw = desk.withdraw
    late = [desk.submit(ask(csr=make_csr()), by="ra-desk").id for _ in range(2)]
    provider.clock.moment = provider.clock.moment.replace(year=2060)

    def withdraw_no_first(identifier: str, **more: Any) -> Any:
        if identifier == late[0]:
            raise Unavailable("store.away", "The database does not answer.")
        return withdraw(identifier, **more)

    monkeypatch.setattr(desk, "withdraw", withdraw_no_first)
    with pytest.raises(Unavailable, match="The database does not answer"):
        desk.tidy(by="retention")
    assert [desk.application(one).state for one in late] == ["received", "withdrawn"]
    with pytest.raises(Rejected, match="erased"):
        desk.application(second)


@pytest.mark.req("EN319411-1:REG-6.3.1-00B", "EN319411-1:REG-6.3.1-00D")
def test_what_is_issued_long_after_its_approval_is_looked_at_again(
    desk: Registration, provider: Provider
) -> None:
    identifier = ready(desk)
    provider.key.error = Unavailable("module.gone", "The token is not there.")
    with pytest.raises(Unavailable):
        approve(desk, identifier)
    provider.key.error = None
    provider.clock.moment += timedelta(days=400)
    assert desk.finish_all() == [identifier]
    done = desk.application(identifier)
    assert done.state == "refused"
    assert done.decisions[-1].reason.startswith("EN319411-1:REG-6.3.1-00B: It was approved")
    assert "REG-6.3.1-00D" in done.decisions[-1].reason
    assert provider.issuance.list(state="issued", subject="Muster") == []


def test_what_a_rule_is_against_ends_as_refused(desk: Registration, provider: Provider) -> None:
    csr = make_csr()
    first = ready(desk, csr=csr)
    serial = approve(desk, first).serial
    second = ready(desk, csr=csr)
    provider.issuance.revoke(serial, RevocationReason.keyCompromise, by="olga")
    done = approve(desk, second)
    assert done.state == "refused"
    assert done.decisions[-1].reason.startswith("TRUSTWORKS:ISSUANCE-KEY-COMPROMISED: ")
    assert events(provider)[-1][0] == "registration.refused"


def test_a_certificate_for_an_application_is_made_once(desk: Registration, provider: Provider) -> None:
    identifier = ready(desk)
    provider.key.error = Unavailable("module.gone", "The token is not there.")
    with pytest.raises(Unavailable):
        approve(desk, identifier)
    provider.key.error = None
    threads = [threading.Thread(target=desk.finish, args=(identifier,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert desk.application(identifier).state == "issued"
    assert len(provider.issuance.list(state="issued", subject="Muster")) == 1


@pytest.mark.req("EN319411-1:REG-6.3.7-03")
def test_a_renewal_takes_the_place_of_a_valid_certificate(desk: Registration, provider: Provider) -> None:
    serial = approve(desk, ready(desk)).serial
    provider.clock.advance(days=1)
    renewal = ready(desk, csr=make_csr(), renews=serial)
    assert approve(desk, renewal).state == "issued"
    provider.issuance.revoke(serial, RevocationReason.superseded, by="olga")
    again = ready(desk, csr=make_csr(), renews=serial)
    with pytest.raises(Refused, match=r"is revoked \(superseded\)"):
        approve(desk, again)


@pytest.mark.req("EN319411-1:REG-6.3.7-01B")
def test_a_changed_name_is_verified_anew(desk: Registration, provider: Provider) -> None:
    serial = approve(desk, ready(desk)).serial
    provider.clock.advance(days=2)
    subject = tuple(NameAttribute(name, value.replace("Muster", "Beispiel")) for name, value in ANNA)
    facts = tuple(Fact(name, value.replace("Muster", "Beispiel")) for name, value in FACTS)
    renewal = desk.submit(ask(csr=make_csr(), renews=serial, subject=subject), by="ra-desk").id
    seen(desk, renewal, facts=facts)  # dated before the certificate
    with pytest.raises(Refused) as caught:
        approve(desk, renewal)
    assert caught.value.requirement == "EN319411-1:REG-6.3.7-01B"
    seen(desk, renewal, facts=facts, established_on=provider.clock.moment.date())
    assert approve(desk, renewal).state == "issued"


@pytest.mark.req("EN319411-1:REG-6.3.4-17")
def test_what_is_over_is_forgotten(desk: Registration, provider: Provider) -> None:
    late = desk.submit(ask(), by="ra-desk").id
    provider.clock.advance(days=91)
    assert desk.tidy(by="retention") == ([late], [])
    assert desk.application(late).state == "withdrawn"
    provider.clock.advance(days=8 * 366)
    assert desk.tidy(by="retention") == ([], [late])
    with pytest.raises(Rejected, match="erased"):
        desk.application(late)
    with provider.database.read() as connection:
        for table in ("applications", "identity_evidence", "registration_decisions"):
            rows = connection.execute(text(f"SELECT * FROM {table}")).all()  # noqa: S608 - names of our own
            assert not any("Muster" in str(value) for row in rows for value in row)
    assert desk.tidy(by="retention") == ([], [])


def test_an_issued_application_is_kept_until_its_certificate_ended_long_ago(
    desk: Registration, provider: Provider
) -> None:
    serial = approve(desk, ready(desk)).serial
    found = provider.issuance.find(serial)
    assert found is not None
    provider.clock.moment = found.not_after + timedelta(days=7 * 365)
    assert desk.tidy(by="retention") == ([], [])
    provider.clock.advance(days=10)
    assert len(desk.tidy(by="retention")[1]) == 1


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM applications",
        "DELETE FROM identity_evidence",
        "UPDATE registration_decisions SET reason = 'other'",
        "UPDATE applications SET asked = '{}'",
        "UPDATE applications SET state = 'received'",
        "UPDATE identity_evidence SET method = 'other'",
    ],
)
def test_records_are_not_rewritten(desk: Registration, provider: Provider, change: str) -> None:
    approve(desk, ready(desk))
    with pytest.raises(DBAPIError, match="append-only"), provider.database.begin() as connection:
        connection.execute(text(change))


def test_evidence_that_came_meanwhile_is_looked_at_first(desk: Registration) -> None:
    identifier = ready(desk)
    original = desk._review

    def slow(application: Any, **how: Any) -> Any:
        found = original(application, **how)
        seen(desk, identifier, about=About.SUBJECT)
        return found

    desk._review = slow  # type: ignore[method-assign]
    with pytest.raises(Rejected, match="changed by somebody else meanwhile"):
        approve(desk, identifier)
    assert desk.application(identifier).state == "received"
