"""Certificates that are confirmed, given back, or not confirmed in time."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from cmp_client import common_name, new_key
from cmp_testbed import serial_of, sha256
from sqlalchemy import select

from trustworks.core.audit.records import events
from trustworks.core.der import cmp as der
from trustworks.core.der.algorithms import hash_identifier
from trustworks.core.der.cmp import Body, PkiStatus
from trustworks.core.der.encode import context, tlv
from trustworks.issuance.enrolment.cmp import confirmations
from trustworks.issuance.model import RevocationReason
from trustworks.issuance.records import cmp as records

if TYPE_CHECKING:
    from cmp_client import CmpClient
    from cmp_testbed import Server

EE = common_name("pump 1 TEST")
IMPLICIT = (der.InfoTypeAndValue(type=der.IMPLICIT_CONFIRM, value=b"\x05\x00"),)


def begun(server: Server) -> tuple[CmpClient, bytes]:
    client = server.client(**server.secret())
    reply = client.enrol(Body.ir, new_key(), EE)
    assert reply.certificate is not None
    return client, reply.certificate


def expire(server: Server) -> list[str]:
    provider = server.provider
    now = provider.clock.moment
    return confirmations.expire(provider.issuance, provider.database, provider.recorder, now, by="jobs")


@pytest.mark.req("RFC4210:5.3.18-02")
def test_a_certificate_is_confirmed_once_and_stays(server: Server) -> None:
    client, certificate = begun(server)
    reply = client.confirm(sha256(certificate))
    assert reply.body is Body.pkiconf
    client.recipient_nonce = der.read_message(reply.octets).header.recipient_nonce
    server.provider.clock.advance(minutes=11)
    assert expire(server) == []
    assert not server.is_revoked(certificate)


@pytest.mark.req("RFC4210:5.3.18-02")
def test_a_second_confirmation_is_refused(server: Server) -> None:
    client, certificate = begun(server)
    nonce = client.recipient_nonce
    client.confirm(sha256(certificate))
    client.recipient_nonce = nonce
    assert client.confirm(sha256(certificate)).failure == "certConfirmed"


@pytest.mark.req("RFC4210:5.3.18-01")
def test_the_hash_of_another_certificate(server: Server) -> None:
    client, certificate = begun(server)
    assert client.confirm(sha256(b"another")).failure == "badCertId"
    assert client.confirm(sha256(certificate)).body is Body.pkiconf


def test_the_id_of_another_request(server: Server) -> None:
    client, certificate = begun(server)
    assert client.confirm(sha256(certificate), cert_req_id=1).failure == "badCertId"


@pytest.mark.req("RFC4210:5.3.18-01")
def test_a_hash_function_that_the_client_names(server: Server) -> None:
    client, certificate = begun(server)
    weak = context(0, tlv(0x30, bytes.fromhex("06052b0e03021a")))
    digest = hashlib.sha1(certificate, usedforsecurity=False).digest()
    assert client.confirm(digest, algorithm=weak).failure == "badAlg"
    named = context(0, hash_identifier("sha512"))
    assert client.confirm(hashlib.sha512(certificate).digest(), algorithm=named).body is Body.pkiconf


def test_a_certificate_that_its_requester_gives_back_is_revoked(server: Server) -> None:
    client, certificate = begun(server)
    status = der.write_status(PkiStatus.rejection)
    assert client.confirm(sha256(certificate), status=status).body is Body.pkiconf
    found = server.provider.issuance.status(serial_of(certificate))
    assert found is not None
    assert found.revocation is not None
    assert found.revocation.reason is RevocationReason.cessationOfOperation


def test_none_confirmed_is_all_given_back(server: Server) -> None:
    client, certificate = begun(server)
    assert client.send(Body.certConf, tlv(0x30)).body is Body.pkiconf
    assert server.is_revoked(certificate)


def test_an_error_in_place_of_a_confirmation_gives_back_too(server: Server) -> None:
    client, certificate = begun(server)
    error = der.write_error(der.write_status(PkiStatus.rejection, "I do not trust you."))
    assert client.send(Body.error, error).body is Body.pkiconf
    assert server.is_revoked(certificate)


@pytest.mark.req("RFC4210:5.3.18-02")
def test_a_certificate_that_nobody_confirms_is_revoked(server: Server) -> None:
    client, certificate = begun(server)
    server.provider.clock.advance(minutes=9)
    assert expire(server) == []
    server.provider.clock.advance(minutes=2)
    client.time = server.provider.clock.moment
    assert client.confirm(sha256(certificate)).failure == "badRequest"
    assert expire(server) == [serial_of(certificate)]
    assert server.is_revoked(certificate)
    assert expire(server) == []


def test_a_crash_between_revocation_and_record_is_mended(server: Server) -> None:
    _, certificate = begun(server)
    reason = RevocationReason.cessationOfOperation
    server.provider.issuance.revoke(serial_of(certificate), reason, by="jobs")
    server.provider.clock.advance(minutes=11)
    assert expire(server) == [serial_of(certificate)]
    assert expire(server) == []


@pytest.mark.req("RFC9483:3.1-04")
@pytest.mark.parametrize("nonce", [None, b"0123456789abcdef"])
def test_a_confirmation_without_our_nonce(server: Server, nonce: bytes | None) -> None:
    client, certificate = begun(server)
    client.recipient_nonce = nonce
    assert client.confirm(sha256(certificate)).failure == "badRecipientNonce"


@pytest.mark.req("TRUSTWORKS:CMP-OWN-TRANSACTION")
def test_somebody_else_confirms_and_gives_back_nothing(server: Server) -> None:
    client, certificate = begun(server)
    other = server.client(
        **server.secret(), transaction_id=client.transaction_id, recipient_nonce=client.recipient_nonce
    )
    assert other.send(Body.certConf, tlv(0x30)).failure == "badRequest"
    assert not server.is_revoked(certificate)
    assert client.confirm(sha256(certificate)).body is Body.pkiconf


@pytest.mark.req("TRUSTWORKS:CMP-OWN-TRANSACTION")
def test_a_confirmation_of_nothing(server: Server) -> None:
    assert server.client(**server.secret()).confirm(sha256(b"")).failure == "badRequest"


def test_implicit_confirmation_where_it_is_granted(server: Server) -> None:
    client = server.client(**server.secret(), infos=IMPLICIT)
    reply = client.enrol(Body.ir, new_key(), EE)
    assert [one.type for one in reply.message.general_info] == [der.IMPLICIT_CONFIRM]
    server.provider.clock.advance(minutes=11)
    assert expire(server) == []


def test_implicit_confirmation_where_it_is_not(server: Server) -> None:
    object.__setattr__(server.settings, "implicit_confirm", False)
    client = server.client(**server.secret(), infos=IMPLICIT)
    reply = client.enrol(Body.ir, new_key(), EE)
    assert reply.message.general_info == ()
    server.provider.clock.advance(minutes=11)
    assert len(expire(server)) == 1


def test_each_step_is_in_the_audit_log_with_its_record(server: Server) -> None:
    client, certificate = begun(server)
    client.confirm(sha256(certificate))
    serial = serial_of(certificate)
    with server.provider.database.read() as connection:
        found = records.transaction(connection, client.transaction_id)
        told = connection.execute(select(events.c.type, events.c.body).order_by(events.c.sequence)).all()
    assert found is not None
    assert (found.state, found.serial) == ("confirmed", serial)
    assert found.credential == f"secret:{client.reference}"
    kinds = [kind for kind, body in told if serial in str(body)]
    assert kinds == ["certificate.intended", "certificate.issued", "cmp.confirmed"]
    assert not any(client.secret in str(body) for _, body in told)
