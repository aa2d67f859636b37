"""Which requests are granted, and how the others are answered."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trustworks.core.der import cms, tsp
from trustworks.core.der.algorithms import HASHES, algorithm_identifier
from trustworks.core.der.encode import NULL, tlv
from trustworks.timestamping import wire
from trustworks.timestamping.model import PkiStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.timestamping.service import TimestampingAuthority

DIGEST = hashlib.sha256(b"a document").digest()
SHA256 = algorithm_identifier(HASHES["sha256"].oid)
POLICY = "2.999.3161.7"


def raw_request(
    *,
    version: int = 1,
    algorithm: bytes = SHA256,
    digest: bytes = DIGEST,
    policy: str | None = None,
    nonce: int | None = 7,
    extensions: list[tsp.Extension] | None = None,
) -> bytes:
    imprint = tsp.MessageImprint(hash_algorithm=cms.any_element(algorithm), hashed_message=digest)
    return asn1.encode_der(
        tsp.TimeStampReq(
            version=version,
            message_imprint=imprint,
            req_policy=None if policy is None else ObjectIdentifier(policy),
            nonce=nonce,
            cert_req=True,
            extensions=extensions,
        )
    )


def failure_of(response: bytes) -> str:
    """The one failure of a refusal, which has no token and says why in a sentence."""
    answer = wire.decode_response(response)
    assert answer.status == PkiStatus.REJECTION
    assert answer.token is None
    assert len(answer.failures) == 1
    assert answer.status_text
    assert answer.status_text[0].endswith(".")
    return answer.failures[0]


@pytest.mark.req("RFC3161:2.4.2-BAD-DATA-FORMAT", "RFC3161:2.4.2-NO-TOKEN")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x30",
        b"\x30\x80\x00\x00",
        b"\x30\x84\xff\xff\xff\xff",
        b"GET / HTTP/1.1",
        raw_request() + b"\0",
        raw_request()[:-1],
        b"\x30\x81" + raw_request()[1:],
        raw_request(extensions=[]),
        tlv(0x30, b"\x02\x01\x01"),
        tlv(0x30, b"\x02\x01\x01", tlv(0x30, b"\x02\x01\x05", tlv(4, DIGEST))),
    ],
    ids=[
        "empty",
        "cut",
        "indefinite",
        "endless",
        "text",
        "more",
        "less",
        "long-form",
        "empty-extensions",
        "no-imprint",
        "no-oid",
    ],
)
def test_what_is_no_request_is_bad_data_format(authority: TimestampingAuthority, body: bytes) -> None:
    assert failure_of(authority.stamp(body)) == "badDataFormat"


@pytest.mark.req("RFC3161:2.4.2-BAD-REQUEST")
@pytest.mark.parametrize("version", [-1, 0, 2, 3, 1 << 70])
def test_another_version_is_a_bad_request(authority: TimestampingAuthority, version: int) -> None:
    assert failure_of(authority.stamp(raw_request(version=version))) == "badRequest"


@pytest.mark.req("RFC3161:2.4.2-BAD-ALG", "EN319422:5.1.3-IMPRINT-HASH")
@pytest.mark.parametrize(
    ("oid", "size", "parameters"),
    [
        ("1.3.14.3.2.26", 20, tlv(NULL)),
        ("1.2.840.113549.2.5", 16, tlv(NULL)),
        ("2.16.840.1.101.3.4.2.4", 28, b""),
        ("2.16.840.1.101.3.4.2.7", 28, b""),
        ("1.3.36.3.2.1", 20, b""),
        ("2.999.1", 32, b""),
        ("1.2.840.113549.1.1.11", 32, tlv(NULL)),
    ],
    ids=[
        "sha1",
        "md5",
        "sha224",
        "sha3-224",
        "ripemd160",
        "example",
        "a-signature",
    ],
)
def test_weak_and_unknown_hash_algorithms_are_bad_alg(
    authority: TimestampingAuthority, oid: str, size: int, parameters: bytes
) -> None:
    body = raw_request(algorithm=algorithm_identifier(oid, parameters), digest=bytes(size))
    assert failure_of(authority.stamp(body)) == "badAlg"


@pytest.mark.req("RFC3161:2.4.2-BAD-DATA-FORMAT")
@pytest.mark.parametrize(
    "algorithm",
    [algorithm_identifier(HASHES["sha256"].oid, tlv(4, b"parameters")), tlv(0x30), tlv(0x30, tlv(NULL))],
    ids=["sha256-with-parameters", "empty", "no-identifier"],
)
def test_a_hash_algorithm_that_is_written_wrongly_is_bad_data_format(
    authority: TimestampingAuthority, algorithm: bytes
) -> None:
    assert failure_of(authority.stamp(raw_request(algorithm=algorithm))) == "badDataFormat"


@pytest.mark.req("RFC3161:2.4.2-BAD-ALG", "EN319422:5.1.3-IMPRINT-HASH")
def test_an_operator_can_accept_fewer_hash_functions(
    authority_of: Callable[..., TimestampingAuthority],
) -> None:
    authority = authority_of(imprints=["sha512"])
    assert failure_of(authority.stamp(raw_request())) == "badAlg"


@pytest.mark.req("RFC3161:2.4.2-BAD-ALG")
@pytest.mark.parametrize(
    ("imprints", "told"),
    [
        (["sha512"], "use SHA-512."),
        (["sha3_256", "sha512_256"], "use SHA-512/256 or SHA3-256."),
        (
            list(HASHES),
            "use SHA-256, SHA-384, SHA-512, SHA-512/256, SHA3-256, SHA3-384 or SHA3-512.",
        ),
    ],
    ids=["one", "two", "all"],
)
def test_the_client_is_told_the_hash_functions_that_the_unit_accepts(
    authority_of: Callable[..., TimestampingAuthority], imprints: list[str], told: str
) -> None:
    body = raw_request(algorithm=algorithm_identifier("1.3.14.3.2.26"), digest=bytes(20))
    answer = wire.decode_response(authority_of(imprints=imprints).stamp(body))
    assert answer.status_text == (f"The hash algorithm is not accepted; {told}",)


@pytest.mark.req("RFC3161:2.4.2-BAD-DATA-FORMAT")
@pytest.mark.parametrize("size", [0, 1, 20, 31, 33, 64, 5000])
def test_an_imprint_of_the_wrong_length_is_bad_data_format(
    authority: TimestampingAuthority, size: int
) -> None:
    assert failure_of(authority.stamp(raw_request(digest=bytes(size)))) == "badDataFormat"


@pytest.mark.req("RFC3161:2.4.2-UNACCEPTED-POLICY", "EN319422:5.1.2-REQUEST-FIELDS")
def test_a_policy_of_somebody_else_is_unaccepted(authority: TimestampingAuthority) -> None:
    assert failure_of(authority.stamp(raw_request(policy="2.999.3161.99"))) == "unacceptedPolicy"
    assert failure_of(authority.stamp(raw_request(policy="1.3.6.1.4.1.32473.3161.1"))) == "unacceptedPolicy"


@pytest.mark.req("RFC3161:2.4.2-UNACCEPTED-EXTENSION")
@pytest.mark.parametrize("critical", [True, False])
def test_every_extension_is_unaccepted(authority: TimestampingAuthority, *, critical: bool) -> None:
    extension = tsp.Extension(oid=ObjectIdentifier("2.999.5"), critical=critical or None, value=b"\x05\x00")
    assert failure_of(authority.stamp(raw_request(extensions=[extension]))) == "unacceptedExtension"


@pytest.mark.req("RFC3161:2.4.2-IMPRINT")
@pytest.mark.parametrize("name", HASHES)
@pytest.mark.parametrize("parameters", [b"", tlv(NULL)], ids=["absent", "null"])
def test_sha2_and_sha3_imprints_are_stamped_and_echoed_to_the_octet(
    authority: TimestampingAuthority, name: str, parameters: bytes
) -> None:
    algorithm = algorithm_identifier(HASHES[name].oid, parameters)
    digest = hashlib.new(name, b"a document").digest()
    answer = wire.decode_response(authority.stamp(raw_request(algorithm=algorithm, digest=digest)))
    assert answer.status == PkiStatus.GRANTED
    assert answer.token is not None
    imprint = wire.read_token(answer.token).tst_info.message_imprint
    assert asn1.encode_der(imprint.hash_algorithm) == algorithm
    assert imprint.hashed_message == digest


@pytest.mark.req("EN319422:4.2.2-NONCE", "EN319422:5.1.2-REQUEST-FIELDS")
@pytest.mark.parametrize("nonce", [None, 0, 1, -1, 127, 128, 1 << 63, (1 << 64) - 1, -(1 << 200), 1 << 4000])
def test_nonces_of_every_kind_come_back(authority: TimestampingAuthority, nonce: int | None) -> None:
    answer = wire.decode_response(authority.stamp(raw_request(nonce=nonce)))
    assert answer.token is not None
    assert wire.read_token(answer.token).tst_info.nonce == nonce


MUTATION = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4)


@pytest.mark.req("RFC3161:2.4.2-BAD-DATA-FORMAT", "RFC3161:2.4.2-NO-TOKEN")
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_every_string_of_octets_gets_an_answer_of_the_protocol(
    authority: TimestampingAuthority, body: bytes
) -> None:
    assert failure_of(authority.stamp(body)) == "badDataFormat"


@pytest.mark.req("RFC3161:2.4.2-BAD-DATA-FORMAT")
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MUTATION, st.integers(0, 120))
def test_every_damaged_request_gets_an_answer_of_the_protocol(
    authority: TimestampingAuthority, changes: list[tuple[int, int]], cut: int
) -> None:
    extension = tsp.Extension(oid=ObjectIdentifier("2.999.5"), critical=True, value=b"\x05\x00")
    body = bytearray(raw_request(policy=POLICY, extensions=[extension] if cut % 2 else None))
    for place, value in changes:
        body[place % len(body)] = value
    response = authority.stamp(bytes(body[: len(body) - (cut if cut > 100 else 0)]))
    answer = wire.decode_response(response)
    assert (answer.status == PkiStatus.GRANTED) == (answer.token is not None)
    if answer.token is None:
        assert failure_of(response)
