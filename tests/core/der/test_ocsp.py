"""What is written equals what other decoders read, and what they write is read here; bad bytes first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import ocsp as reference
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.der import encode
from trustworks.core.der.ocsp import (
    EXTENDED_REVOKE_EXTENSION,
    BasicResponse,
    ResponseData,
    ResponseStatus,
    SingleResponse,
    Status,
    archive_cutoff_extension,
    encode_failure,
    encode_response,
    encode_response_data,
    encode_status,
    nonce_extension,
)
from trustworks.core.der.ocsp_reading import decode_request, decode_response
from trustworks.core.errors import Malformed

ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
SHA1 = bytes.fromhex("300906052b0e03021a0500")
IDENTIFYING = (hashes.SHA1(), hashes.SHA256(), hashes.SHA512())  # noqa: S303 - SHA-1 identifies the issuer
STATUSES: tuple[Status, ...] = ("good", "revoked", "unknown")
NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


def cert_id(serial: int = 5, algorithm: bytes = SHA1) -> bytes:
    return encode.tlv(
        encode.SEQUENCE,
        algorithm,
        encode.tlv(encode.OCTET_STRING, b"n" * 20),
        encode.tlv(encode.OCTET_STRING, b"k" * 20),
        encode.integer(serial),
    )


def request(
    *requests: bytes, version: bytes = b"", extensions: bytes = b"", name: bytes = b"", tail: bytes = b""
) -> bytes:
    listed = encode.tlv(encode.SEQUENCE, *(encode.tlv(encode.SEQUENCE, r) for r in requests))
    tbs = encode.tlv(encode.SEQUENCE, version, name, listed, extensions)
    return encode.tlv(encode.SEQUENCE, tbs, tail)


def with_nonce(value: bytes) -> bytes:
    return encode.context(2, encode.tlv(encode.SEQUENCE, encode.extension("1.3.6.1.5.5.7.48.1.2", value)))


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"\x30",
        b"\x30\x80\x00\x00",
        b"\xff" * 40,
        request(),
        request(cert_id()) + b"\0",
        request(cert_id(), version=encode.context(0, encode.integer(1))),
        request(encode.tlv(encode.SET, cert_id()[2:])),
        request(cert_id(algorithm=bytes.fromhex("300906052b0e03021a3100"))),  # parameters: an empty SET
        request(cert_id()[:-3] + b"\x02\x02\x00\x05"),
        request(cert_id(), extensions=with_nonce(b"not wrapped")),
        request(
            cert_id(),
            extensions=encode.context(2, encode.tlv(encode.SEQUENCE, *[nonce_extension(b"twice")] * 2)),
        ),
    ],
    ids=lambda der: der.hex()[:16] or "empty",
)
def test_what_is_no_request_is_malformed(der: bytes) -> None:
    with pytest.raises(Malformed):
        decode_request(der)


@given(st.binary(max_size=200))
def test_random_bytes_are_malformed(der: bytes) -> None:
    with pytest.raises(Malformed):
        decode_request(der)


@given(st.data())
def test_a_damaged_request_is_read_or_malformed_and_nothing_else(data: st.DataObject) -> None:
    der = bytearray(request(cert_id(2**158 + 7), cert_id(9), extensions=with_nonce(b"\x04\x02ab")))
    for _ in range(data.draw(st.integers(1, 4))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    for decode in (decode_request, decode_response):
        try:
            decode(bytes(der))
        except Malformed:
            continue


def test_a_request_may_ask_about_several_certificates() -> None:
    read = decode_request(request(cert_id(1), cert_id(2**159 - 1), cert_id(-1)))
    assert [c.serial for c in read.cert_ids] == [1, 2**159 - 1, -1]
    assert read.cert_ids[1].der == cert_id(2**159 - 1)
    assert read.cert_ids[0].hash_algorithm == "1.3.14.3.2.26"
    assert read.cert_ids[0].issuer_name_hash == b"n" * 20
    assert read.cert_ids[0].issuer_key_hash == b"k" * 20
    assert read.nonce is None
    assert not read.signed


def test_a_hash_algorithm_without_parameters_is_repeated_as_it_came() -> None:
    bare = cert_id(7, bytes.fromhex("300706052b0e03021a"))
    assert decode_request(request(bare)).cert_ids[0].der == bare


def test_a_written_out_default_version_a_name_and_a_signature_are_accepted() -> None:
    name = encode.context(1, encode.tlv(0x82, b"client.test"))
    signature = encode.context(
        0, encode.tlv(encode.SEQUENCE, ECDSA_SHA256, encode.tlv(encode.BIT_STRING, b"\0worthless"))
    )
    read = decode_request(
        request(cert_id(), version=encode.context(0, encode.integer(0)), name=name, tail=signature)
    )
    assert read.signed
    assert read.cert_ids[0].serial == 5


def test_critical_extensions_are_named() -> None:
    critical = encode.tlv(encode.SEQUENCE, encode.extension("1.2.3", b"\5\0", critical=True))
    read = decode_request(request(cert_id(), extensions=encode.context(2, critical)))
    assert read.critical == ("1.2.3",)
    single = decode_request(request(cert_id() + encode.context(0, critical)))
    assert single.critical == ("1.2.3",)


@given(st.integers(1, 2**159 - 1), st.sampled_from(IDENTIFYING))
def test_requests_of_cryptography_are_read(serial: int, algorithm: hashes.HashAlgorithm) -> None:
    size = algorithm.digest_size
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(b"n" * size, b"k" * size, serial, algorithm)
    built = builder.add_extension(x509.OCSPNonce(b"no"), critical=False).build()
    read = decode_request(built.public_bytes(serialization.Encoding.DER))
    assert read.cert_ids[0].serial == serial
    assert read.cert_ids[0].issuer_name_hash == b"n" * size
    assert read.nonce == b"no"


moments = st.datetimes(datetime(1971, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)


@st.composite
def single_responses(draw: st.DrawFn) -> SingleResponse:
    status = draw(st.sampled_from(STATUSES))
    return SingleResponse(
        cert_id=cert_id(draw(st.integers(-(2**80), 2**160))),
        status=status,
        this_update=draw(moments),
        next_update=draw(st.none() | moments),
        revoked_at=draw(moments) if status == "revoked" else None,
        reason=draw(st.sampled_from((None, 0, 1, 6, 10))) if status == "revoked" else None,
        extensions=tuple(draw(st.lists(moments.map(archive_cutoff_extension), max_size=2))),
    )


response_data = st.builds(
    ResponseData,
    responder_key_hash=st.binary(min_size=20, max_size=20),
    produced_at=moments,
    responses=st.lists(single_responses(), min_size=1, max_size=4).map(tuple),
    extensions=st.sampled_from(
        ((), (nonce_extension(b"n" * 32),), (nonce_extension(b"1"), EXTENDED_REVOKE_EXTENSION))
    ),
)


@given(response_data)
def test_what_is_written_is_read_back_equal_here_and_by_asn1crypto(data: ResponseData) -> None:
    der = encode_response(encode_response_data(data), ECDSA_SHA256, b"signature", [])
    read = decode_response(der)
    assert isinstance(read, BasicResponse)
    assert read.data == data
    assert read.tbs == encode_response_data(data)
    assert read.signature == b"signature"
    assert (read.nonce is not None) == bool(data.extensions)

    theirs = reference.OCSPResponse.load(der, strict=True).basic_ocsp_response["tbs_response_data"]
    assert theirs["produced_at"].native == data.produced_at
    assert [r["cert_status"].name for r in theirs["responses"]] == [r.status for r in data.responses]
    for ours, other in zip(data.responses, theirs["responses"], strict=True):
        assert other["cert_id"].dump() == ours.cert_id
        assert other["this_update"].native == ours.this_update
        assert other["next_update"].native == ours.next_update


def test_a_response_is_what_cryptography_writes_to_the_octet() -> None:
    key = ec.derive_private_key(11, ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "TEST")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(2**150 + 3)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    theirs = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            certificate,
            certificate,
            hashes.SHA1(),  # noqa: S303 - identifies the issuer, protects nothing
            ocsp.OCSPCertStatus.REVOKED,
            NOW,
            NOW + timedelta(hours=1),
            NOW - timedelta(days=1),
            x509.ReasonFlags.key_compromise,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, certificate)
        .certificates([certificate])
        .sign(key, hashes.SHA256())
    )
    der = theirs.public_bytes(serialization.Encoding.DER)
    read = decode_response(der)
    assert isinstance(read, BasicResponse)
    single = read.data.responses[0]
    assert (single.status, single.reason, single.revoked_at) == ("revoked", 1, NOW - timedelta(days=1))
    assert encode_response_data(read.data) == theirs.tbs_response_bytes
    assert encode_response(read.tbs, read.algorithm, read.signature, read.certificates) == der


@pytest.mark.parametrize("status", [s for s in ResponseStatus if s is not ResponseStatus.successful])
def test_failures_say_why(status: ResponseStatus) -> None:
    der = encode_failure(status)
    assert decode_response(der) is status
    theirs = ocsp.load_der_ocsp_response(der)
    assert theirs.response_status.value == status.value


def test_a_success_without_response_is_neither_written_nor_read() -> None:
    with pytest.raises(ValueError, match="response bytes"):
        encode_failure(ResponseStatus.successful)
    with pytest.raises(Malformed):
        decode_response(bytes.fromhex("30030a0100"))


def test_revoked_without_a_time_is_not_written() -> None:
    with pytest.raises(ValueError, match="time of revocation"):
        encode_status("revoked", None, None)
