"""Messages that count for nothing: wrong in their header or protection. None changes anything."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cmp_client import PBM, CmpClient, SignedBy, common_name, new_key
from cmp_foreign import CMC_CA, foreign
from cmp_testbed import serial_of, sha256
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from issuance_testbed import START

from trustworks.core.der import cmp as der
from trustworks.core.der.cmp import Body
from trustworks.core.errors import Refused
from trustworks.issuance.enrolment.cmp.signer import check_purpose
from trustworks.issuance.enrolment.secrets import NewCredential
from trustworks.issuance.model import RevocationReason

if TYPE_CHECKING:
    from cmp_testbed import Server

EE = common_name("pump 1 TEST")


def refused(server: Server, client: CmpClient, failure: str, **changes: Any) -> None:
    before = server.serials()
    reply = client.enrol(Body.ir, new_key(), EE, **changes)
    assert (reply.failure, reply.certificate if reply.body is Body.ip else None) == (failure, None)
    assert server.serials() == before


@pytest.mark.req("RFC4210:7-01")
@pytest.mark.parametrize("version", [1, 4])
def test_a_message_of_another_version(server: Server, version: int) -> None:
    refused(server, server.client(**server.secret(), pvno=version), "unsupportedVersion")


@pytest.mark.req("RFC9483:3.1-01")
@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_message_of_another_time(server: Server, seconds: int) -> None:
    client = server.client(**server.secret())
    client.time = server.provider.clock.moment + timedelta(seconds=seconds)
    refused(server, client, "badTime")


@pytest.mark.req("RFC9483:3.1-02")
@pytest.mark.parametrize("size", [15, 65])
def test_a_transaction_without_a_fit_id(server: Server, size: int) -> None:
    refused(server, server.client(**server.secret(), transaction_id=os.urandom(size)), "badDataFormat")


@pytest.mark.req("RFC9483:3.1-03")
@pytest.mark.parametrize("size", [15, 65])
def test_a_nonce_that_can_be_guessed(server: Server, size: int) -> None:
    refused(server, server.client(**server.secret(), nonce=os.urandom(size)), "badSenderNonce")


@pytest.mark.req("RFC9483:3.2-01")
def test_a_message_without_protection(server: Server) -> None:
    client = server.client(**server.secret())
    reply = client.send(Body.ir, b"\x30\x00", protected=False)
    assert reply.failure == "badMessageCheck"


@pytest.mark.req("RFC4210:5.1.3.1-01")
def test_a_wrong_secret_and_an_unknown_reference_are_told_in_the_same_words(server: Server) -> None:
    client = server.client(**server.secret())
    right, client.secret = client.secret, "wrong"
    one = client.enrol(Body.ir, new_key(), EE)
    client.secret, client.reference = right, "nobody"
    other = client.enrol(Body.ir, new_key(), EE)
    assert one.failure == other.failure == "badMessageCheck"
    assert one.text == other.text
    assert not server.serials()


@pytest.mark.req("RFC4210:5.1.3.1-01")
def test_a_mac_over_something_else(server: Server) -> None:
    client = server.client(**server.secret())
    octets = client.message(Body.ir, b"\x30\x00")
    message = der.read_message(octets)
    assert message.protection is not None
    place = octets.rindex(message.protection)
    changed = octets[:place] + bytes((octets[place] ^ 1,)) + octets[place + 1 :]
    assert client.post(changed).failure == "badMessageCheck"


@pytest.mark.req("RFC9481:6.1-01")
@pytest.mark.parametrize(
    "changes",
    [{"iterations": 99}, {"iterations": 100_001}, {"salt": b"1234567"}, {"salt": bytes(129)}],
    ids=str,
)
def test_a_mac_with_parameters_out_of_limits(server: Server, changes: dict[str, Any]) -> None:
    client = server.client(**server.secret())
    octets = replaced(client, replace(PBM, **changes))
    reply = client.post(octets)
    assert reply.failure == "badAlg"


def replaced(client: CmpClient, mac: Any) -> bytes:
    """A message with exactly this MAC's parameters (the client would draw a salt)."""

    class Fixed:
        algorithm = mac.written()

        def protect(self, data: bytes) -> bytes:
            found: bytes = mac.compute(client.secret.encode(), data)
            return found

    header = der.write_header(
        der.Header(
            pvno=2,
            sender=der.EMPTY_NAME,
            recipient=der.EMPTY_NAME,
            message_time=client.time or pytest.fail("no time"),
            transaction_id=client.transaction_id,
            sender_nonce=client.nonce,
            recipient_nonce=None,
            protection_algorithm=Fixed.algorithm,
            sender_kid=client.reference.encode(),
        )
    )
    body = der.write_body(Body.ir, b"\x30\x00")
    return der.write_message(header, body, Fixed().protect(der.protected_part(header, body)), [])


def test_octets_that_are_no_message(server: Server) -> None:
    client = server.client(**server.secret())
    for octets in (b"", b"\x30\x00", b"GET / HTTP/1.1", client.message(Body.ir, b"\x30\x00") + b"\x00"):
        assert client.post(octets).failure == "badDataFormat"


def test_bodies_that_are_nothing_of_their_kind(server: Server) -> None:
    for body in (Body.ir, Body.cr, Body.p10cr, Body.rr, Body.genm):
        client = server.client(**server.secret())
        assert client.send(body, b"\x30\x03\x02\x01\x00").failure == "badDataFormat"


@pytest.mark.parametrize("body", [Body.pollReq, Body.krr, Body.ccr, Body.nested, Body.ip, Body.pkiconf])
def test_bodies_that_are_not_answered(server: Server, body: Body) -> None:
    assert server.client(**server.secret()).send(body, b"\x30\x00").failure == "badRequest"


# Signatures


@pytest.mark.req("RFC9483:3.2-02")
def test_a_signature_by_somebody_unknown(server: Server) -> None:
    refused(server, server.client(signed_by=foreign()), "signerNotTrusted")


@pytest.mark.req("RFC4210:5.1.3.3-01")
def test_a_signature_by_another_key(server: Server) -> None:
    signer = server.enrolled()
    refused(server, server.client(signed_by=replace(signer, key=new_key())), "badMessageCheck")


@pytest.mark.req("RFC9483:3.1-05")
def test_a_sender_who_is_not_the_signer(server: Server) -> None:
    client = server.client(signed_by=server.enrolled(), sender=common_name("another TEST"))
    refused(server, client, "badMessageCheck")


@pytest.mark.req("RFC9483:3.2-03")
@pytest.mark.parametrize("reason", [RevocationReason.superseded, RevocationReason.certificateHold])
def test_a_signature_with_a_revoked_certificate(server: Server, reason: RevocationReason) -> None:
    signer = server.enrolled()
    server.provider.issuance.revoke(serial_of(signer.certificate), reason, by="revocation-officer")
    client = server.client(signed_by=signer)
    before = server.serials()
    assert client.enrol(Body.kur, new_key(), EE).failure == "certRevoked"
    assert server.serials() == before


@pytest.mark.req("RFC9483:3.2-03")
@pytest.mark.parametrize("times", [{"until": START}, {"since": START + timedelta(days=1)}], ids=str)
def test_a_signature_with_a_certificate_that_is_not_valid_now(server: Server, times: dict[str, Any]) -> None:
    signer = foreign(**times)
    register(server, signer)
    refused(server, server.client(signed_by=signer), "signerNotTrusted")


@pytest.mark.req("TRUSTWORKS:CMP-SIGNER-VALID")
def test_nothing_is_signed_with_a_cmp_certificate_that_has_ended(server: Server) -> None:
    client = server.client(signed_by=foreign())
    assert client.enrol(Body.ir, new_key(), EE).message.protection is not None
    server.provider.clock.advance(days=400)
    client.time = server.provider.clock.moment
    answer = der.read_message(server.exchange.answer(client.message(Body.ir, b"\x30\x00")))
    assert (answer.body, answer.protection) == (Body.error, None)


@pytest.mark.req("TRUSTWORKS:CMP-SIGNER-VALID")
def test_nothing_is_signed_with_a_revoked_cmp_certificate(server: Server) -> None:
    client = server.client(signed_by=foreign())
    assert client.enrol(Body.ir, new_key(), EE).message.protection is not None
    reason = RevocationReason.superseded
    server.provider.issuance.revoke(serial_of(server.certificate), reason, by="revocation-officer")
    answer = der.read_message(server.exchange.answer(client.message(Body.ir, b"\x30\x00")))
    assert (answer.body, answer.protection) == (Body.error, None)


@pytest.mark.req("RFC9483:3.2-03")
def test_a_signature_by_a_key_that_may_not_sign(server: Server) -> None:
    usages = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    more = ("digital_signature", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    usage = x509.KeyUsage(**{name: name == "key_encipherment" for name in (*usages, *more)})
    signer = foreign(usage)
    register(server, signer)
    refused(server, server.client(signed_by=signer), "signerNotTrusted")


def register(server: Server, signer: SignedBy, *, authority: bool = False) -> str:
    new = NewCredential(profile="device", subject="CN=* TEST", uses=5)
    return server.credentials.register_certificate(signer.certificate, new, authority=authority)


def test_a_registered_certificate_enrols_and_only_as_long_as_it_is_registered(server: Server) -> None:
    signer = foreign()
    reference = register(server, signer)
    client = server.client(signed_by=signer)
    reply = client.enrol(Body.ir, new_key(), EE)
    assert reply.certificate is not None
    assert client.confirm(sha256(reply.certificate)).body is Body.pkiconf
    server.credentials.withdraw(reference, by="registration-officer")
    refused(server, server.client(signed_by=signer), "notAuthorized")


@pytest.mark.req("RFC9483:1.7-01")
@pytest.mark.parametrize("usage", [ExtendedKeyUsageOID.CLIENT_AUTH, None], ids=str)
def test_a_certificate_that_is_not_for_cmp_answers_signs_none(usage: x509.ObjectIdentifier | None) -> None:
    signer = foreign(*([] if usage is None else [x509.ExtendedKeyUsage([usage])]))
    with pytest.raises(Refused, match="id-kp-cmcCA"):
        check_purpose(x509.load_der_x509_certificate(signer.certificate))
    check_purpose(x509.load_der_x509_certificate(foreign(x509.ExtendedKeyUsage([CMC_CA])).certificate))
