"""Enrolment over secure transport: what is issued to whom, and what is refused and changes nothing."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from cmp_client import new_key, spki_of
from cmp_foreign import foreign
from cmp_testbed import serial_of
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from est_testbed import Est, certificates_in, request_of
from hypothesis import given as for_all
from hypothesis import strategies as st

from trustworks.core.der.crmf import elements, encoded
from trustworks.core.der.x509 import public_key_info
from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.issuance.enrolment.est import check_same_names, read_base64, read_basic
from trustworks.issuance.model import RevocationReason

if TYPE_CHECKING:
    from trustworks.core.http import RawResponse

NAME = "pump 1 TEST"


def refused(est: Est, answer: RawResponse, status: int, words: str = "") -> None:
    assert (answer.status, answer.content_type) == (status, "text/plain; charset=utf-8"), answer.body
    assert words in answer.body.decode()
    assert not est.server.serials()


def enrolled(est: Est) -> tuple[Any, bytes]:
    key = new_key()
    (found,) = certificates_in(est.enrol(request_of(key, NAME), est.server.secret()))
    return key, found


def test_the_authorities_certificates_are_for_everybody(est: Est) -> None:
    issuance = est.server.provider.issuance
    wanted = {issuance.authority(name).certificate for name in ("root", "issuing")}
    assert set(certificates_in(est.get("cacerts"))) == wanted
    assert set(certificates_in(est.get("device/cacerts"))) == wanted


def test_a_request_by_a_secret_brings_a_certificate(est: Est) -> None:
    key = new_key()
    given = est.server.secret()
    answer = est.enrol(request_of(key, NAME), given, operation="device/simpleenroll")
    (found,) = certificates_in(answer)
    assert public_key_info(found) == spki_of(key)
    assert ("content-transfer-encoding", "base64") in answer.headers
    record = est.server.provider.issuance.find(serial_of(found))
    assert record is not None
    assert record.requested_by == f"est:{given['reference']}"


def test_what_a_request_is_to_have(est: Est) -> None:
    assert est.get("csrattrs").status == 204
    answer = est.get("device/csrattrs")
    assert (answer.status, answer.content_type) == (200, "application/csrattrs")
    told = base64.b64decode(answer.body)
    assert len(elements(told)) == 3
    chosen = Est(est.server, profile="device").get("csrattrs")
    assert chosen.body == answer.body
    assert encoded(elements(told)[0]).count(bytes.fromhex("0603551d0f")) == 1


@pytest.mark.req("RFC7030:3.3-01")
@pytest.mark.parametrize("operation", ["cacerts", "csrattrs", "device/csrattrs"])
def test_nothing_is_said_without_tls(est: Est, operation: str) -> None:
    refused(est, est.get(operation, secure=False), 403, "HTTPS")


@pytest.mark.req("RFC7030:3.3-01")
def test_nothing_is_issued_without_tls(est: Est) -> None:
    refused(est, est.enrol(request_of(new_key(), NAME), est.server.secret(), secure=False), 403, "HTTPS")


@pytest.mark.req("RFC7030:3.2.3-01")
def test_who_does_not_say_who_they_are_is_asked(est: Est) -> None:
    csr, given = request_of(new_key(), NAME), est.server.secret()
    answers = [
        est.enrol(csr),
        est.enrol(csr, {**given, "secret": "wrong"}),
        est.enrol(csr, {**given, "reference": "nobody"}),
        est.enrol(csr, headers={"authorization": "Bearer abc"}),
        est.enrol(csr, headers={"authorization": "Basic abc"}),
        est.enrol(csr, headers={"authorization": "Basic YWJj"}),
    ]
    for answer in answers:
        refused(est, answer, 401)
        assert any(name == "www-authenticate" for name, _ in answer.headers)
    assert len({answer.body for answer in answers}) == 1


def test_a_registered_certificate_has_no_password(est: Est) -> None:
    signer = foreign()
    reference = est.server.credentials.register_certificate(
        signer.certificate, est.server.new(), authority=False
    )
    given = {"reference": reference, "secret": ""}
    refused(est, est.enrol(request_of(new_key(), NAME), given), 401)


def test_a_registered_certificate_enrols_over_tls(est: Est) -> None:
    signer = foreign()
    csr = request_of(new_key(), NAME)
    refused(est, est.enrol(csr, client_certificate=signer.certificate), 403, "not issued here")
    reference = est.server.credentials.register_certificate(
        signer.certificate, est.server.new(), authority=False
    )
    assert certificates_in(est.enrol(csr, client_certificate=signer.certificate))
    est.server.credentials.withdraw(reference, by="registration-officer")
    assert est.enrol(csr, client_certificate=signer.certificate).status == 403


@pytest.mark.req("RFC7030:3.2.2-01")
def test_a_secret_is_for_its_own_profile(est: Est) -> None:
    answer = est.enrol(request_of(new_key(), NAME), est.server.secret(), operation="tls-server/simpleenroll")
    refused(est, answer, 403, "profile device")


@pytest.mark.req("TRUSTWORKS:ENROLMENT-EQUALS-EVIDENCE")
def test_a_name_that_was_not_registered(est: Est) -> None:
    given = est.server.secret()
    refused(est, est.enrol(request_of(new_key(), "pump 1"), given), 400, "registered is")
    refused(est, est.enrol(request_of(new_key(), NAME, "evil.example.com"), given), 400, "not registered")


@pytest.mark.req("TRUSTWORKS:ENROLMENT-CREDENTIAL-USABLE")
def test_a_secret_is_used_as_often_as_was_said(est: Est) -> None:
    given = est.server.secret(uses=1)
    assert est.enrol(request_of(new_key(), "pump 1"), given).status == 400  # that uses up nothing
    assert certificates_in(est.enrol(request_of(new_key(), NAME), given))
    assert est.enrol(request_of(new_key(), NAME), given).status == 403
    assert len(est.server.serials()) == 1


@pytest.mark.req("TRUSTWORKS:ENROLMENT-CREDENTIAL-USABLE")
def test_a_secret_that_was_withdrawn(est: Est) -> None:
    given = est.server.secret()
    est.server.credentials.withdraw(given["reference"], by="registration-officer")
    refused(est, est.enrol(request_of(new_key(), NAME), given), 403, "withdrawn")


@pytest.mark.req("EN319411-1:REG-6.3.1-01")
def test_a_request_signed_by_another_key(est: Est) -> None:
    octets = bytearray(request_of(new_key(), NAME))
    octets[-1] ^= 1
    refused(est, est.enrol(bytes(octets), est.server.secret()), 400, "(EN319411-1:REG-6.3.1-01)")


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-KIND", "TRUSTWORKS:ISSUANCE-SUBJECT-ATTRIBUTES")
def test_a_refusal_tells_the_rule_behind_it(est: Est) -> None:
    odd = x509.Name([x509.NameAttribute(x509.ObjectIdentifier("1.2.3.4"), "x")])
    lost = new_key()
    server = est.server
    (certificate,) = certificates_in(est.enrol(request_of(lost, NAME), server.secret()))
    server.provider.issuance.revoke(serial_of(certificate), RevocationReason.keyCompromise, by="officer")
    before = server.serials()
    for csr, rule in (
        (request_of(rsa.generate_private_key(65537, 1024), NAME), "TRUSTWORKS:ISSUANCE-KEY-KIND"),  # noqa: S505 - it is to be refused
        (request_of(new_key(), odd), "TRUSTWORKS:ISSUANCE-SUBJECT-ATTRIBUTES"),
        (request_of(new_key(), "somebody else"), "TRUSTWORKS:ENROLMENT-EQUALS-EVIDENCE"),
        (request_of(lost, NAME), "TRUSTWORKS:ISSUANCE-KEY-COMPROMISED"),
    ):
        answer = est.enrol(csr, server.secret())
        assert answer.status == 400
        assert answer.body.decode().endswith(f"({rule})\n")
    assert server.serials() == before


@pytest.mark.parametrize("body", [b"", b"%%%", b"AAAA", b"-----BEGIN CERTIFICATE REQUEST-----"])
def test_a_body_that_is_no_request(est: Est, body: bytes) -> None:
    given = est.server.secret()
    pair = base64.b64encode(f"{given['reference']}:{given['secret']}".encode()).decode()
    answer = est.ask("POST", "simpleenroll", body, headers={"authorization": f"Basic {pair}"})
    refused(est, answer, 400)


def test_without_the_authority_the_client_comes_again(est: Est) -> None:
    given = est.server.secret(uses=1)
    csr = request_of(new_key(), NAME)
    est.server.provider.clock.refusal = Unavailable("clock.unsynchronised", "no time, and why not")
    answer = est.enrol(csr, given)
    assert (answer.status, dict(answer.headers).get("retry-after")) == (503, "5")
    assert b"why" not in answer.body
    est.server.provider.clock.refusal = None
    assert certificates_in(est.enrol(csr, given))


# Renewal


@pytest.mark.req("RFC7030:4.2.2-01")
@pytest.mark.parametrize("same", [True, False], ids=["same key", "new key"])
def test_a_certificate_is_renewed_by_who_shows_it(est: Est, *, same: bool) -> None:
    key, old = enrolled(est)
    csr = request_of(key if same else new_key(), NAME)
    (found,) = certificates_in(est.enrol(csr, operation="simplereenroll", client_certificate=old))
    assert found != old
    assert len(est.server.serials()) == 2


@pytest.mark.req("RFC7030:4.2.2-01")
def test_a_certificate_is_renewed_for_its_own_name(est: Est) -> None:
    _, old = enrolled(est)
    for csr in (request_of(new_key(), "pump 2 TEST"), request_of(new_key(), NAME, "a.example.com")):
        assert est.enrol(csr, operation="simplereenroll", client_certificate=old).status == 400
    assert len(est.server.serials()) == 1


@pytest.mark.req("RFC7030:4.2.2-02")
def test_a_renewal_leaves_no_name_out(est: Est) -> None:
    names = ("a.example.com", "b.example.com")
    given = est.server.secret(profile="tls-server", alternative_names=tuple(f"DNS:{one}" for one in names))
    (old,) = certificates_in(est.enrol(request_of(new_key(), NAME, *names), given))
    own = x509.load_der_x509_certificate(old).subject
    issued = est.server.provider.issuance.list(profile="tls-server")
    for fewer in ((), names[:1]):
        csr = request_of(new_key(), own, *fewer)
        assert est.enrol(csr, operation="simplereenroll", client_certificate=old).status == 400
    assert est.server.provider.issuance.list(profile="tls-server") == issued
    csr = request_of(new_key(), own, *reversed(names))
    assert certificates_in(est.enrol(csr, operation="simplereenroll", client_certificate=old))
    subject = {("commonName", NAME)}
    for asked in (set(), {"DNS:a.example.com"}):
        with pytest.raises(Refused):
            check_same_names(subject, subject, asked=asked, had={"DNS:b.example.com"})


@pytest.mark.req("RFC7030:4.2.2-01")
def test_nobody_renews_with_a_secret(est: Est) -> None:
    answer = est.enrol(request_of(new_key(), NAME), est.server.secret(), operation="simplereenroll")
    refused(est, answer, 401)


@pytest.mark.req("RFC9483:3.2-03")
def test_nobody_renews_what_is_revoked(est: Est) -> None:
    key, old = enrolled(est)
    est.server.provider.issuance.revoke(serial_of(old), RevocationReason.superseded, by="revocation-officer")
    answer = est.enrol(request_of(key, NAME), operation="simplereenroll", client_certificate=old)
    assert answer.status == 403
    assert len(est.server.serials()) == 1


def test_a_certificate_of_another_authority_renews_nothing(est: Est) -> None:
    signer = foreign()
    csr = request_of(new_key(), NAME)
    answer = est.enrol(csr, operation="simplereenroll", client_certificate=signer.certificate)
    refused(est, answer, 403)


# Paths


@pytest.mark.parametrize("operation", ["", "serverkeygen", "fullcmc", "nothing/cacerts", "device/a/cacerts"])
def test_operations_that_there_are_not(est: Est, operation: str) -> None:
    refused(est, est.get(operation), 404)
    refused(est, est.ask("POST", operation), 404)


def test_operations_take_their_media_type(est: Est) -> None:
    for kind in ("", "application/pkcs7-mime", "text/plain"):
        answer = est.ask("POST", "simpleenroll", b"x", headers={"content-type": kind})
        refused(est, answer, 415, "application/pkcs10")
        refused(est, est.ask("POST", "fullcmc", b"x", headers={"content-type": kind}), 404)


def test_operations_have_their_method(est: Est) -> None:
    for method, operation, allowed in (("GET", "simpleenroll", "POST"), ("POST", "cacerts", "GET")):
        answer = est.ask(method, operation)
        assert (answer.status, dict(answer.headers)["allow"]) == (405, allowed)


@for_all(st.binary(max_size=60))
def test_any_body_is_read_or_refused(octets: bytes) -> None:
    try:
        read_base64(octets)
    except Malformed:
        return


@for_all(st.text(max_size=40))
def test_any_authorization_is_read_or_refused(text: str) -> None:
    for given in (text, f"Basic {text}"):
        try:
            user, password = read_basic(given)
        except Rejected:
            continue
        assert base64.b64decode(given.partition(" ")[2]) == user.encode() + b":" + password
