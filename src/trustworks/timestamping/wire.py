"""Bytes <-> model for the time-stamp protocol, strict DER both ways.

`template.py` writes the same tokens faster; a property test holds the two together.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from trustworks.core.der import cms, tsp
from trustworks.core.der.algorithms import (
    HASHES,
    SIGNATURES,
    SIGNER_DIGESTS,
    algorithm_identifier,
    hash_identifier,
    read_hash,
)
from trustworks.core.der.encode import NULL, SEQUENCE, SET, context, tlv
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.timestamping.misread import no_token
from trustworks.timestamping.model import (
    Answer,
    Content,
    PkiFailureInfo,
    PkiStatus,
    Request,
    Signer,
    TokenView,
)

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.algorithms import HashFunction

MAX_REQUEST: Final = 16 * 1024
"""Octets of the longest request that is looked at; the usual one has 60 to 100."""

MAX_RESPONSE: Final = 256 * 1024
"""Octets of the longest answer that a client reads; one with a chain has some 5,000."""

MAX_TOKEN: Final = 4 * 1024 * 1024
"""Octets of the longest token that is read from a file: others put revocation lists into theirs."""

_MOST_BITS: Final = 63
_SIGNED: Final = "It is signed so, and converting it would break that: ask its authority for another."

# The AlgorithmIdentifiers that clients may use, by their contents: parameters absent or NULL (RFC 5754, 2).
_KNOWN: Final[dict[bytes, tuple[bytes, HashFunction]]] = {
    algorithm_identifier(function.oid, parameters)[2:]: (
        algorithm_identifier(function.oid, parameters),
        function,
    )
    for function in HASHES.values()
    for parameters in (b"", tlv(NULL))
}
_STATUSES: Final = frozenset(PkiStatus)
_FAILURES: Final = {failure.bit: failure.code for failure in PkiFailureInfo}


def decode_request(der: bytes) -> Request:
    """Read a TimeStampReq. Raises `Malformed`."""
    try:
        found = asn1.decode_der(tsp.TimeStampReq, der)
    except ValueError as error:
        raise Malformed("The request is not a TimeStampReq in DER.") from error
    imprint = found.message_imprint
    algorithm = imprint.hash_algorithm
    if algorithm.tag_bytes != b"\x30":
        raise Malformed("The hash algorithm of the message imprint is not an AlgorithmIdentifier.")
    if found.extensions is not None and not found.extensions:
        raise Malformed("The request has an empty list of extensions (RFC 5280, 4.1: at least one).")
    written, function = _KNOWN.get(bytes(algorithm.data)) or (asn1.encode_der(algorithm), None)
    return Request(
        found.version,
        written,
        function,
        imprint.hashed_message,
        None if found.req_policy is None else found.req_policy.dotted_string,
        found.nonce,
        found.cert_req,
        () if found.extensions is None else tuple(one.oid.dotted_string for one in found.extensions),
    )


def hash_of(imprint: tsp.MessageImprint) -> HashFunction | None:
    """The hash function of an imprint, with parameters absent or NULL; None when it is not a known one."""
    algorithm = imprint.hash_algorithm
    known = _KNOWN.get(bytes(algorithm.data)) if algorithm.tag_bytes == b"\x30" else None
    return None if known is None else known[1]


def encode_request(
    digest: bytes,
    hash_name: str,
    *,
    policy: str | None = None,
    nonce: int | None = None,
    cert_req: bool = True,
) -> bytes:
    """Write a TimeStampReq for a digest made with a hash function of `core.der.algorithms.HASHES`."""
    return asn1.encode_der(
        tsp.TimeStampReq(
            version=1,
            message_imprint=tsp.MessageImprint(
                hash_algorithm=cms.any_element(hash_identifier(hash_name)), hashed_message=digest
            ),
            req_policy=None if policy is None else ObjectIdentifier(policy),
            nonce=nonce,
            cert_req=cert_req,
            extensions=None,
        )
    )


def accuracy(accuracy_us: int) -> tsp.Accuracy:
    """The Accuracy of so many microseconds, at least one; parts of zero are left out."""
    seconds, rest = divmod(accuracy_us, 1_000_000)
    millis, micros = divmod(rest, 1_000)
    return tsp.Accuracy(seconds=seconds or None, millis=millis or None, micros=micros or None)


def qualified_extension() -> tsp.Extension:
    """The qcStatements extension of a qualified token, not critical (EN 319 422, 9.1 and annex B)."""
    return tsp.Extension(
        oid=ObjectIdentifier(tsp.QC_STATEMENTS),
        critical=None,
        value=tsp.qc_statements(tsp.ESI4_QTST_STATEMENT_1),
    )


def encode_tst_info(content: Content) -> bytes:
    """Write a TSTInfo."""
    return asn1.encode_der(
        tsp.TstInfo(
            version=1,
            policy=ObjectIdentifier(content.policy),
            message_imprint=tsp.MessageImprint(
                hash_algorithm=cms.any_element(content.hash_algorithm), hashed_message=content.digest
            ),
            serial_number=content.serial,
            gen_time=asn1.GeneralizedTime(content.gen_time),
            accuracy=accuracy(content.accuracy_us),
            ordering=None,
            nonce=content.nonce,
            tsa=None,
            extensions=[qualified_extension()] if content.qualified else None,
        )
    )


def decode_tst_info(der: bytes) -> tsp.TstInfo:
    """Read a TSTInfo; genTime is cut to the microsecond. Raises `Malformed`."""
    try:
        found = tsp.read_tst_info(der)
    except ValueError as error:
        raise Malformed(
            f"The token's content is not a TSTInfo in DER, as it must be (RFC 3161, 2.4.2). {_SIGNED}"
        ) from error
    accuracy = found.accuracy
    if accuracy is not None:
        parts = (accuracy.seconds, accuracy.millis, accuracy.micros)
        if any(part is not None and part.bit_length() >= _MOST_BITS for part in parts):
            raise Malformed(f"A part of the token's accuracy has {_MOST_BITS} bits or more: no time is that.")
    return found


def encode_attributes(tst_info: bytes, signer: Signer) -> bytes:
    """Write the signed attributes as the SET OF that the signature is over."""
    digest = hashlib.new(SIGNER_DIGESTS[signer.scheme], tst_info).digest()
    values = (
        (cms.CONTENT_TYPE, asn1.encode_der(ObjectIdentifier(tsp.TST_INFO))),
        (cms.MESSAGE_DIGEST, asn1.encode_der(digest)),
        (cms.SIGNING_CERTIFICATE_V2, signing_certificate(signer)),
    )
    attributes = [
        asn1.encode_der(
            cms.Attribute(type=ObjectIdentifier(dotted), values=asn1.SetOf([cms.any_element(value)]))
        )
        for dotted, value in values
    ]
    return tlv(SET, *sorted(attributes))


@lru_cache(maxsize=64)
def signing_certificate(signer: Signer) -> bytes:
    """Write the value of the SigningCertificateV2 attribute, by SHA-256, which is the default and left out.

    Source: RFC 5816, 2.2.1; RFC 5035, 3 and 4.
    """
    directory_name = cms.any_element(context(4, signer.issuer))
    return asn1.encode_der(
        cms.SigningCertificateV2(
            certs=[
                cms.EssCertIdV2(
                    hash_algorithm=None,
                    cert_hash=hashlib.sha256(signer.certificate).digest(),
                    issuer_serial=cms.IssuerSerial(issuer=[directory_name], serial_number=signer.serial),
                )
            ],
            policies=None,
        )
    )


def encode_token(
    tst_info: bytes, attributes: bytes, signature: bytes, signer: Signer, *, certificates: bool
) -> bytes:
    """Write the ContentInfo of a token; `attributes` are those of `encode_attributes`."""
    digest_algorithm = cms.any_element(hash_identifier(SIGNER_DIGESTS[signer.scheme]))
    sent = sorted((signer.certificate, *signer.chain)) if certificates else None
    signer_info = cms.SignerInfo(
        version=1,
        sid=cms.IssuerAndSerialNumber(issuer=cms.any_element(signer.issuer), serial_number=signer.serial),
        digest_algorithm=digest_algorithm,
        signed_attributes=cms.any_element(b"\xa0" + attributes[1:]),
        signature_algorithm=cms.any_element(SIGNATURES[signer.scheme]),
        signature=signature,
        unsigned_attributes=None,
    )
    return asn1.encode_der(
        cms.SignedDataInfo(
            content_type=ObjectIdentifier(cms.SIGNED_DATA),
            content=cms.SignedData(
                version=3,
                digest_algorithms=asn1.SetOf([digest_algorithm]),
                encapsulated=cms.EncapsulatedContent(
                    content_type=ObjectIdentifier(tsp.TST_INFO), content=tst_info
                ),
                certificates=None if sent is None else [cms.any_element(der) for der in sent],
                crls=None,
                signer_infos=asn1.SetOf([signer_info]),
            ),
        )
    )


def decode_token(der: bytes) -> cms.SignedDataInfo:
    """Read the ContentInfo of a token. Raises `Malformed`, also for more than `MAX_TOKEN` octets."""
    if len(der) > MAX_TOKEN:
        raise Malformed(
            f"The time-stamp has more than {MAX_TOKEN} octets. Give one time-stamp, not the data."
        )
    try:
        return asn1.decode_der(cms.SignedDataInfo, der)
    except ValueError as error:
        raise Malformed(no_token(der)) from error


@lru_cache(maxsize=64)
def _digest_algorithm(der: bytes) -> HashFunction | None:
    try:
        return read_hash(der)
    except (Malformed, Rejected):
        return None


def read_token(der: bytes) -> TokenView:
    """Read a token with its signer, signed attributes and TSTInfo.

    Raises `Malformed`. Whether its algorithms are accepted is for who verifies it.
    """
    info = decode_token(der)
    signers = info.content.signer_infos.as_list()
    if not signers:
        raise Malformed("The token has no signer.")
    signer = signers[0]
    try:
        attributes = cms.attributes_of(signer)
    except ValueError as error:
        raise Malformed(
            "The token's signed attributes are not in DER, as they must be even where the rest is not "
            f"(RFC 5652, 5.3). {_SIGNED}"
        ) from error
    content = info.content.encapsulated.content
    return TokenView(
        der,
        info,
        len(signers),
        signer,
        tuple(
            (one.type.dotted_string, tuple(asn1.encode_der(value) for value in one.values.as_list()))
            for one in attributes
        ),
        _digest_algorithm(asn1.encode_der(signer.digest_algorithm)),
        content,
        decode_tst_info(content),
    )


_GRANTED: Final = asn1.encode_der(
    tsp.PkiStatusInfo(status=PkiStatus.GRANTED.value, status_string=None, fail_info=None)
)


def encode_granted(token: bytes) -> bytes:
    """Write the TimeStampResp that carries a token."""
    return tlv(SEQUENCE, _GRANTED, token)


@implements("RFC3161:2.4.2-NO-TOKEN", disabled=lambda *_: tlv(SEQUENCE, tlv(SEQUENCE, b"\x02\x01\x02")))
def encode_failure(failure: PkiFailureInfo, text: str) -> bytes:
    """Write the TimeStampResp of a refusal; it never carries a token (RFC 3161, 2.4.2)."""
    bits = bytearray(failure.bit // 8 + 1)
    bits[-1] = 0x80 >> failure.bit % 8
    return asn1.encode_der(
        tsp.TimeStampResp(
            status=tsp.PkiStatusInfo(
                status=PkiStatus.REJECTION.value,
                status_string=[text],
                fail_info=asn1.BitString(bytes(bits), 7 - failure.bit % 8),
            ),
            time_stamp_token=None,
        )
    )


def decode_response(der: bytes) -> Answer:
    """Read a TimeStampResp. Raises `Malformed`."""
    try:
        found = asn1.decode_der(tsp.TimeStampResp, der)
    except ValueError as error:
        raise Malformed("The answer is not a TimeStampResp in DER.") from error
    status, token = found.status, found.time_stamp_token
    if status.status not in _STATUSES:
        raise Malformed("The answer has a status that RFC 3161 does not know; ask another authority.")
    return Answer(
        status=status.status,
        status_text=tuple(status.status_string or ()),
        failures=() if status.fail_info is None else _failures(status.fail_info),
        token=None if token is None else asn1.encode_der(token),
    )


def is_response(der: bytes) -> bool:
    """Whether this is a TimeStampResp rather than a bare token."""
    try:
        asn1.decode_der(tsp.TimeStampResp, der)
    except ValueError:
        return False
    return True


def _failures(found: asn1.BitString) -> tuple[str, ...]:
    octets = found.as_bytes()
    numbers = [n for n in range(len(octets) * 8) if octets[n // 8] & (0x80 >> n % 8)]
    return tuple(_FAILURES.get(number, f"bit {number}") for number in numbers)


def cut(moment: datetime, resolution_us: int) -> datetime:
    """The moment at its resolution, cut to the step below."""
    return moment.replace(microsecond=moment.microsecond - moment.microsecond % resolution_us)
