"""Changes of status: several at once, one after another, and while a list is made; and their dates."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from issuance_testbed import START, make_csr, settings
from sqlalchemy import text

from trustworks.core.audit import Recorder
from trustworks.core.audit.entries import DatabaseSource
from trustworks.core.audit.verify import verify
from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.store import Database
from trustworks.issuance import CertificateRecords, records
from trustworks.issuance.model import Revocation, RevocationReason
from trustworks.issuance.revocation import StatusChange
from trustworks.issuance.status.crl import CrlPublisher

if TYPE_CHECKING:
    from issuance_testbed import Provider

    from trustworks.core.module import Key

HOLD = RevocationReason.certificateHold
LOST = RevocationReason.keyCompromise
SUPERSEDED = RevocationReason.superseded


def revocation(provider: Provider, serial: str) -> Revocation | None:
    status = provider.issuance.status(serial)
    assert status is not None
    return status.revocation


def objections(provider: Provider) -> list[str]:
    with provider.database.read() as connection:
        report = verify(DatabaseSource(connection), checkers=[CertificateRecords(connection)])
    return [one.message for one in report.findings]


def publisher_of(provider: Provider, key: Key) -> CrlPublisher:
    return CrlPublisher(
        settings(),
        public_url="http://lab.example",
        database=provider.database,
        recorder=provider.recorder,
        clock=provider.clock,
        keys={"issuing": key},
    )


# Two processes


def until_waiting(database: Database, other: threading.Thread) -> None:
    """Return when the other one is done, or waits for a lock of the database."""
    end = time.monotonic() + 20
    while other.is_alive():
        with database.read() as connection:
            if connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one():
                return
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.req("EN319411-1:REV-6.3.9-04", "TRUSTWORKS:ISSUANCE-REVOCABLE")
@pytest.mark.postgresql
@pytest.mark.parametrize("store_settings", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("first", "second", "refusal"),
    [
        (HOLD, HOLD, "issuance.held-already"),
        (None, None, "issuance.not-held"),
        (LOST, SUPERSEDED, "EN319411-1:REV-6.3.9-04"),
        (SUPERSEDED, HOLD, "EN319411-1:REV-6.3.9-04"),
    ],
)
def test_two_processes_cannot_cross_each_other(
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    first: RevocationReason | None,
    second: RevocationReason | None,
    refusal: str,
) -> None:
    serial = provider.issuance.issue(provider.request("tsu")).serial
    if first is None:
        provider.issuance.revoke(serial, HOLD, by="officer")
    outcomes: list[object] = []

    def act(recorder: Recorder, reason: RevocationReason | None) -> None:
        try:
            StatusChange(provider.clock, recorder).change(serial, reason, by="officer")
        except (Refused, Rejected) as error:
            outcomes.append(error.requirement if isinstance(error, Refused) else error.code)
        except Exception as error:  # noqa: BLE001 - shown by the comparison below
            outcomes.append(error)
        else:
            outcomes.append("done")

    with (
        Database.open(provider.database.settings) as database,
        Recorder.open(database, "other", now=lambda: provider.clock.moment) as recorder,
    ):
        other = threading.Thread(target=act, args=(recorder, second))
        write = records.set_revocation

        def late(connection: object, *given: object, **named: object) -> bool:
            # The first has read and ruled, and now the second one comes.
            monkeypatch.undo()
            other.start()
            until_waiting(provider.database, other)
            return write(connection, *given, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(records, "set_revocation", late)
        act(provider.recorder, first)
        other.join()
    assert sorted(map(str, outcomes)) == sorted(["done", refusal])
    assert objections(provider) == []


# A key that is lost after another revocation


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-LOST", "TRUSTWORKS:ISSUANCE-KEY-COMPROMISED")
@pytest.mark.parametrize("first", [SUPERSEDED, RevocationReason.unspecified])
def test_a_key_can_be_found_lost_after_another_revocation(
    provider: Provider, issuing_key: Key, first: RevocationReason
) -> None:
    csr = make_csr(ec.generate_private_key(ec.SECP256R1()))
    old, other, good = (provider.issuance.issue(provider.request("tsu", csr)).serial for _ in range(3))
    before = provider.issuance.revoke(old, first, by="officer", invalidity_date=START - timedelta(days=3))
    provider.clock.advance(minutes=1)
    also_before = provider.issuance.revoke(other, first, by="officer")
    publisher = publisher_of(provider, issuing_key)
    publisher.publish("issuing", actor="test")
    provider.clock.advance(days=1)
    done = provider.issuance.revoke(old, LOST, by="officer")
    assert (done.reason, done.revoked_at, done.recorded_at) == (
        LOST,
        before.revoked_at,
        provider.clock.moment,
    )
    assert done.invalidity_date == before.invalidity_date
    assert sorted(done.also) == sorted([other, good])
    also = revocation(provider, other)
    assert also is not None
    assert (also.reason, also.revoked_at, also.invalidity_date) == (LOST, also_before.revoked_at, None)
    assert revocation(provider, good) is not None
    with pytest.raises(Refused, match="compromised"):
        provider.issuance.issue(provider.request("tsu", csr))
    assert objections(provider) == []
    provider.clock.advance(seconds=5)
    (published,) = publisher.publish_due()
    entry = x509.load_der_x509_crl(published.der).get_revoked_certificate_by_serial_number(int(old, 16))
    assert entry is not None
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value == "keyCompromise"


@pytest.mark.req("EN319411-1:REV-6.3.9-04")
def test_a_revocation_is_changed_for_nothing_but_a_lost_key_and_once(provider: Provider) -> None:
    serial = provider.issuance.issue(provider.request("tsu")).serial
    provider.issuance.revoke(serial, SUPERSEDED, by="officer")
    for reason in (SUPERSEDED, HOLD, RevocationReason.cessationOfOperation):
        with pytest.raises(Refused, match="for good"):
            provider.issuance.revoke(serial, reason, by="officer")
    with pytest.raises(Refused, match="for good"):
        provider.issuance.release(serial, by="officer")
    provider.issuance.revoke(serial, RevocationReason.cACompromise, by="officer")
    with pytest.raises(Refused, match="for good"):
        provider.issuance.revoke(serial, LOST, by="officer")


# Dates


@pytest.mark.req("TRUSTWORKS:ISSUANCE-REVOKED-WITHOUT-CLOCK", "TRUSTWORKS:ISSUANCE-REVOCATION-DATES")
def test_without_trusted_time_no_date_of_invalidity_refuses_a_revocation(provider: Provider) -> None:
    serial = provider.issuance.issue(provider.request("tsu")).serial
    lost = provider.clock.moment + timedelta(days=1)
    with pytest.raises(Rejected, match="future"):
        provider.issuance.revoke(serial, LOST, by="officer", invalidity_date=lost)
    provider.clock.refusal = Unavailable("clock.jump", "The clock is stopped: it jumped.")
    provider.system.advance(days=-400)  # it may well be a day later in truth
    done = provider.issuance.revoke(serial, LOST, by="officer", invalidity_date=lost)
    assert done.invalidity_date == lost


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-LOST")
def test_a_hold_of_the_same_key_that_is_dated_ahead_becomes_a_revocation_of_now(provider: Provider) -> None:
    csr = make_csr(ec.generate_private_key(ec.SECP256R1()))
    lost, held = (provider.issuance.issue(provider.request("tsu", csr)).serial for _ in range(2))
    provider.clock.refusal = Unavailable("clock.jump", "The clock is stopped: it jumped.")
    provider.system.advance(days=400)
    provider.issuance.revoke(held, HOLD, by="officer")
    provider.clock.refusal = None
    provider.issuance.revoke(lost, LOST, by="officer")
    found = revocation(provider, held)
    assert found is not None
    assert (found.reason, found.revoked_at) == (LOST, provider.clock.moment)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-REVOKED-WITHOUT-CLOCK")
def test_a_change_is_not_dated_before_the_newest_list(provider: Provider, issuing_key: Key) -> None:
    serial = provider.issuance.issue(provider.request("tsu")).serial
    provider.issuance.revoke(serial, HOLD, by="officer")
    provider.clock.advance(minutes=1)
    publisher = publisher_of(provider, issuing_key)
    listed = publisher.publish("issuing", actor="test")
    # The moment was taken, and then the list was published before this change had its turn.
    provider.clock.advance(seconds=-2)
    done = provider.issuance.revoke(serial, SUPERSEDED, by="officer")
    assert done.recorded_at == listed.this_update
    provider.clock.advance(seconds=5)
    assert [one.authority for one in publisher.publish_due()] == ["issuing"]
