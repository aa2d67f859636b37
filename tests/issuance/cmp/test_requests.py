"""Requests for certificates: what is issued, and what is refused and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cmp_client import cert_request, common_name, name, new_key, spki_of
from cmp_foreign import CMC_RA, foreign
from cmp_testbed import serial_of, sha256
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from trustworks.core.der import cmp as der
from trustworks.core.der.cmp import Body
from trustworks.core.der.encode import SEQUENCE, context, oid, tlv
from trustworks.core.der.x509 import public_key_info
from trustworks.issuance.records import cmp as records

if TYPE_CHECKING:
    from cmp_client import Reply
    from cmp_testbed import Server

EE = common_name("pump 1 TEST")
ANSWERS = {Body.ir: Body.ip, Body.cr: Body.cp, Body.kur: Body.kup, Body.p10cr: Body.cp}


def refused(server: Server, reply: Reply, failure: str, words: str = "") -> None:
    """A refusal in the answer's own form, and no use counted."""
    assert reply.failure == failure, reply.text
    assert words in reply.text
    assert reply.body is Body.error or reply.certificate is None
    with server.provider.database.read() as connection:
        for one in records.list_credentials(connection, limit=10):
            if one.subject == "CN=* TEST":
                assert one.used in {0, 1}


@pytest.mark.parametrize("body", [Body.ir, Body.cr])
def test_a_request_by_a_secret_brings_a_certificate_of_the_registered_profile(
    server: Server, body: Body
) -> None:
    client = server.client(**server.secret())
    key = new_key()
    reply = client.enrol(body, key, EE)
    assert reply.body is ANSWERS[body]
    assert reply.status.status == 0
    assert reply.certificate is not None
    assert public_key_info(reply.certificate) == spki_of(key)
    found = server.provider.issuance.find(serial_of(reply.certificate))
    assert found is not None
    assert (found.profile, found.subject) == ("device", "CN=pump 1 TEST")
    assert found.requested_by == f"cmp:{client.reference}"
    assert client.confirm(sha256(reply.certificate)).body is Body.pkiconf
    assert reply.message.header.transaction_id == client.transaction_id


def test_the_root_is_given_over_the_mac_alone(server: Server) -> None:
    root = server.provider.issuance.authority("root").certificate
    reply = server.client(**server.secret()).enrol(Body.ir, new_key(), EE)
    assert root in reply.octets
    other = server.client(signed_by=server.enrolled()).enrol(Body.cr, new_key(), EE)
    assert root not in other.octets
    assert other.message.extra_certificates[0] == server.certificate


def test_a_pkcs10_is_answered_with_the_id_that_stands_for_it(server: Server) -> None:
    client = server.client(**server.secret())
    key = new_key()
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pump 1 TEST")])
    csr = x509.CertificateSigningRequestBuilder().subject_name(named).sign(key, hashes.SHA256())
    reply = client.send(Body.p10cr, csr.public_bytes(Encoding.DER))
    assert reply.certificate is not None
    assert client.confirm(sha256(reply.certificate), cert_req_id=-1).body is Body.pkiconf


@pytest.mark.req("EN319411-1:REG-6.3.1-01")
def test_a_pkcs10_signed_by_another_key(server: Server) -> None:
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pump 1 TEST")])
    csr = x509.CertificateSigningRequestBuilder().subject_name(named).sign(new_key(), hashes.SHA256())
    octets = bytearray(csr.public_bytes(Encoding.DER))
    octets[-1] ^= 1
    refused(server, server.client(**server.secret()).send(Body.p10cr, bytes(octets)), "badPOP")


# Proof of possession


@pytest.mark.req("EN319411-1:REG-6.3.1-01")
def test_a_proof_by_another_key(server: Server) -> None:
    reply = server.client(**server.secret()).enrol(Body.ir, new_key(), EE, proof_key=new_key())
    refused(server, reply, "badPOP")


@pytest.mark.req("RFC4211:4-01")
@pytest.mark.parametrize("proof", ["none", "ra-verified", "key-agreement"])
def test_a_request_without_a_signature_as_proof(server: Server, proof: str) -> None:
    refused(server, server.client(**server.secret()).enrol(Body.ir, new_key(), EE, proof=proof), "badPOP")


@pytest.mark.req("RFC4211:4-01")
def test_a_registration_authority_may_say_that_it_saw_the_proof(server: Server) -> None:
    signer = foreign(x509.ExtendedKeyUsage([CMC_RA]))
    server.credentials.register_certificate(signer.certificate, server.new(), authority=True)
    reply = server.client(signed_by=signer).enrol(Body.cr, new_key(), EE, proof="ra-verified")
    assert reply.certificate is not None


# Templates


@pytest.mark.req("RFC9483:4.1.1-01")
@pytest.mark.parametrize("times", [0, 2])
def test_a_message_asks_for_one_certificate(server: Server, times: int) -> None:
    refused(server, server.client(**server.secret()).enrol(Body.ir, new_key(), EE, times=times), "badRequest")


@pytest.mark.req("RFC9483:4.1.1-02")
@pytest.mark.parametrize(
    "changes",
    [
        {"subject": None},
        {"before": b"\x80\x01\x01"},
        {"before": b"\x81\x01\x05"},
        {"before": context(2, oid("1.2.840.10045.4.3.2"))},
        {"template": b"", "subject": None},
    ],
    ids=str,
)
def test_a_template_with_what_only_the_issuer_gives(server: Server, changes: dict[str, Any]) -> None:
    client = server.client(**server.secret())
    reply = client.send(Body.ir, cert_request(new_key(), **{"subject": EE, **changes}))
    refused(server, reply, "badCertTemplate")


@pytest.mark.req("TRUSTWORKS:ENROLMENT-EQUALS-EVIDENCE")
@pytest.mark.parametrize(
    "subject",
    [
        common_name("pump 2"),
        name((NameOID.COMMON_NAME, "pump 1 TEST"), (NameOID.ORGANIZATION_NAME, "Somebody TEST")),
        name((NameOID.COMMON_NAME, "a TEST"), (NameOID.COMMON_NAME, "b TEST")),
        name((NameOID.DOMAIN_COMPONENT, "test")),
        tlv(SEQUENCE),
    ],
    ids=["another", "more", "twice", "unknown", "empty"],
)
def test_a_name_that_was_not_registered(server: Server, subject: bytes) -> None:
    refused(server, server.client(**server.secret()).enrol(Body.ir, new_key(), subject), "badCertTemplate")
    assert not server.serials()


@pytest.mark.req("TRUSTWORKS:ENROLMENT-EQUALS-EVIDENCE")
def test_alternative_names_are_those_that_were_registered(server: Server) -> None:
    registered: dict[str, Any] = {"profile": "tls-server", "alternative_names": ("DNS:tsp.example.com",)}
    for wanted, failure in (("tsp.example.com", None), ("evil.example.com", "badCertTemplate")):
        client = server.client(**server.secret(**registered))
        value = x509.SubjectAlternativeName([x509.DNSName(wanted)]).public_bytes()
        extension = tlv(SEQUENCE, oid("2.5.29.17"), tlv(0x04, value))
        reply = client.enrol(Body.ir, new_key(), EE, extensions=extension)
        assert reply.failure == failure, reply.text


def test_a_weak_key(server: Server) -> None:
    key = ec.generate_private_key(ec.SECP192R1())
    reply = server.client(**server.secret()).enrol(Body.ir, key, EE)
    refused(server, reply, "badCertTemplate")
    assert "(TRUSTWORKS:ISSUANCE-KEY-KIND)" in reply.text


def test_a_refusal_tells_the_rule_behind_it(server: Server) -> None:
    reply = server.client(**server.secret()).enrol(Body.ir, new_key(), common_name("somebody else"))
    assert reply.text.endswith("(TRUSTWORKS:ENROLMENT-EQUALS-EVIDENCE)")
    odd = name((x509.ObjectIdentifier("2.5.4.65"), "x"), (x509.ObjectIdentifier("1.2.3.4"), "y"))
    reply = server.client(**server.secret()).enrol(Body.ir, new_key(), odd)
    assert reply.text.endswith("(TRUSTWORKS:ISSUANCE-SUBJECT-ATTRIBUTES)")


# Who may ask for what


@pytest.mark.req("RFC9483:4.1-01")
def test_a_secret_does_not_update_and_a_certificate_does_not_begin(server: Server) -> None:
    client = server.client(**server.secret())
    refused(server, client.enrol(Body.kur, new_key(), EE), "notAuthorized")
    other = server.client(signed_by=server.enrolled())
    refused(server, other.enrol(Body.ir, new_key(), EE), "notAuthorized")


def test_an_update_has_name_and_profile_of_the_old_certificate(server: Server) -> None:
    signer = server.enrolled()
    client = server.client(signed_by=signer)
    reply = client.enrol(Body.kur, new_key(), EE)
    assert reply.body is Body.kup
    assert reply.certificate is not None
    assert client.confirm(sha256(reply.certificate)).body is Body.pkiconf
    assert not server.is_revoked(signer.certificate)
    other = server.client(signed_by=signer).enrol(Body.kur, new_key(), common_name("pump 2 TEST"))
    refused(server, other, "badCertTemplate", "registered is 'pump 1 TEST'")


@pytest.mark.req("RFC9483:4.1.3-01")
def test_an_update_names_the_certificate_that_signs_it(server: Server) -> None:
    signer = server.enrolled()
    own = x509.load_der_x509_certificate(signer.certificate)
    for serial, failure in ((own.serial_number, None), (own.serial_number + 1, "badCertId")):
        named = der.write_cert_id(own.issuer.public_bytes(), serial)
        controls = tlv(SEQUENCE, tlv(SEQUENCE, oid("1.3.6.1.5.5.7.5.1.5"), named))
        reply = server.client(signed_by=signer).enrol(Body.kur, new_key(), EE, controls=controls)
        assert reply.failure == failure


@pytest.mark.req("RFC9483:4.1.3-02")
def test_an_update_is_for_a_new_key(server: Server) -> None:
    signer = server.enrolled()
    refused(server, server.client(signed_by=signer).enrol(Body.kur, signer.key, EE), "badCertTemplate")


# Replay


@pytest.mark.req("RFC4210:5.1.1-01")
def test_the_same_message_twice_brings_one_certificate(server: Server) -> None:
    client = server.client(**server.secret())
    first = client.enrol(Body.ir, new_key(), EE)
    assert first.certificate is not None
    assert client.post(client.sent).failure == "transactionIdInUse"
    other = server.client(**server.secret(), transaction_id=client.transaction_id)
    assert other.enrol(Body.ir, new_key(), EE).failure == "transactionIdInUse"
    assert server.serials() == {serial_of(first.certificate)}


@pytest.mark.req("RFC4210:5.1.1-01")
def test_another_worker_was_quicker_with_the_same_transaction(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = server.client(**server.secret())
    first = client.enrol(Body.ir, new_key(), EE)
    monkeypatch.setattr(records, "transaction", lambda *_: None)  # this worker looked before that
    assert client.post(client.sent).failure == "transactionIdInUse"
    assert first.certificate is not None
    assert server.serials() == {serial_of(first.certificate)}


def test_without_the_authority_the_service_is_unavailable_and_the_transaction_is_free(server: Server) -> None:
    client = server.client(**server.secret())
    server.provider.key.error = RuntimeError("broken")
    octets = client.message(Body.ir, cert_request(new_key(), EE))
    assert client.post(octets).failure == "systemFailure"
    server.provider.key.error = None
    assert client.post(octets).certificate is not None


def test_clients_share_no_answers(server: Server) -> None:
    one, other = (server.client(**server.secret()) for _ in range(2))
    first, second = (client.enrol(Body.ir, new_key(), EE) for client in (one, other))
    assert first.message.header.sender_nonce != second.message.header.sender_nonce
