"""Partitioned and delta lists: what each holds, where relying parties find it, and that none is missing."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from sqlalchemy import insert, select, update
from sqlalchemy.exc import DBAPIError

from trustworks.core.audit.records import events
from trustworks.core.errors import Rejected, Unavailable
from trustworks.issuance import records
from trustworks.issuance.model import NEVER, RevocationReason, crl_shard, serial_hex
from trustworks.issuance.status import completeness as complete
from trustworks.issuance.status.completeness import completeness

if TYPE_CHECKING:
    from status_provider import Provider

    from trustworks.issuance.model import CrlRecord
    from trustworks.issuance.status import CrlPublisher

SECOND = timedelta(seconds=1)


def sharded(provider: Provider, shards: int = 4, *, delta: bool = False) -> Provider:
    issuing = provider.settings.issuing.model_copy(update={"crl_shards": shards, "crl_delta": delta})
    provider.settings = provider.settings.model_copy(update={"issuing": issuing})
    return provider


def issue(provider: Provider, shard: int) -> x509.Certificate:
    """A certificate of that shard, as the issuing service records it."""
    shards = provider.settings.issuing.crl_shards
    serial = (1 << 150) + shards * (provider.clock.utc.microsecond + len(provider.made)) + shard - 1
    serial += (shard - 1 - serial) % shards
    provider.made.append(serial)
    certificate = provider.unrecorded(serial=serial)
    assert crl_shard(certificate.serial_number, shards) == shard
    provider.add(certificate, "issuing", shard=shard)
    return certificate


def serials(record: CrlRecord) -> set[int]:
    return {entry.serial_number for entry in x509.load_der_x509_crl(record.der)}


def point(record: CrlRecord) -> x509.IssuingDistributionPoint:
    crl = x509.load_der_x509_crl(record.der)
    extension = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    assert extension.critical
    return extension.value


def due(publisher: CrlPublisher) -> list[tuple[str, int | None, bool]]:
    return [tuple(state.scope) for state in publisher.status() if state.due]  # type: ignore[misc]


# What must not be


def test_a_certificate_s_shard_is_fixed(provider: Provider) -> None:
    certificate = issue(sharded(provider), 3)
    column = records.certificates.c.serial == serial_hex(certificate.serial_number)
    for value in (1, None):
        with pytest.raises(DBAPIError, match="append-only"), provider.database.begin() as connection:
            connection.execute(update(records.certificates).where(column).values(crl_shard=value))


@pytest.mark.req("RFC5280:5.2.3-02")
@pytest.mark.parametrize("number", [1, 3, 9])
def test_a_number_that_does_not_follow_on_is_refused_by_the_database(provider: Provider, number: int) -> None:
    record = provider.publisher().publish("issuing", actor="test")
    values = {**records.crl_values(record), "number": number}
    with pytest.raises(DBAPIError), provider.database.begin() as connection:
        connection.execute(insert(records.crls).values(values))


@pytest.mark.req("TRUSTWORKS:STATUS-SHARDS-COMPLETE")
def test_a_revocation_that_no_list_tells_is_found(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    sharded(provider)
    publisher = provider.publisher("issuing")
    lost, other = issue(provider, 2), issue(provider, 3)
    publisher.publish_due()
    for one in (lost, other):
        provider.revoke(one)
    provider.clock.utc += SECOND
    with provider.database.read() as connection:
        waiting = completeness(provider.settings, connection, "issuing")
    assert (waiting.waiting, waiting.objections) == (2, ())
    publisher.publish_due()
    entries = complete._entries
    gone = serial_hex(lost.serial_number)
    monkeypatch.setattr(complete, "_entries", lambda der: [one for one in entries(der) if one[0] != gone])
    with provider.database.read() as connection:
        found = completeness(provider.settings, connection, "issuing")
    assert (found.revoked, found.listed, found.waiting) == (2, 1, 0)
    assert found.objections == (
        f"The certificate {gone} is revoked, and the list of shard 2, which it names, does not tell it.",
    )
    monkeypatch.undo()
    with provider.database.read() as connection:
        assert not completeness(provider.settings, connection, "issuing").objections


# What a shard's list says


@pytest.mark.req("RFC5280:5.2.5-01", "RFC5280:5.1.2.6-01")
def test_every_shard_has_a_list_that_names_the_same_place_as_its_certificates(provider: Provider) -> None:
    sharded(provider)
    revoked = {shard: issue(provider, shard) for shard in (1, 2, 4)}
    plain = provider.issue()  # from before there were shards: it names the complete list
    for one in (*revoked.values(), plain):
        provider.revoke(one)
    published = {one.shard: one for one in provider.publisher("issuing").publish_due()}
    assert set(published) == {None, 1, 2, 3, 4}
    for shard, record in published.items():
        if shard is None:
            assert serials(record) == {one.serial_number for one in (*revoked.values(), plain)}
            with pytest.raises(x509.ExtensionNotFound):
                point(record)
            continue
        expected = {revoked[shard].serial_number} if shard in revoked else set()
        assert serials(record) == expected
        names = [name.value for name in point(record).full_name or ()]
        assert names == [f"http://lab.example/crl/issuing/{shard}.crl"]
        assert point(record).only_contains_user_certs
    assert len({one.number for one in published.values()}) == 5


@pytest.mark.req("RFC5280:5.2.5-01")
def test_a_list_names_the_places_that_older_certificates_name(provider: Provider) -> None:
    sharded(provider).publisher("issuing").publish_due()
    moved = provider.publisher("issuing")
    moved._public_url = "http://new.example"
    names = point(moved.publish("issuing", actor="test", shard=2)).full_name or ()
    assert [name.value for name in names] == [
        "http://new.example/crl/issuing/2.crl",
        "http://lab.example/crl/issuing/2.crl",
    ]


@pytest.mark.req("TRUSTWORKS:STATUS-CHANGE-LISTED")
def test_a_revocation_makes_the_list_due_that_the_certificate_names_and_no_other(provider: Provider) -> None:
    sharded(provider)
    publisher = provider.publisher("issuing")
    certificate, plain = issue(provider, 2), provider.issue()
    publisher.publish_due()
    assert due(publisher) == [("root", None, False)]
    provider.revoke(certificate)
    assert due(publisher)[:-1] == [("issuing", 2, False)]
    (record,) = publisher.publish_due()
    assert (record.shard, serials(record)) == (2, {certificate.serial_number})
    provider.revoke(plain)
    (record,) = publisher.publish_due()
    assert (record.shard, len(serials(record))) == (None, 2)


@pytest.mark.parametrize("later", [1, 2, 8])
def test_certificates_stay_in_their_shard_when_the_number_of_shards_changes(
    provider: Provider, later: int
) -> None:
    sharded(provider)
    certificate = issue(provider, 4)
    provider.publisher("issuing").publish_due()
    sharded(provider, later)
    provider.revoke(certificate)
    provider.clock.utc += SECOND
    published = {one.shard: one for one in provider.publisher("issuing").publish_due()}
    assert serials(published[4]) == {certificate.serial_number}
    assert set(published) == ({4} if later < 4 else {4, 5, 6, 7, 8})
    with provider.database.read() as connection:
        assert not completeness(provider.settings, connection, "issuing").objections


def test_a_shard_that_never_had_a_list_gets_one_when_a_certificate_of_it_is_revoked(
    provider: Provider,
) -> None:
    certificate = issue(sharded(provider), 4)
    sharded(provider, 1).publisher("issuing").publish_due()
    provider.revoke(certificate)
    published = provider.publisher("issuing").publish_due()
    assert {one.shard for one in published} >= {4}


@pytest.mark.req("EN319411-2:CSS-6.3.10-07")
def test_the_last_lists_are_those_of_all_shards_and_a_second_try_makes_up_for_a_crash(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    sharded(provider, 2)
    provider.revoke(issue(provider, 1))
    assert provider.signer_certificate is not None
    provider.revoke(provider.signer_certificate)
    publisher = provider.publisher("issuing")
    publish, tries = publisher.publish, iter(("once",))

    def crash(*given: Any, **options: Any) -> CrlRecord:
        if next(tries, None) is None:
            raise ZeroDivisionError
        return publish(*given, **options)

    monkeypatch.setattr(publisher, "publish", crash)
    with pytest.raises(ZeroDivisionError):
        publisher.publish_all("issuing", actor="test", final=True)
    monkeypatch.setattr(publisher, "publish", publish)
    done = publisher.publish_all("issuing", actor="test", final=True)
    assert [(one.shard, one.next_update) for one in done] == [(1, NEVER), (None, NEVER)]
    assert due(publisher) == [("root", None, False)]
    with pytest.raises(Rejected, match="is its last"):
        publisher.publish_all("issuing", actor="test", final=True)


# Delta lists


@pytest.mark.req("RFC5280:5.2.4-01")
def test_a_delta_list_tells_what_changed_since_the_complete_one(provider: Provider) -> None:
    sharded(provider, 1, delta=True)
    publisher = provider.publisher("issuing")
    before, held, later = provider.issue(), provider.issue(), provider.issue()
    provider.revoke(before)
    provider.revoke(held, RevocationReason.certificateHold)
    (base,) = publisher.publish_due()
    assert base.base is None
    freshest = x509.load_der_x509_crl(base.der).extensions.get_extension_for_class(x509.FreshestCRL)
    assert freshest.value[0].full_name[0].value == "http://lab.example/crl/issuing/delta.crl"
    assert publisher.publish_due() == []  # a delta list of the same second would have the number of its base
    provider.clock.utc += SECOND
    (first,) = publisher.publish_due()
    assert (first.base, first.entries) == (base.number, 0)
    provider.revoke(later)
    provider.release(held)
    provider.clock.utc += SECOND
    (delta,) = publisher.publish_due()  # and no complete list: that comes by the clock
    crl = x509.load_der_x509_crl(delta.der)
    indicator = crl.extensions.get_extension_for_class(x509.DeltaCRLIndicator)
    assert indicator.critical
    assert indicator.value.crl_number == base.number == delta.base
    reasons = {
        entry.serial_number: entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.name
        for entry in crl
    }
    assert reasons == {later.serial_number: "key_compromise", held.serial_number: "remove_from_crl"}
    with provider.database.read() as connection:
        found = completeness(provider.settings, connection, "issuing")
    assert (found.revoked, found.listed, found.objections) == (2, 2, ())


@pytest.mark.req("RFC5280:5.2.4-01")
def test_a_delta_list_goes_on_from_the_newest_complete_list(provider: Provider) -> None:
    sharded(provider, 1, delta=True)
    publisher = provider.publisher("issuing")
    with pytest.raises(Rejected, match="publish that first"):
        publisher.publish("issuing", actor="test", delta=True)
    publisher.publish_due()
    with pytest.raises(Rejected, match="of the same second"):
        publisher.publish("issuing", actor="test", delta=True)
    provider.clock.utc += SECOND
    publisher.publish_due()
    provider.clock.utc += timedelta(hours=1)
    (base,) = [one for one in publisher.publish_due() if one.base is None]
    provider.clock.utc += SECOND
    (delta,) = publisher.publish_due()
    assert delta.base == base.number < delta.number


# Alarms


@pytest.mark.req("TRUSTWORKS:STATUS-LIST-ALARM")
def test_a_list_that_cannot_be_published_is_an_alarm_and_keeps_no_other(provider: Provider) -> None:
    sharded(provider)
    publisher = provider.publisher("issuing")
    first, second = issue(provider, 2), issue(provider, 3)
    provider.publisher("root").publish("root", actor="ceremony")
    publisher.publish_due()
    provider.revoke(first)
    provider.revoke(second)
    publish = publisher.publish

    def fails(*given: Any, shard: int | None = None, **options: Any) -> CrlRecord:
        if shard == 2:
            raise Unavailable("module.gone", "the token was taken out")
        return publish(*given, shard=shard, **options)

    publisher.publish = fails  # type: ignore[method-assign]
    for _ in range(2):
        with pytest.raises(Unavailable, match="taken out"):
            publisher.publish_due()
    assert due(publisher) == [("issuing", 2, False)]
    with provider.database.read() as connection:
        told = [
            json.loads(body)
            for body in connection.execute(
                select(events.c.body)
                .where(events.c.type == "crl.publication-failed")
                .order_by(events.c.sequence)
            ).scalars()
        ]
    assert [(one["subject"]["shard"], one["detail"]["code"]) for one in told] == [(2, "module.gone")]
    provider.clock.utc += timedelta(seconds=59)
    publisher.ping()
    provider.clock.utc += timedelta(seconds=2)
    with pytest.raises(Unavailable, match="issuing shard 2 had to be published") as raised:
        publisher.ping()
    assert raised.value.code == "crl.late"
    publisher.publish = publish  # type: ignore[method-assign]
    publisher.publish_due()
    publisher.ping()


def test_the_root_s_list_is_overdue_and_never_late(provider: Provider) -> None:
    provider.publisher().publish_due()
    provider.revoke(provider.certificates["issuing"])
    provider.clock.utc += timedelta(minutes=11)
    (root,) = [one for one in provider.publisher().status() if one.authority == "root"]
    assert (root.overdue, root.late) == (True, False)
