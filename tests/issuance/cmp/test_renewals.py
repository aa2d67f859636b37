"""What was enrolled by a credential is renewed as long as that stands, and as often as was said."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cmp_client import SignedBy, common_name, new_key
from cmp_foreign import foreign
from cmp_testbed import serial_of
from est_testbed import Est, certificates_in, request_of
from issuance_testbed import START
from sqlalchemy import delete, text

from trustworks.core.der.cmp import Body
from trustworks.core.errors import Rejected
from trustworks.issuance.enrolment.holders import check_renewals, count_renewal
from trustworks.issuance.records import cmp as records
from trustworks.issuance.records import renewals

if TYPE_CHECKING:
    from cmp_testbed import Server

NAME = "pump 1 TEST"
EE = common_name(NAME)
pytestmark = pytest.mark.req("TRUSTWORKS:ENROLMENT-RENEWALS-LIMITED")


def enrolled(server: Server, given: dict[str, str], **changes: Any) -> SignedBy:
    key = new_key()
    reply = server.client(**given, **changes).enrol(Body.ir, key, EE)
    assert reply.certificate is not None, reply.text
    return SignedBy(key=key, certificate=reply.certificate)


def renewed(server: Server, old: SignedBy, body: Body = Body.kur) -> SignedBy:
    key = new_key()
    reply = server.client(signed_by=old).enrol(body, key, EE)
    assert reply.certificate is not None, reply.text
    return SignedBy(key=key, certificate=reply.certificate)


def state(server: Server, reference: str) -> renewals.Renewals:
    found = server.credentials.find(reference)
    assert found is not None
    with server.provider.database.read() as connection:
        return renewals.renewals_of(connection, found)


@pytest.mark.parametrize("body", [Body.kur, Body.cr])
def test_what_a_withdrawn_secret_brought_is_not_renewed(server: Server, body: Body) -> None:
    given = server.secret()
    latest = renewed(server, renewed(server, enrolled(server, given)), body)
    server.credentials.withdraw(given["reference"], by="registration-officer")
    before = server.serials()
    client = server.client(signed_by=latest)
    reply = client.enrol(body, new_key(), EE)
    assert reply.failure == "notAuthorized"
    assert "was withdrawn" in reply.text
    assert "new secret" in reply.text
    assert server.serials() == before
    client.again()
    assert client.revoke(latest.certificate).failure is None  # trust is given back all the same


def test_renewals_are_counted_over_all_renewals_of_renewals(server: Server) -> None:
    given = server.secret(renewals=2)
    first = enrolled(server, given)
    latest = renewed(server, renewed(server, first))
    before = server.serials()
    for one in (first, latest):
        reply = server.client(signed_by=one).enrol(Body.kur, new_key(), EE)
        assert reply.failure == "notAuthorized"
        assert "good for 2 renewals" in reply.text
    assert server.serials() == before
    assert (state(server, given["reference"]).made, state(server, given["reference"]).most) == (2, 2)


def test_renewals_end_when_it_was_said(server: Server) -> None:
    given = server.secret(renewal_days=8)
    first = enrolled(server, given)
    server.provider.clock.advance(days=7, hours=1)  # the secret is over, its certificates go on
    latest = renewed(server, first)
    server.provider.clock.advance(days=1)
    reply = server.client(signed_by=latest).enrol(Body.kur, new_key(), EE)
    assert reply.failure == "notAuthorized"
    assert "until" in reply.text


def test_a_refused_renewal_counts_for_nothing(server: Server) -> None:
    given = server.secret(renewals=1)
    first = enrolled(server, given)
    reply = server.client(signed_by=first).enrol(Body.kur, new_key(), common_name("pump 2 TEST"))
    assert reply.failure == "badCertTemplate"
    assert state(server, given["reference"]).made == 0
    renewed(server, first)


def test_what_a_registered_certificate_brought_is_not_renewed_without_it(server: Server) -> None:
    maker = foreign()
    reference = server.credentials.register_certificate(maker.certificate, server.new(), authority=False)
    first = enrolled(server, {}, signed_by=maker)
    latest = renewed(server, first)
    assert state(server, reference).made == 1
    server.credentials.withdraw(reference, by="registration-officer")
    assert server.client(signed_by=latest).enrol(Body.kur, new_key(), EE).failure == "notAuthorized"


def test_est_and_cmp_count_together(server: Server) -> None:
    est, given = Est(server), server.secret(renewals=2)
    (old,) = certificates_in(est.enrol(request_of(new_key(), NAME), given))
    key = new_key()
    (new,) = certificates_in(
        est.enrol(request_of(key, NAME), operation="simplereenroll", client_certificate=old)
    )
    latest = renewed(server, SignedBy(key=key, certificate=new))
    before = server.serials()
    for operation in ("simplereenroll", "simpleenroll"):
        answer = est.enrol(
            request_of(new_key(), NAME), operation=operation, client_certificate=latest.certificate
        )
        assert answer.status == 403
        assert b"good for 2 renewals" in answer.body
    assert server.serials() == before


def test_what_a_withdrawn_secret_brought_is_not_renewed_by_est(server: Server) -> None:
    est, given = Est(server), server.secret()
    (old,) = certificates_in(est.enrol(request_of(new_key(), NAME), given))
    server.credentials.withdraw(given["reference"], by="registration-officer")
    before = server.serials()
    answer = est.enrol(request_of(new_key(), NAME), operation="simplereenroll", client_certificate=old)
    assert (answer.status, b"was withdrawn" in answer.body) == (403, True)
    assert server.serials() == before


def test_another_worker_took_the_last_renewal(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    given = server.secret(renewals=1)
    first = enrolled(server, given)
    fresh = state(server, given["reference"])
    renewed(server, first)
    monkeypatch.setattr(renewals, "renewals_of", lambda *_: fresh)  # this worker looked before that
    before = server.serials()
    assert server.client(signed_by=first).enrol(Body.kur, new_key(), EE).failure == "notAuthorized"
    assert server.serials() == before


def test_a_credential_from_before_renewals_were_counted(server: Server) -> None:
    given = server.secret()
    first = enrolled(server, given)
    found = server.credentials.find(given["reference"])
    assert found is not None
    with server.provider.database.begin() as connection:
        on = " ON enrolment_renewals" if connection.dialect.name == "postgresql" else ""
        connection.execute(text(f"DROP TRIGGER enrolment_renewals_no_delete{on}"))
        connection.execute(delete(renewals.renewals))
    assert state(server, given["reference"]) == renewals.standard(found)
    renewed(server, first)
    assert state(server, given["reference"]).made == 1
    server.credentials.withdraw(given["reference"], by="registration-officer")
    with server.provider.database.begin() as connection, pytest.raises(Rejected):
        count_renewal(connection, found, server.provider.clock.now().utc)


def test_a_certificate_that_goes_back_to_nothing(server: Server) -> None:
    """An officer's word that it was by a protocol is no credential."""
    left = renewals.Renewals(reference="x", most=1, made=0, until=START + timedelta(days=1))
    found = records.Credential(
        reference="x", kind="secret", profile="device", subject="CN=*", alternative_names=(), uses=1, used=1,
        created_at=START, created_by="registration-officer", expires_at=START,
    )  # fmt: skip
    check_renewals(found, left, START)
    for credential, state_ in (
        (None, None),
        (replace(found, withdrawn_at=START), left),
        (found, replace(left, made=1)),
        (found, replace(left, until=START)),
    ):
        with pytest.raises(Rejected, match="registration officer"):
            check_renewals(credential, state_, START)
    assert serial_of(enrolled(server, server.secret()).certificate) in server.serials()


@pytest.mark.parametrize("changes", [{"renewals": -1}, {"renewal_days": 0}, {"renewal_days": 4000}])
def test_renewals_that_make_no_sense(server: Server, changes: dict[str, int]) -> None:
    with pytest.raises(Rejected, match="renewed"):
        server.credentials.create_secret(server.new(**changes))
