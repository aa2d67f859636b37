"""Revocation requests: by the certificate's own key, or by what it was enrolled with."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cmp_client import common_name, new_key, revocation_request
from cmp_testbed import serial_of, sha256
from cryptography import x509

from trustworks.core.der.cmp import Body
from trustworks.core.der.encode import SEQUENCE, tlv
from trustworks.core.errors import Unavailable
from trustworks.issuance import records
from trustworks.issuance.model import RevocationReason

if TYPE_CHECKING:
    from cmp_testbed import Server

EE = common_name("pump 1 TEST")


def reason_of(server: Server, certificate: bytes) -> RevocationReason | None:
    found = server.provider.issuance.status(serial_of(certificate))
    assert found is not None
    return None if found.revocation is None else found.revocation.reason


@pytest.mark.req("RFC9483:4.2-01")
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (None, RevocationReason.unspecified),
        (1, RevocationReason.keyCompromise),
        (4, RevocationReason.superseded),
    ],
)
def test_a_certificate_is_revoked_by_its_own_key(
    server: Server, code: int | None, reason: RevocationReason
) -> None:
    signer = server.enrolled()
    reply = server.client(signed_by=signer).revoke(signer.certificate, code)
    assert (reply.body, reply.status.status) == (Body.rp, 0)
    assert reason_of(server, signer.certificate) is reason


@pytest.mark.req("RFC9483:4.2-01")
def test_a_certificate_is_revoked_by_the_secret_that_it_was_enrolled_with(server: Server) -> None:
    client = server.client(**server.secret(uses=1))
    reply = client.enrol(Body.ir, new_key(), EE)
    assert reply.certificate is not None
    client.confirm(sha256(reply.certificate))
    client.again()
    assert client.revoke(reply.certificate, 4).status.status == 0  # though no use is left
    assert reason_of(server, reply.certificate) is RevocationReason.superseded


@pytest.mark.req("RFC9483:4.2-01")
def test_nobody_revokes_the_certificate_of_another(server: Server) -> None:
    mine, other = server.enrolled(), server.enrolled("pump 2 TEST")
    assert server.client(signed_by=mine).revoke(other.certificate).failure == "notAuthorized"
    assert server.client(**server.secret()).revoke(other.certificate).failure == "notAuthorized"
    assert reason_of(server, other.certificate) is None


def test_what_was_not_issued_here_is_not_revoked(server: Server) -> None:
    signer = server.enrolled()
    own = x509.load_der_x509_certificate(signer.certificate)
    issuer = own.issuer.public_bytes()
    for content in (
        revocation_request(issuer, own.serial_number + 1),
        revocation_request(common_name("Another CA"), own.serial_number),
        revocation_request(issuer, -1),
    ):
        assert server.client(signed_by=signer).send(Body.rr, content).failure == "badCertId"
    assert reason_of(server, signer.certificate) is None


@pytest.mark.parametrize(("reason", "failure"), [(8, "badRequest"), (7, "badRequest")])
def test_a_reason_that_is_none(server: Server, reason: int, failure: str) -> None:
    signer = server.enrolled()
    assert server.client(signed_by=signer).revoke(signer.certificate, reason).failure == failure
    assert reason_of(server, signer.certificate) is None


def test_several_revocations_in_a_message(server: Server) -> None:
    signer = server.enrolled()
    assert server.client(signed_by=signer).send(Body.rr, tlv(SEQUENCE)).failure == "badRequest"


def test_the_same_request_twice_holds_a_certificate_once(server: Server) -> None:
    client = server.client(**server.secret())
    reply = client.enrol(Body.ir, new_key(), EE)
    assert reply.certificate is not None
    client.confirm(sha256(reply.certificate))
    client.again()
    assert client.revoke(reply.certificate, 6).status.status == 0
    server.provider.issuance.release(serial_of(reply.certificate), by="revocation-officer")
    assert client.post(client.sent).failure == "transactionIdInUse"
    assert reason_of(server, reply.certificate) is None


def test_a_revocation_that_was_broken_off_is_made_by_the_same_message(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = server.enrolled()
    client = server.client(signed_by=signer)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the power failed")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(records, "set_revocation", broken)
        assert client.revoke(signer.certificate, 4).failure == "systemFailure"
    assert reason_of(server, signer.certificate) is None
    assert client.post(client.sent).status.status == 0  # its id was not used up
    assert reason_of(server, signer.certificate) is RevocationReason.superseded


def test_a_revoked_certificate_is_told_as_that(server: Server) -> None:
    client = server.client(**server.secret())
    reply = client.enrol(Body.ir, new_key(), EE)
    assert reply.certificate is not None
    for failure in (None, "certRevoked"):
        client.transaction_id = os.urandom(16)
        assert client.revoke(reply.certificate, 4).failure == failure


def test_a_revocation_does_not_wait_for_trusted_time(server: Server) -> None:
    signer = server.enrolled()
    server.provider.clock.refusal = Unavailable("clock.unsynchronised", "no time")
    client = server.client(signed_by=signer, time=datetime.now(UTC))
    # The system's clock is not the test's: the certificate's own times lie around it.
    reply = client.revoke(signer.certificate, 1)
    server.provider.clock.refusal = None
    assert reply.status.status == 0, reply.text
    assert reason_of(server, signer.certificate) is RevocationReason.keyCompromise
