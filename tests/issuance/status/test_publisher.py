"""Publishing revocation lists: what is refused, what a list holds, when one is due, on both databases."""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.x509 import ocsp
from sqlalchemy import select, text
from status_provider import DAY, NOW, der, request

from trustworks.core.audit.records import events
from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.module import KeyAlgorithm
from trustworks.issuance import records
from trustworks.issuance.model import NEVER, RevocationReason
from trustworks.issuance.status import crl, drafts
from trustworks.issuance.status.octets import subject_octets

if TYPE_CHECKING:
    from collections.abc import Callable

    from status_provider import Provider

    from trustworks.issuance.model import CrlRecord
    from trustworks.issuance.status import CrlPublisher


def load(record: CrlRecord) -> x509.CertificateRevocationList:
    return x509.load_der_x509_crl(record.der)


def published(provider: Provider) -> list[str]:
    with provider.database.read() as connection:
        return list(
            connection.execute(
                select(events.c.body).where(events.c.type == "crl.published").order_by(events.c.sequence)
            ).scalars()
        )


# What is refused, and leaves nothing behind


def test_a_list_is_published_where_the_key_is(provider: Provider) -> None:
    with pytest.raises(Rejected, match="publish its list where the key is"):
        provider.publisher("issuing").publish("root", actor="test")


def test_another_key_publishes_nothing(provider: Provider) -> None:
    provider.keys["issuing"] = provider.keys["ocsp"]
    with pytest.raises(Rejected, match="is not the one in the certificate"):
        provider.publisher().publish("issuing", actor="test")
    assert not published(provider)


def test_an_unknown_authority_has_no_list(provider: Provider) -> None:
    provider.keys["other"] = provider.keys["ocsp"]
    with pytest.raises(Rejected, match=r"trustworks keys ceremony plan"):
        provider.publisher("other").publish("other", actor="test")


def test_an_expired_authority_publishes_no_more(provider: Provider) -> None:
    provider.clock.utc = provider.certificates["issuing"].not_valid_after_utc
    with pytest.raises(Rejected, match="expired"):
        provider.publisher().publish("issuing", actor="test")


def test_without_trusted_time_there_is_no_list(provider: Provider) -> None:
    provider.clock.refusal = Unavailable("clock.no-lease", "no lease")
    with pytest.raises(Unavailable):
        provider.publisher().publish("issuing", actor="test")
    provider.clock.refusal = None
    assert not published(provider)


def test_a_list_that_breaks_a_rule_is_not_released(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = subject_octets(der(provider.certificates["root"]))
    told = iter((other, subject_octets(der(provider.certificates["issuing"]))))
    monkeypatch.setattr("trustworks.issuance.status.drafts.subject_octets", lambda _: next(told))
    with pytest.raises(RuntimeError, match="the issuer's octets are not the authority's name"):
        provider.publisher().publish("issuing", actor="test")
    monkeypatch.undo()
    assert not published(provider)
    assert provider.services().publication.crl("issuing") is None


def test_of_two_publishers_with_the_same_number_one_publishes(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = provider.publisher(), provider.publisher()
    signed = threading.Barrier(2)
    check = drafts.check_output

    def checked(*arguments: Any) -> None:
        check(*arguments)
        signed.wait(timeout=20)  # both have signed before either commits

    monkeypatch.setattr(crl, "check_output", checked)
    answers: list[str] = []

    def publish(publisher: CrlPublisher) -> None:
        try:
            answers.append(f"published {publisher.publish('issuing', actor='test').number}")
        except Rejected as error:
            answers.append(error.code)

    threads = [threading.Thread(target=publish, args=(one,)) for one in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["crl.superseded", "published 1"]
    assert len(published(provider)) == 1


@pytest.mark.req("RFC5280:5.2.3-01")
def test_who_is_overtaken_by_another_publisher_has_nothing_left_to_do(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher, other = provider.publisher("issuing"), provider.publisher("issuing")
    check = drafts.check_output

    def overtaken(*arguments: Any) -> None:
        check(*arguments)
        monkeypatch.undo()
        other.publish("issuing", actor="other")

    monkeypatch.setattr(crl, "check_output", overtaken)
    assert publisher.publish_due() == []
    assert len(published(provider)) == 1
    assert publisher.publish_due() == []


def test_a_list_that_would_leave_a_revoked_certificate_out_is_not_published(provider: Provider) -> None:
    certificate = provider.issue()
    provider.revoke(certificate)
    with provider.database.begin() as connection:
        # As no part of the product writes it: somebody who may drop the trigger changed the row by hand.
        on = " ON certificates" if provider.database.dialect == "postgresql" else ""
        connection.execute(text(f"DROP TRIGGER certificates_no_second_end{on}"))
        changed = records.certificates.update().where(
            records.certificates.c.serial == f"{certificate.serial_number:040x}"
        )
        connection.execute(changed.values(state="abandoned", der=None))
    with pytest.raises(RuntimeError, match="1 certificates of issuing are revoked, 0 were read"):
        provider.publisher().publish("issuing", actor="test")
    assert published(provider) == []


# What a list holds


@pytest.mark.req(
    "RFC5280:5.1.2.3-01",
    "RFC5280:5.1.2.6-01",
    "RFC5280:5.2.1-01",
    "RFC5280:5.2.3-01",
    "EN319411-1:CSS-6.3.9-06",
    "EN319411-1:CSS-6.3.9-08",
)
@pytest.mark.parametrize("algorithm", [KeyAlgorithm.P256, KeyAlgorithm.P384, KeyAlgorithm.RSA_3072])
def test_a_list_is_complete_signed_and_numbered(
    make_provider: Callable[..., Provider], algorithm: KeyAlgorithm
) -> None:
    provider = make_provider(algorithm)
    revoked = [provider.issue() for _ in range(5)]
    provider.issue()
    provider.issue(state="issuing")
    reasons = list(RevocationReason)[:5]
    for certificate, reason in zip(revoked, reasons, strict=True):
        provider.revoke(certificate, reason)
    record = provider.publisher().publish("issuing", actor="test")
    read = load(record)
    authority = provider.certificates["issuing"]
    assert read.is_signature_valid(authority.public_key())  # type: ignore[arg-type]
    assert read.issuer == authority.subject
    assert [entry.serial_number for entry in read] == sorted(c.serial_number for c in revoked)
    found = {entry.serial_number: entry for entry in read}
    for certificate, reason in zip(revoked, reasons, strict=True):
        entry = found[certificate.serial_number]
        assert entry.revocation_date_utc == provider.clock.utc
        if reason is RevocationReason.unspecified:
            assert not list(entry.extensions)  # unspecified is said by saying nothing (RFC 5280, 5.3.1)
        else:
            stated = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
            assert stated.value == reason.name
    assert record.number == 1
    assert read.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 1
    assert record.entries == 5
    assert read.last_update_utc == provider.clock.utc
    assert read.next_update_utc == provider.clock.utc + DAY


def test_an_empty_list_has_no_entries_field(provider: Provider) -> None:
    read = load(provider.publisher().publish("issuing", actor="test"))
    assert len(read) == 0
    assert list(read) == []


@pytest.mark.req("EN319411-2:CSS-6.3.10-03", "EN319411-2:CSS-6.3.10-05")
def test_expired_certificates_stay_on_the_list_and_it_says_so(provider: Provider) -> None:
    certificate = provider.issue(life=DAY)
    provider.revoke(certificate)
    provider.clock.utc = NOW + 400 * DAY
    read = load(provider.publisher().publish("issuing", actor="test"))
    assert [entry.serial_number for entry in read] == [certificate.serial_number]
    kept = read.extensions.get_extension_for_oid(x509.ObjectIdentifier("2.5.29.60"))
    began = provider.certificates["issuing"].not_valid_before_utc
    assert isinstance(kept.value, x509.UnrecognizedExtension)
    assert kept.value.value == b"\x18\x0f" + began.strftime("%Y%m%d%H%M%SZ").encode()


def test_the_date_of_invalidity_is_told(provider: Provider) -> None:
    certificate = provider.issue()
    provider.revoke(certificate, invalidity_date=NOW - 2 * DAY)
    (entry,) = load(provider.publisher().publish("issuing", actor="test"))
    told = entry.extensions.get_extension_for_class(x509.InvalidityDate).value.invalidity_date_utc
    assert told == NOW - 2 * DAY


@pytest.mark.req("TRUSTWORKS:STATUS-REVOKED-BY-NOW")
def test_a_date_of_invalidity_that_lies_ahead_is_left_out_until_it_comes(provider: Provider) -> None:
    certificate = provider.issue()
    provider.revoke(certificate, invalidity_date=NOW + DAY)
    told = []
    for _ in range(2):
        entry = next(iter(x509.load_der_x509_crl(provider.publisher().publish("issuing", actor="test").der)))
        told.append([one.value for one in entry.extensions if isinstance(one.value, x509.InvalidityDate)])
        provider.clock.utc += DAY
    assert told[0] == []
    assert [one.invalidity_date_utc for one in told[1]] == [NOW + DAY]


@pytest.mark.req("EN319411-1:CSS-6.3.9-13", "EN319411-1:CSS-6.3.9-12")
def test_the_root_lists_authorities_for_at_most_a_year(provider: Provider) -> None:
    services, ceremony = provider.publisher("issuing"), provider.publisher("root")
    ceremony.publish("root", actor="ceremony")
    provider.clock.utc += DAY
    provider.revoke(provider.certificates["issuing"], RevocationReason.cACompromise)
    # The services do not hold the root's key: they cannot publish, only tell that it is due.
    assert "root" not in [record.authority for record in services.publish_due()]
    for minutes, overdue in ((9, False), (1, True)):
        provider.clock.utc += timedelta(minutes=minutes)
        root = next(state for state in services.status() if state.authority == "root")
        assert (root.due, root.overdue, root.fresh) == (True, overdue, True)
    record = ceremony.publish("root", actor="ceremony")
    (entry,) = load(record)
    assert entry.serial_number == provider.certificates["issuing"].serial_number
    assert record.next_update - record.this_update <= 366 * DAY
    provider.clock.utc += timedelta(minutes=11)
    root = next(state for state in services.status() if state.authority == "root")
    assert (root.due, root.overdue) == (False, False)


@pytest.mark.req("EN319411-1:CSS-6.3.9-13")
def test_who_publishes_the_root_s_list_is_told_of_the_oldest_change_that_it_lacks(provider: Provider) -> None:
    provider.add(provider.certificates["root"], "root", "root")
    provider.publisher("root").publish("root", actor="ceremony")
    provider.clock.utc += DAY
    provider.revoke(provider.certificates["issuing"], RevocationReason.certificateHold)
    for _ in range(3):  # changes without end do not put it off
        provider.clock.utc += timedelta(minutes=4)
        provider.revoke(provider.certificates["root"], RevocationReason.certificateHold)
    root = next(state for state in provider.publisher().status() if state.authority == "root")
    assert (root.due, root.overdue) == (True, True)


@pytest.mark.req("EN319411-1:CSS-6.3.9-13")
def test_a_change_that_overtook_the_root_s_list_is_told_although_it_is_dated_before(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = provider.publisher("root")
    publisher.publish("root", actor="ceremony")
    provider.clock.utc += DAY
    early = provider.clock.utc
    provider.clock.utc += timedelta(seconds=2)
    now, sign = provider.clock.utc, drafts.signed

    def signed(*given: Any) -> bytes:
        provider.clock.utc = early
        provider.revoke(provider.certificates["issuing"], RevocationReason.cACompromise)
        provider.clock.utc = now
        return sign(*given)

    with monkeypatch.context() as patched:
        patched.setattr(crl, "signed", signed)
        assert publisher.publish("root", actor="ceremony").entries == 0
    for after, overdue in ((timedelta(minutes=9), False), (timedelta(minutes=10), True)):
        provider.clock.utc = now + after
        root = next(state for state in provider.publisher().status() if state.authority == "root")
        assert (root.due, root.overdue) == (True, overdue)


@pytest.mark.req("EN319411-1:CSS-6.3.9-13")
def test_what_is_on_the_root_s_list_does_not_make_the_next_one_overdue(provider: Provider) -> None:
    provider.add(provider.certificates["root"], "root", "root")
    provider.clock.utc = provider.clock.utc.replace(microsecond=300_000)
    provider.revoke(provider.certificates["issuing"], RevocationReason.certificateHold)
    provider.clock.utc = provider.clock.utc.replace(microsecond=700_000)
    assert provider.publisher("root").publish("root", actor="ceremony").entries == 1
    provider.clock.utc += timedelta(minutes=30)
    provider.revoke(provider.certificates["root"], RevocationReason.certificateHold)
    for after, overdue in ((timedelta(minutes=9), False), (timedelta(minutes=1), True)):
        provider.clock.utc += after
        root = next(state for state in provider.publisher().status() if state.authority == "root")
        assert (root.due, root.overdue) == (True, overdue)


@pytest.mark.req("EN319411-1:CSS-6.3.10-08", "EN319411-1:REV-6.2.4-03C")
def test_ocsp_says_what_the_list_says(provider: Provider) -> None:
    issuer = provider.certificates["issuing"]
    good, revoked, never = provider.issue(), provider.issue(), provider.unrecorded()
    provider.revoke(revoked)
    listed = {e.serial_number for e in load(provider.publisher().publish("issuing", actor="test"))}
    responder = provider.responder()
    for certificate in (good, revoked):
        answer = ocsp.load_der_ocsp_response(responder.answer(request(certificate, issuer)).der)
        said_revoked = answer.certificate_status is ocsp.OCSPCertStatus.REVOKED
        assert said_revoked == (certificate.serial_number in listed)
    answer = ocsp.load_der_ocsp_response(responder.answer(request(never, issuer)).der)
    assert answer.certificate_status is not ocsp.OCSPCertStatus.GOOD


# When the next one is due


@pytest.mark.req("EN319411-1:CSS-6.3.9-05")
def test_lists_are_published_by_the_clock_although_nothing_was_revoked(provider: Provider) -> None:
    publisher = provider.publisher("issuing")
    assert [record.number for record in publisher.publish_due()] == [1]
    assert publisher.publish_due() == []
    provider.clock.utc += timedelta(minutes=59)
    assert publisher.publish_due() == []
    provider.clock.utc += timedelta(minutes=1)
    assert [record.number for record in publisher.publish_due()] == [2]


@pytest.mark.req("EN319411-1:REV-6.2.4-03A", "EN319411-1:REV-6.2.4-03C")
def test_a_list_follows_soon_after_a_revocation_and_after_a_lifted_hold(provider: Provider) -> None:
    certificate = provider.issue()
    publisher = provider.publisher("issuing")
    publisher.publish_due()
    provider.clock.utc += timedelta(seconds=5)
    provider.revoke(certificate, RevocationReason.certificateHold)
    (second,) = publisher.publish_due()
    assert [entry.serial_number for entry in load(second)] == [certificate.serial_number]
    provider.clock.utc += timedelta(seconds=5)
    with provider.database.begin() as connection:
        assert records.set_revocation(
            connection, f"{certificate.serial_number:040x}", None, at=provider.clock.utc
        )
    (third,) = publisher.publish_due()
    assert list(load(third)) == []


@pytest.mark.req("TRUSTWORKS:STATUS-CHANGE-LISTED")
@pytest.mark.parametrize("dated", [timedelta(seconds=-5), timedelta(seconds=1), DAY])
def test_a_change_while_a_list_is_made_is_on_the_next_at_once(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, dated: timedelta
) -> None:
    certificate = provider.issue()
    provider.revoke(certificate, RevocationReason.certificateHold)
    publisher = provider.publisher("issuing")
    signed = drafts.signed

    def sign_while_another_revokes(*given: Any) -> bytes:
        monkeypatch.undo()
        there, provider.clock.utc = provider.clock.utc, provider.clock.utc + dated
        provider.revoke(certificate)
        provider.clock.utc = there
        return signed(*given)

    monkeypatch.setattr(crl, "signed", sign_while_another_revokes)
    assert [reason_of(certificate, one) for one in publisher.publish_due()] == ["certificateHold"]
    assert [reason_of(certificate, one) for one in publisher.publish_due()] == ["keyCompromise"]
    assert publisher.publish_due() == []


def reason_of(certificate: x509.Certificate, record: CrlRecord) -> str:
    entry = load(record).get_revoked_certificate_by_serial_number(certificate.serial_number)
    assert entry is not None
    return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value


@pytest.mark.req("TRUSTWORKS:STATUS-CHANGE-LISTED", "EN319411-1:REV-6.2.4-03A")
def test_a_change_by_a_clock_that_was_ahead_is_listed_at_once_and_once(provider: Provider) -> None:
    certificate = provider.issue()
    provider.revoke(certificate, RevocationReason.certificateHold)
    publisher = provider.publisher("issuing")
    publisher.publish_due()
    provider.clock.utc += 3 * DAY
    provider.revoke(certificate)
    provider.clock.utc += timedelta(minutes=1) - 3 * DAY
    assert [reason_of(certificate, one) for one in publisher.publish_due()] == ["keyCompromise"]
    assert publisher.publish_due() == []
    provider.clock.utc += timedelta(minutes=59)
    assert publisher.publish_due() == []
    provider.clock.utc += timedelta(minutes=1)
    assert [record.number for record in publisher.publish_due()] == [3]


@pytest.mark.req("TRUSTWORKS:STATUS-CHANGE-LISTED")
def test_of_two_lists_with_one_number_the_one_that_knows_less_leaves_another_due(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = provider.issue()
    publisher, other = provider.publisher("issuing"), provider.publisher("issuing")
    release = crl.CrlPublisher._release
    codes: list[str] = []

    def overtake(given: CrlPublisher, *draft: Any) -> CrlRecord:
        # This list was drafted before the revocation. The other one knows of it, and comes too late.
        monkeypatch.undo()
        provider.revoke(certificate)

        def late(another: CrlPublisher, *its: Any) -> CrlRecord:
            monkeypatch.undo()
            first.append(release(given, *draft))
            return release(another, *its)

        monkeypatch.setattr(crl.CrlPublisher, "_release", late)
        with pytest.raises(Rejected) as refused:
            other.publish("issuing", actor="other")
        codes.append(refused.value.code)
        return first[0]

    first: list[CrlRecord] = []
    monkeypatch.setattr(crl.CrlPublisher, "_release", overtake)
    assert list(load(publisher.publish("issuing", actor="test"))) == []
    assert codes == ["crl.superseded"]
    assert [reason_of(certificate, one) for one in publisher.publish_due()] == ["keyCompromise"]
    assert publisher.publish_due() == []


@pytest.mark.req("RFC5280:5.2.3-02")
def test_numbers_grow_over_publishers_and_processes(provider: Provider) -> None:
    numbers = []
    for _ in range(3):
        numbers.append(provider.publisher().publish("issuing", actor="test").number)
        provider.clock.utc += timedelta(seconds=1)
    assert numbers == [1, 2, 3]
    assert provider.publisher().publish("root", actor="test").number == 1


def test_publication_is_an_event_of_the_audit_log(provider: Provider) -> None:
    record = provider.publisher().publish("issuing", actor="operator")
    (body,) = published(provider)
    event = json.loads(body)
    assert event["actor"] == "operator"
    assert event["subject"] == {"authority": "issuing", "number": 1}
    assert event["detail"]["sha256"] == hashlib.sha256(record.der).hexdigest()


def test_a_list_that_ran_out_makes_health_fail(provider: Provider) -> None:
    publisher, services = provider.publisher(), provider.services()
    with pytest.raises(Unavailable, match="missing or has run out"):
        services.ping()
    publisher.publish("root", actor="test")
    publisher.publish("issuing", actor="test")
    services.ping()
    publisher.ping()
    provider.clock.utc += DAY
    with pytest.raises(Unavailable, match="trustworks crl publish --authority issuing"):
        services.ping()
    assert {state.authority: state.fresh for state in services.status()} == {
        "issuing": False,
        "root": True,
    }


# The last list


@pytest.mark.req("EN319411-2:CSS-6.3.10-07", "EN319411-1:CSS-6.3.9-06")
def test_the_last_list_waits_until_every_certificate_is_revoked_or_expired(provider: Provider) -> None:
    certificate = provider.issue()
    publisher = provider.publisher()
    with pytest.raises(Rejected, match="neither expired nor revoked"):
        publisher.publish("issuing", actor="test", final=True)
    provider.revoke(certificate)
    provider.clock.utc = NOW + 100 * DAY  # the OCSP signer has expired
    record = publisher.publish("issuing", actor="test", final=True)
    assert record.next_update == NEVER
    assert load(record).next_update_utc == NEVER
    provider.clock.utc += 30 * DAY
    assert "issuing" not in [due.authority for due in publisher.publish_due()]
    with pytest.raises(Rejected, match="is its last"):
        publisher.publish("issuing", actor="test")
    assert {state.authority: state.fresh for state in publisher.status()}["issuing"]


@pytest.mark.req("EN319411-2:CSS-6.3.10-07")
@pytest.mark.parametrize("then_revoked", [False, True])
def test_the_last_list_is_not_published_when_a_certificate_is_issued_meanwhile(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, *, then_revoked: bool
) -> None:
    provider.clock.utc = NOW + 100 * DAY  # the OCSP signer has expired
    signed = drafts.signed

    def issue_and_sign(*given: Any) -> bytes:
        certificate = provider.issue()
        if then_revoked:
            provider.revoke(certificate)
        return signed(*given)

    monkeypatch.setattr(crl, "signed", issue_and_sign)
    with pytest.raises(Rejected, match="changed while" if then_revoked else "neither expired nor revoked"):
        provider.publisher().publish("issuing", actor="test", final=True)
    assert provider.publisher("issuing").status()[0].number is None


@pytest.mark.req("EN319411-2:CSS-6.3.10-07")
def test_the_last_list_is_not_published_when_a_revocation_changes_meanwhile(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = provider.issue(life=20 * DAY)
    provider.revoke(certificate, RevocationReason.certificateHold)
    provider.clock.utc = NOW + 100 * DAY
    signed = drafts.signed

    def revoke_and_sign(*given: Any) -> bytes:
        provider.revoke(certificate)
        return signed(*given)

    monkeypatch.setattr(crl, "signed", revoke_and_sign)
    with pytest.raises(Rejected, match="changed while"):
        provider.publisher().publish("issuing", actor="test", final=True)
    assert provider.publisher("issuing").status()[0].number is None
