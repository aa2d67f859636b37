"""The responder against real keys and both databases: what it must never say, then what it says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from status_provider import DAY, SHA1, request, several

from trustworks.core.der import encode
from trustworks.core.der.ocsp import BasicResponse, ResponseStatus
from trustworks.core.der.ocsp_reading import decode_response
from trustworks.core.errors import Unavailable
from trustworks.core.module import KeyAlgorithm
from trustworks.issuance.model import RevocationReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.x509 import Certificate
    from status_provider import Provider

# The databases differ for lists (test_publisher.py); here one is enough.
pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)

HASHES = (SHA1, hashes.SHA256(), hashes.SHA384(), hashes.SHA512())
HOLD_1970 = datetime(1970, 1, 1, tzinfo=UTC)


def ask(provider: Provider, certificate: Certificate, **options: Any) -> ocsp.OCSPResponse:
    """A fresh responder's answer, its signature verified by `cryptography`."""
    answer = provider.responder(**options).answer(request(certificate, provider.certificates["issuing"]))
    response = ocsp.load_der_ocsp_response(answer.der)
    if response.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL:
        verify(provider, response)
    return response


def verify(provider: Provider, response: ocsp.OCSPResponse) -> None:
    (signer,) = response.certificates
    signer.verify_directly_issued_by(provider.certificates["issuing"])
    key = signer.public_key()
    assert provider.keys["ocsp"].public_key == key
    if isinstance(key, ec.EllipticCurvePublicKey):
        digest = response.signature_hash_algorithm
        assert digest is not None
        key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(digest))
    else:  # the library does not name the digest of RSA-PSS in OCSP
        assert isinstance(key, rsa.RSAPublicKey)
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        key.verify(response.signature, response.tbs_response_bytes, pss, hashes.SHA256())


# What it must never say


@pytest.mark.req("EN319411-1:OVR-6.6.3-02")
@pytest.mark.parametrize("state", ["unrecorded", "issuing", "abandoned"])
def test_a_serial_that_was_not_issued_is_never_good(provider: Provider, state: str) -> None:
    certificate = provider.unrecorded() if state == "unrecorded" else provider.issue(state=state)
    response = ask(provider, certificate)
    assert response.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert ask(provider, certificate, never_issued="unknown").certificate_status is (
        ocsp.OCSPCertStatus.UNKNOWN
    )


@pytest.mark.req("RFC6960:2.2-01", "EN319411-1:OVR-6.6.3-02")
def test_revoked_because_never_issued_can_be_told_from_revoked(provider: Provider) -> None:
    response = ask(provider, provider.unrecorded())
    assert response.revocation_time_utc == HOLD_1970
    assert response.revocation_reason is x509.ReasonFlags.certificate_hold
    oids = [extension.oid.dotted_string for extension in response.extensions]
    assert oids == ["1.3.6.1.5.5.7.48.1.9"]
    assert not list(response.single_extensions)


@pytest.mark.req("EN319411-1:OVR-6.6.3-02")
def test_a_serial_of_the_other_authority_is_not_good(provider: Provider) -> None:
    issuing = provider.certificates["issuing"]  # issued by the root, asked about as if by itself
    like = ocsp.load_der_ocsp_request(request(provider.issue(), issuing))
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        like.issuer_name_hash, like.issuer_key_hash, issuing.serial_number, SHA1
    )
    asked = builder.build().public_bytes(serialization.Encoding.DER)
    response = ocsp.load_der_ocsp_response(provider.responder().answer(asked).der)
    assert response.certificate_status is ocsp.OCSPCertStatus.REVOKED


@pytest.mark.req("EN319411-1:REV-6.2.4-03C", "EN319411-1:CSS-6.3.10-08", "EN319411-1:CSS-6.3.10-09")
def test_a_revocation_shows_in_the_next_answer_cached_or_not(provider: Provider) -> None:
    certificate = provider.issue()
    responder = provider.responder()
    asked = request(certificate, provider.certificates["issuing"])
    first = responder.answer(asked)
    assert ocsp.load_der_ocsp_response(first.der).certificate_status is ocsp.OCSPCertStatus.GOOD
    assert responder.answer(asked) is first
    provider.revoke(certificate)
    revoked = ocsp.load_der_ocsp_response(responder.answer(asked).der)
    assert revoked.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert revoked.revocation_reason is x509.ReasonFlags.key_compromise
    assert revoked.revocation_time_utc == provider.clock.utc


def test_no_answer_outlives_the_signer_and_an_expired_signer_answers_nothing(provider: Provider) -> None:
    certificate = provider.issue()
    assert provider.signer_certificate is not None
    end = provider.signer_certificate.not_valid_after_utc
    provider.clock.utc = end - timedelta(minutes=1)
    assert ask(provider, certificate).next_update_utc == end
    provider.clock.utc = end
    responder = provider.responder()
    answer = responder.answer(request(certificate, provider.certificates["issuing"]))
    assert answer.status is ResponseStatus.tryLater
    with pytest.raises(Unavailable, match="issue a new one"):
        responder.ping()


@pytest.mark.req("TRUSTWORKS:STATUS-REVOKED-BY-NOW")
def test_a_revocation_that_a_clock_dated_ahead_is_told_as_of_now(provider: Provider) -> None:
    certificate = provider.issue()
    provider.clock.utc += 400 * DAY
    provider.revoke(certificate)
    provider.clock.utc -= 400 * DAY
    answer = provider.responder().answer(request(certificate, provider.certificates["issuing"]))
    told = ocsp.load_der_ocsp_response(answer.der)
    assert told.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert told.revocation_time_utc == told.this_update_utc == provider.clock.utc


@pytest.mark.req("TRUSTWORKS:STATUS-REVOKED-BY-NOW")
def test_an_invalidity_date_that_lies_ahead_is_left_out_until_it_comes(provider: Provider) -> None:
    certificate = provider.issue()
    lost = provider.clock.utc + timedelta(seconds=1)
    provider.revoke(certificate, invalidity_date=lost)
    dates = []
    for _ in range(2):
        single = ask(provider, certificate).single_extensions
        dates.append([one.value for one in single if isinstance(one.value, x509.InvalidityDate)])
        provider.clock.utc = lost
    assert dates[0] == []
    assert [one.invalidity_date_utc for one in dates[1]] == [lost]


@pytest.mark.req("TRUSTWORKS:STATUS-OCSP-REVOKED-STOPS")
@pytest.mark.parametrize("reason", [RevocationReason.keyCompromise, RevocationReason.certificateHold])
def test_a_revoked_signer_signs_nothing_and_repeats_nothing(
    provider: Provider, reason: RevocationReason
) -> None:
    asked = request(provider.issue(), provider.certificates["issuing"])
    fresh = request(provider.issue(), provider.certificates["issuing"], nonce=b"n" * 16)
    responder = provider.responder(reuse_seconds=3600)
    responder.ping()
    kept = responder.answer(asked)
    assert kept.status is ResponseStatus.successful
    assert provider.signer_certificate is not None
    provider.revoke(provider.signer_certificate, reason)
    provider.clock.utc += timedelta(seconds=1)
    for body in (asked, fresh):
        assert responder.answer(body).status is ResponseStatus.tryLater
    with pytest.raises(Unavailable, match=rf"is revoked \({reason.name} since .*Make a new key") as raised:
        responder.ping()
    assert raised.value.code == "ocsp.signer-revoked"


# The protocol's own failures


@pytest.mark.req("RFC6960:2.3-01")
def test_another_authority_is_unauthorized(provider: Provider) -> None:
    root = provider.certificates["root"]
    answer = provider.responder().answer(request(provider.certificates["issuing"], root))
    assert answer.status is ResponseStatus.unauthorized
    assert answer.der == bytes.fromhex("30030a0106")


@pytest.mark.req("RFC6960:2.3-01")
def test_a_clock_that_refuses_means_try_later(provider: Provider) -> None:
    certificate = provider.issue()
    responder = provider.responder()
    provider.clock.refusal = Unavailable("clock.no-lease", "no lease")
    answer = responder.answer(request(certificate, provider.certificates["issuing"]))
    assert answer.status is ResponseStatus.tryLater


def test_a_trouble_that_lasts_is_told_once_and_counted(provider: Provider) -> None:
    asked = request(provider.issue(), provider.certificates["issuing"])
    responder = provider.responder()
    with structlog.testing.capture_logs() as told:
        provider.clock.refusal = Unavailable("clock.no-lease", "no lease")
        for _ in range(5):
            responder.answer(asked)
            responder.answer(b"no request")
        provider.clock.refusal = Unavailable("clock.stopped", "a jump")
        responder.answer(asked)
        provider.clock.refusal = None
        for _ in range(2):
            assert responder.answer(asked).status is ResponseStatus.successful
    assert [(one["event"], one.get("code"), one.get("failures")) for one in told] == [
        ("ocsp.failed", "clock.no-lease", None),
        ("ocsp.failed", "clock.stopped", None),
        ("ocsp.answers-again", None, 6),
    ]


@pytest.mark.req("RFC6960:2.3-01")
def test_a_store_that_fails_means_try_later(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = provider.issue()
    responder = provider.responder()

    def fails() -> None:
        raise Unavailable("store.stopped", "the database is stopped")

    monkeypatch.setattr(provider.database, "read", fails)
    answer = responder.answer(request(certificate, provider.certificates["issuing"]))
    assert answer.status is ResponseStatus.tryLater


@pytest.mark.req("RFC6960:2.3-01")
def test_a_bug_is_an_internal_error_and_no_exception(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    responder = provider.responder()
    monkeypatch.setattr("trustworks.issuance.status.ocsp.decode_request", lambda _: 1 / 0)
    assert responder.answer(b"").status is ResponseStatus.internalError


@pytest.mark.req("RFC9654:2.1-01")
@pytest.mark.parametrize(("octets", "good"), [(0, False), (1, True), (32, True), (128, True), (129, False)])
def test_nonces_of_1_to_128_octets_are_repeated_others_are_malformed(
    provider: Provider, octets: int, *, good: bool
) -> None:
    asked = request(provider.issue(), provider.certificates["issuing"], nonce=b"n" * octets)
    answer = provider.responder().answer(asked)
    if not good:
        assert answer.status is ResponseStatus.malformedRequest
        return
    assert not answer.repeatable
    response = ocsp.load_der_ocsp_response(answer.der)
    verify(provider, response)
    assert response.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"n" * octets


@pytest.mark.req("RFC9654:2.1-02")
def test_each_nonce_gets_an_answer_of_its_own(provider: Provider) -> None:
    certificate, issuer = provider.issue(), provider.certificates["issuing"]
    responder = provider.responder()
    for nonce in (b"one", None, b"two", None):
        read = decode_response(responder.answer(request(certificate, issuer, nonce=nonce)).der)
        assert isinstance(read, BasicResponse)
        assert read.nonce == nonce


@pytest.mark.req("RFC6960:4.1.2-01")
def test_an_unknown_critical_extension_is_malformed_a_critical_nonce_is_not(provider: Provider) -> None:
    certificate, issuer = provider.issue(), provider.certificates["issuing"]
    responder = provider.responder()
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, SHA1)
    for critical, status in ((True, "malformedRequest"), (False, "successful")):
        strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0")
        asked = builder.add_extension(strange, critical=critical).build()
        answer = responder.answer(asked.public_bytes(serialization.Encoding.DER))
        assert answer.status.name == status
    assert responder.answer(request(certificate, issuer, nonce=b"n", critical=True)).status.name == (
        "successful"
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(body=st.binary(max_size=300))
def test_every_string_of_octets_gets_an_ocsp_response(provider: Provider, body: bytes) -> None:
    answer = provider.responder().answer(body)
    assert ocsp.load_der_ocsp_response(answer.der).response_status.value == answer.status.value


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(data=st.data())
def test_every_damaged_request_gets_an_ocsp_response(provider: Provider, data: st.DataObject) -> None:
    asked = bytearray(
        request(provider.certificates["issuing"], provider.certificates["issuing"], nonce=b"n" * 16)
    )
    for _ in range(data.draw(st.integers(1, 3))):
        asked[data.draw(st.integers(0, len(asked) - 1))] = data.draw(st.integers(0, 255))
    answer = provider.responder().answer(bytes(asked))
    assert answer.status is not ResponseStatus.internalError
    response = ocsp.load_der_ocsp_response(answer.der)
    if answer.status is ResponseStatus.successful:
        verify(provider, response)
        assert response.certificate_status is not ocsp.OCSPCertStatus.GOOD


# What it says


@pytest.mark.req("EN319412-2:GEN-4.4.1-7", "RFC6960:4.2.2.1-01", "RFC6960:4.2.2.3-01")
@pytest.mark.parametrize("algorithm", HASHES, ids=lambda algorithm: algorithm.name)
def test_an_issued_certificate_is_good(provider: Provider, algorithm: hashes.HashAlgorithm) -> None:
    certificate, issuer = provider.issue(), provider.certificates["issuing"]
    answer = provider.responder().answer(request(certificate, issuer, algorithm))
    response = ocsp.load_der_ocsp_response(answer.der)
    verify(provider, response)
    assert response.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert response.serial_number == certificate.serial_number
    assert response.hash_algorithm.name == algorithm.name
    assert response.this_update_utc == response.produced_at_utc == provider.clock.utc
    assert response.next_update_utc == provider.clock.utc + timedelta(hours=1)
    signer = provider.signer_certificate
    assert signer is not None
    identifier = x509.SubjectKeyIdentifier.from_public_key(signer.public_key())
    assert response.responder_key_hash == identifier.digest
    assert response.certificates == [signer]


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.P384, KeyAlgorithm.RSA_3072])
def test_signers_of_other_kinds_sign_by_their_own_scheme(
    make_provider: Callable[..., Provider], algorithm: KeyAlgorithm
) -> None:
    provider = make_provider(algorithm)
    assert ask(provider, provider.issue()).certificate_status is ocsp.OCSPCertStatus.GOOD


@pytest.mark.req("EN319412-2:GEN-4.4.1-7")
def test_a_signed_request_is_answered_like_any_other_and_its_signature_ignored(provider: Provider) -> None:
    asked = request(provider.issue(), provider.certificates["issuing"])
    tbs = asked[2:]
    worthless = encode.tlv(
        encode.SEQUENCE,
        encode.tlv(encode.SEQUENCE, encode.oid("1.2.840.10045.4.3.2")),
        encode.tlv(encode.BIT_STRING, b"\0worthless"),
    )
    answer = provider.responder().answer(encode.tlv(encode.SEQUENCE, tbs, encode.context(0, worthless)))
    assert ocsp.load_der_ocsp_response(answer.der).certificate_status is ocsp.OCSPCertStatus.GOOD


@pytest.mark.req("RFC6960:4.2.1-01")
def test_several_certificates_are_answered_in_one_response(provider: Provider) -> None:
    issuer, root = provider.certificates["issuing"], provider.certificates["root"]
    good, revoked, never = provider.issue(), provider.issue(), provider.unrecorded()
    provider.revoke(revoked, RevocationReason.superseded)
    asked = [request(c, issuer) for c in (good, revoked, never)] + [request(issuer, root)]
    read = decode_response(provider.responder().answer(several(*asked)).der)
    assert isinstance(read, BasicResponse)
    statuses = [(single.status, single.reason) for single in read.data.responses]
    assert statuses == [("good", None), ("revoked", 4), ("revoked", 6), ("unknown", None)]


@pytest.mark.req("EN319411-2:CSS-6.3.10-02", "EN319411-1:CSS-6.3.10-04", "EN319411-2:CSS-6.3.10-10")
def test_an_expired_certificate_keeps_its_status_and_the_answer_says_since_when(provider: Provider) -> None:
    expired = provider.issue(life=timedelta(days=1))
    revoked = provider.issue(life=timedelta(days=1))
    provider.revoke(revoked)
    began = provider.certificates["issuing"].not_valid_before_utc
    expected = b"\x18\x0f" + began.strftime("%Y%m%d%H%M%SZ").encode()
    for certificate, status in (
        (expired, ocsp.OCSPCertStatus.GOOD),
        (revoked, ocsp.OCSPCertStatus.REVOKED),
    ):
        response = ask(provider, certificate)
        assert response.certificate_status is status
        cutoff, _hash = response.single_extensions
        assert cutoff.oid.dotted_string == "1.3.6.1.5.5.7.48.1.6"
        assert not cutoff.critical
        assert isinstance(cutoff.value, x509.UnrecognizedExtension)
        assert cutoff.value.value == expected


@pytest.mark.req("TRUSTWORKS:STATUS-OCSP-CERT-HASH")
@pytest.mark.parametrize("wanted", [True, False])
def test_an_answer_has_the_hash_of_the_certificate_on_record(provider: Provider, *, wanted: bool) -> None:
    good, revoked, never = provider.issue(), provider.issue(), provider.unrecorded()
    provider.revoke(revoked)
    for certificate, there in ((good, wanted), (revoked, wanted), (never, False)):
        response = ask(provider, certificate, cert_hash=wanted)
        values = [one.value for one in response.single_extensions if one.oid.dotted_string == "1.3.36.8.3.13"]
        assert len(values) == there
        for value in values:
            assert isinstance(value, x509.UnrecognizedExtension)
            algorithm = bytes.fromhex("300b0609608648016503040201")
            digest = certificate.fingerprint(hashes.SHA256())
            assert value.value == encode.tlv(encode.SEQUENCE, algorithm, encode.tlv(4, digest))


def test_unspecified_reasons_are_left_out_and_invalidity_dates_told(provider: Provider) -> None:
    certificate = provider.issue()
    provider.revoke(certificate, RevocationReason.unspecified, provider.clock.utc - timedelta(days=3))
    response = ask(provider, certificate)
    assert response.revocation_reason is None
    date = response.single_extensions.get_extension_for_class(x509.InvalidityDate).value
    assert date.invalidity_date_utc == provider.clock.utc - timedelta(days=3)


def test_signed_answers_are_used_again_for_seconds_only(provider: Provider) -> None:
    asked = request(provider.issue(), provider.certificates["issuing"])
    responder = provider.responder(reuse_seconds=10)
    first = responder.answer(asked)
    provider.clock.utc += timedelta(seconds=9)
    assert responder.answer(asked) is first
    provider.clock.utc += timedelta(seconds=1)
    second = responder.answer(asked)
    assert second is not first
    assert second.produced_at == provider.clock.utc


@pytest.mark.req("TRUSTWORKS:STATUS-OCSP-BOUNDED")
def test_what_strangers_ask_for_is_not_kept(provider: Provider) -> None:
    issuer = provider.certificates["issuing"]
    asked = [request(provider.issue(), issuer) for _ in range(2)]
    responder = provider.responder()
    for one in (request(provider.unrecorded(), issuer), several(*asked), several(*asked * 10)):
        assert responder.answer(one).status is ResponseStatus.successful
    assert not responder._memory.answers
    assert responder.answer(several(*asked * 10, asked[0])).status is ResponseStatus.malformedRequest
    assert responder.answer(asked[0]) is responder.answer(asked[0])
    assert len(responder._memory.answers) == 1
