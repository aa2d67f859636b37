"""Issues of the lists over real tokens and records: what they tell, how they follow each other."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from trusted_list_house import services

from trustworks.core.audit.records import events
from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.pki.certificate import Certificate
from trustworks.core.pki.trusted_lists.read import parse, read_trusted_list
from trustworks.core.pki.trusted_lists.signature import verify_signature
from trustworks.core.pki.trusted_lists.uris import CA_QC, GRANTED, OCSP_QC, TSA_QTST, WITHDRAWN
from trustworks.issuance.model import RevocationReason, serial_hex
from trustworks.issuance.trusted_list import issuing, records

if TYPE_CHECKING:
    from issuance_testbed import PlacedClock
    from trusted_list_house import House

    from trustworks.core.module import Key


# The databases differ where two issue at once (test_races.py).
pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)


def clock(house: House) -> PlacedClock:
    return house.provider.clock


def test_what_runs_is_listed_from_the_moment_of_the_list_on(house: House) -> None:
    house.unit()
    found = house.issue()

    assert [(one.current.type, one.current.status) for one in services(found)] == [
        (CA_QC, GRANTED),
        (OCSP_QC, GRANTED),
        (TSA_QTST, GRANTED),
    ]
    assert {one.current.since for one in services(found)} == {clock(house).moment.replace(microsecond=0)}
    assert all(one.history == () for one in services(found))
    assert (found.scheme.territory, found.scheme.sequence_number) == ("XX", 1)
    assert found.findings == ()


def test_both_lists_are_signed_by_the_list_signer_and_point_to_each_other(house: House) -> None:
    house.issue()
    own, of_lists = map(read_trusted_list, house.octets())

    signer = house.lists.certificate()
    for octets in house.octets():
        signature = verify_signature(parse(octets))
        assert (signature.certificate, signature.problem) == (signer, None)
    assert [(one.location, one.type.rpartition("/")[2]) for one in of_lists.scheme.pointers] == [
        ("http://tsp.example.com/tl/lotl.xml", "XXlistofthelists"),
        ("http://tsp.example.com/tl/XX.xml", "XXlist"),
    ]
    assert [one.location for one in own.scheme.pointers] == ["http://tsp.example.com/tl/lotl.xml"]
    assert all(one.certificates[0].der == signer for one in (*own.scheme.pointers, *of_lists.scheme.pointers))
    assert of_lists.providers == ()


@pytest.mark.req("TS119612:5.3.2-1", "TS119612:5.3.12")
def test_a_service_that_runs_no_more_is_withdrawn_and_what_was_told_stays(house: House) -> None:
    house.unit()
    first = house.issue()
    granted = services(first)[2].current
    house.units.clear()
    clock(house).advance(days=1)

    second = house.issue()

    unit = services(second)[2]
    assert second.scheme.sequence_number == 2
    assert (unit.current.status, unit.current.since) == (
        WITHDRAWN,
        clock(house).moment.replace(microsecond=0),
    )
    assert unit.current.identity == granted.identity
    (past,) = unit.history
    assert (past.status, past.since) == (granted.status, granted.since)
    assert past.identity.certificates == ()
    assert past.identity.key_identifiers == granted.identity.key_identifiers
    # The others go on as they were.
    assert services(second)[:2] == services(first)[:2]

    clock(house).advance(days=1)
    assert services(house.issue())[2] == unit


def test_a_revoked_service_is_withdrawn(house: House) -> None:
    unit = house.unit()
    house.issue()
    clock(house).advance(days=1)
    serial = serial_hex(Certificate.read(unit.certificate).serial)
    house.provider.issuance.revoke(serial, RevocationReason.cessationOfOperation, by="officer")

    assert services(house.issue())[2].current.status == WITHDRAWN


def test_a_newer_certificate_of_the_same_key_takes_the_place_of_the_old_one(house: House) -> None:
    first = services(house.issue())[1].current
    clock(house).advance(days=1)
    newer = house.put("ocsp.pem", house.certified("ocsp-signer", "OCSP responder"))

    service = services(house.issue())[1]

    assert [one.der for one in service.current.identity.certificates] == [newer]
    assert (service.current.status, service.current.since, service.history) == (GRANTED, first.since, ())


def test_another_key_is_another_service(house: House) -> None:
    house.issue()
    clock(house).advance(days=1)
    house.put("ocsp.pem", house.certified("ocsp-signer", "OCSP responder 2"))

    found = [one.current for one in services(house.issue()) if one.current.type == OCSP_QC]

    assert [(one.status, one.names[0].value) for one in found] == [
        (WITHDRAWN, "Trustworks TEST OCSP responder"),
        (GRANTED, "Trustworks TEST OCSP responder 2"),
    ]


@pytest.mark.req("TS119612:5.3.15-2")
def test_new_lists_are_due_before_the_next_update_and_when_something_changed(house: House) -> None:
    due = house.lists.due()
    assert due is not None
    assert "No trusted list" in due.words
    house.issue()
    clock(house).advance(seconds=1)
    assert house.lists.due() is None

    unit = house.unit()
    due = house.lists.due()
    assert due is not None
    assert "What runs is not" in due.words
    house.units.remove(unit)

    clock(house).advance(days=22, hours=23)
    assert house.lists.due() is None
    clock(house).advance(hours=2)
    due = house.lists.due()
    assert due is not None
    assert "next update" in due.words


def test_new_lists_are_due_when_the_list_signer_has_another_certificate(house: House) -> None:
    house.issue()
    clock(house).advance(days=1)
    house.put("list-signer.pem", house.certified("list-signer", "list signer"))

    due = house.lists.due()

    assert due is not None
    assert "another certificate" in due.words
    house.issue()
    assert house.lists.due() is None


@pytest.mark.req("TRUSTWORKS:TRUSTED-LIST-CLOCK")
def test_no_list_is_older_than_the_one_before(house: House) -> None:
    house.issue()
    before = house.octets()
    clock(house).advance(days=-1)
    for _ in range(2):
        with pytest.raises(Refused, match="Put the clock right") as refused:
            house.issue()
        assert refused.value.requirement == "TRUSTWORKS:TRUSTED-LIST-CLOCK"
    assert house.octets() == before


def test_new_lists_wait_until_the_second_of_those_before_is_over(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        clock(house).advance(seconds=0.4)

    monkeypatch.setattr(issuing, "sleep", wait)
    first, second = house.issue().scheme, house.issue().scheme
    assert second.sequence_number == first.sequence_number + 1
    assert second.issued - first.issued == timedelta(seconds=1)
    assert 1 < len(waited) < 4


def test_a_refusal_is_in_the_audit_log_once_and_an_issue_each_time(house: House) -> None:
    house.issue()
    clock(house).advance(days=-1)
    for _ in range(2):
        with pytest.raises(Refused):
            house.issue()
    clock(house).advance(days=2)
    house.issue()

    with house.provider.database.read() as connection:
        bodies = connection.scalars(select(events.c.body).order_by(events.c.sequence))
        told = [json.loads(one) for one in bodies]
    found = [one for one in told if one["type"].startswith("trusted-list.")]
    assert [(one["type"], one["detail"].get("requirement")) for one in found] == [
        ("trusted-list.published", None),
        ("trusted-list.refused", "TRUSTWORKS:TRUSTED-LIST-CLOCK"),
        ("trusted-list.published", None),
    ]


def test_the_lists_in_force_are_as_they_were_issued(house: House) -> None:
    assert house.lists.newest() is None
    house.issue()
    found = house.lists.newest()
    assert found is not None
    own, of_lists = found
    assert (own.kind, of_lists.kind, own.territory) == (records.LIST, records.LIST_OF_LISTS, "XX")
    assert own.next_update - own.issued_at == timedelta(days=30)
    with house.provider.database.read() as connection:
        assert records.numbered(connection, records.LIST, 1) == own
        assert records.numbered(connection, records.LIST, 2) is None


def test_without_a_certificate_of_the_list_signer_it_is_said_what_to_do(house: House) -> None:
    (house.base / "list-signer.pem").unlink()
    with pytest.raises(Unavailable, match="profile list-signer") as refused:
        house.lists.certificate()
    assert refused.value.code == "trusted-list.no-signer"


def test_the_key_has_to_be_that_of_the_certificate(house: House, issuing_key: Key) -> None:
    with pytest.raises(Rejected, match="is not for the key 'issuing'") as rejected:
        house.lists.signer(issuing_key)
    assert rejected.value.code == "trusted-list.key"


def test_a_signature_by_another_key_is_not_published(house: House) -> None:
    house.certified("tsu", "another")
    wrong = house.signer(house.lists.certificate(), name="another")
    with pytest.raises(Rejected) as rejected:
        house.lists.issue(wrong, by="operator")
    assert rejected.value.code == "signature.own"
    assert house.lists.newest() is None


@pytest.mark.req("TRUSTWORKS:TRUSTED-LIST-SIGNER-STANDS")
def test_a_revoked_list_signer_signs_nothing(house: House) -> None:
    serial = serial_hex(Certificate.read(house.lists.certificate()).serial)
    house.provider.issuance.revoke(serial, RevocationReason.superseded, by="officer")
    with pytest.raises(Refused, match="is revoked") as refused:
        house.issue()
    assert refused.value.requirement == "TRUSTWORKS:TRUSTED-LIST-SIGNER-STANDS"
