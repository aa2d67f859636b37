"""Requests that wait for an officer, by CMP (pollReq, pollRep) and by EST (202)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cmp_client import common_name, new_key
from cmp_testbed import serial_of, sha256
from est_testbed import Est, certificates_in, request_of
from sqlalchemy import text

from trustworks.core.audit.bound import BoundRecords
from trustworks.core.audit.records import events
from trustworks.core.der import cmp as der
from trustworks.core.der.cmp import Body, PkiStatus
from trustworks.core.der.crmf import elements
from trustworks.core.der.encode import SEQUENCE, integer, tlv
from trustworks.core.errors import Rejected
from trustworks.issuance.enrolment.cmp import rules
from trustworks.issuance.enrolment.waiting import check_room, waits
from trustworks.issuance.records import cmp as credential_records
from trustworks.issuance.records import waiting as waiting_records

if TYPE_CHECKING:
    from cmp_client import CmpClient, Reply
    from cmp_testbed import Server

ONE = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
EE = common_name("pump 1 TEST")
IMPLICIT = (der.InfoTypeAndValue(type=der.IMPLICIT_CONFIRM, value=b"\x05\x00"),)


def poll(client: CmpClient, *ids: int) -> Reply:
    asked = tlv(SEQUENCE, *(tlv(SEQUENCE, integer(one)) for one in ids or (0,)))
    return client.send(Body.pollReq, asked)


def begun(server: Server, **changes: Any) -> tuple[CmpClient, Any]:
    client = server.client(**server.secret(ask_officer=True, **changes))
    key = new_key()
    reply = client.enrol(Body.ir, key, EE)
    assert (reply.body, reply.status.status) == (Body.ip, PkiStatus.waiting)
    assert reply.certificate is None
    return client, key


def only(server: Server) -> Any:
    (found,) = server.authority.waiting.list(all_states=True, limit=10)
    return found


def decide(server: Server, *, approve: bool = True) -> Any:
    return server.authority.waiting.decide(only(server).id, approve=approve, by="officer-1", why="seen")


def types(server: Server) -> list[str]:
    with server.provider.database.read() as connection:
        return [row.type for row in connection.execute(events.select().order_by(events.c.sequence))]


@pytest.mark.req("TRUSTWORKS:ENROLMENT-OFFICER-DECIDES", "RFC4210:5.3.22-01")
def test_a_request_waits_until_an_officer_approves_it(server: Server) -> None:
    client, _ = begun(server)
    shown = only(server)
    assert (shown.state, shown.subject, shown.profile) == ("waiting", "CN=pump 1 TEST", "device")
    reply = poll(client)
    assert reply.body is Body.pollRep
    (one,) = elements(reply.message.content)
    assert bytes(elements(one)[1].data) == b"\x3c"  # a minute
    assert server.serials() == set()
    decide(server)
    reply = poll(client)
    assert (reply.body, reply.status.status) == (Body.ip, PkiStatus.accepted)
    assert reply.certificate is not None
    assert client.confirm(sha256(reply.certificate)).body is Body.pkiconf
    assert (only(server).state, only(server).serial) == ("issued", serial_of(reply.certificate))
    told = [one for one in types(server) if one.startswith(("enrolment.request", "cmp."))]
    assert told == ["enrolment.request-waits", "enrolment.request-approved", "cmp.confirmed"]
    # Asking again brings nothing, and issues nothing.
    assert poll(client).failure == "badRequest"
    assert server.serials() == {serial_of(reply.certificate)}


@ONE
def test_the_audit_log_binds_what_was_decided_and_not_how_often_a_client_asked(server: Server) -> None:
    client, key = begun(server)
    poll(client)
    client.again()
    assert client.enrol(Body.ir, key, EE).status.status == PkiStatus.waiting
    decide(server)
    poll(client)
    assert only(server).state == "issued"

    def wrong() -> list[str]:
        with server.provider.database.read() as connection:
            checker = BoundRecords(connection, (waiting_records.requests,))
            for row in connection.execute(events.select()):
                assert checker.event(json.loads(row.body)) is None
            return [one for one in checker.rest() if "enrolment_requests" in one]

    assert wrong() == []
    with server.provider.database.begin() as connection:
        connection.execute(text("DROP TRIGGER enrolment_requests_no_second_decision"))
        connection.execute(waiting_records.requests.update().values(decided_by="somebody-else"))
    assert len(wrong()) == 1


@ONE
@pytest.mark.req("TRUSTWORKS:ENROLMENT-OFFICER-DECIDES")
def test_who_is_refused_is_told_why_and_is_not_asked_about_again(server: Server) -> None:
    client, key = begun(server)
    decide(server, approve=False)
    with pytest.raises(Rejected, match="waits for a decision"):
        decide(server)
    reply = poll(client)
    assert (reply.failure, "seen" in reply.text) == ("notAuthorized", True)
    client.again()
    assert client.enrol(Body.ir, key, EE).failure == "notAuthorized"
    assert only(server).state == "refused"
    assert server.serials() == set()
    with pytest.raises(Rejected):
        waits(only(server))


@ONE
@pytest.mark.req("RFC4210:5.3.22-01", "TRUSTWORKS:CMP-OWN-TRANSACTION", "RFC9483:3.1-04")
def test_nobody_else_asks_after_a_request_and_nothing_else_is_asked_after(server: Server) -> None:
    client, _ = begun(server)
    decide(server)
    other = server.client(**server.secret())
    other.transaction_id, other.recipient_nonce = client.transaction_id, client.recipient_nonce
    assert poll(other).failure == "badRequest"
    ours, client.recipient_nonce = client.recipient_nonce, b"x" * 16
    assert poll(client).failure == "badRecipientNonce"
    client.recipient_nonce = ours
    assert poll(client, 1).failure == "badCertId"
    assert poll(client, 0, 0).failure == "badRequest"
    assert client.send(Body.pollReq, b"\x04\x00").failure == "badDataFormat"
    assert server.serials() == set()
    with pytest.raises(Rejected):
        rules.check_polled([1], 0)
    assert poll(client).certificate is not None


@ONE
def test_the_transaction_of_a_request_that_waits_is_taken(server: Server) -> None:
    client, key = begun(server)
    assert client.enrol(Body.ir, key, EE).failure == "transactionIdInUse"
    other = server.client(**server.secret())
    other.transaction_id = client.transaction_id
    assert other.enrol(Body.ir, new_key(), EE).failure == "transactionIdInUse"


@ONE
def test_a_client_that_was_switched_off_takes_its_place_again(server: Server) -> None:
    client, key = begun(server)
    client.again()
    client.infos = IMPLICIT
    assert client.enrol(Body.ir, key, EE).status.status == PkiStatus.waiting
    decide(server)
    reply = poll(client)
    assert reply.certificate is not None
    assert reply.message.general_info == IMPLICIT
    client.again()
    again = client.enrol(Body.ir, key, EE)
    assert again.status.status == PkiStatus.waiting, again.text  # a new request


@ONE
@pytest.mark.req("TRUSTWORKS:ENROLMENT-WAITING-ROOM")
def test_no_more_requests_wait_than_certificates_are_left(server: Server) -> None:
    client, _ = begun(server, uses=1)
    client.again()
    reply = client.enrol(Body.ir, new_key(), EE)
    assert (reply.failure, "wait for an officer" in reply.text) == ("notAuthorized", True)
    assert len(server.authority.waiting.list(all_states=True, limit=10)) == 1
    with server.provider.database.read() as connection:
        credential = credential_records.credential(connection, client.reference)
    assert credential is not None
    check_room(0, credential)
    with pytest.raises(Rejected):
        check_room(1, credential)


@ONE
def test_what_would_be_refused_anyway_waits_for_nobody(server: Server) -> None:
    client = server.client(**server.secret(ask_officer=True))
    reply = client.enrol(Body.ir, new_key(), EE, proof_key=new_key())
    assert reply.failure == "badPOP"
    client.again()
    assert client.enrol(Body.ir, new_key(), common_name("another")).failure == "badCertTemplate"
    assert server.authority.waiting.list(all_states=True, limit=10) == []


@ONE
def test_a_credential_that_was_withdrawn_meanwhile_brings_nothing(server: Server) -> None:
    client, _ = begun(server)
    decide(server)
    server.credentials.withdraw(client.reference, by="officer-1")
    assert poll(client).failure == "notAuthorized"
    assert server.serials() == set()


@pytest.mark.req("TRUSTWORKS:ENROLMENT-OFFICER-DECIDES")
def test_est_says_come_again_until_the_officer_decided(server: Server) -> None:
    est, given = Est(server, **{"retry-after-seconds": 7}), server.secret(ask_officer=True, uses=2)
    key = new_key()
    csr = request_of(key, "pump 1 TEST")
    for _ in range(2):
        answer = est.enrol(csr, given)
        assert (answer.status, dict(answer.headers)["retry-after"]) == (202, "7")
    assert len(server.authority.waiting.list(all_states=False, limit=10)) == 1
    decide(server)
    (certificate,) = certificates_in(est.enrol(request_of(key, "pump 1 TEST"), given))
    assert only(server).serial == serial_of(certificate)
    server.provider.clock.advance(minutes=1)
    assert est.enrol(csr, given).status == 202  # another one, which is decided on anew
    (again,) = server.authority.waiting.list(all_states=False, limit=10)
    server.authority.waiting.decide(again.id, approve=False, by="officer-1", why="one is enough")
    refused = est.enrol(csr, given)
    assert (refused.status, b"one is enough" in refused.body) == (403, True)
    assert server.serials() == {serial_of(certificate)}
