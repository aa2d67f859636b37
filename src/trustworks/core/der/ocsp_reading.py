"""Reads OCSP requests and responses, strictly: whatever is not DER of the declared shape is `Malformed`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final, Literal

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.asn1 import TLV, BitString, Explicit, GeneralizedTime, Implicit, Null, Variant

from trustworks.core.der.elements import elements, enter
from trustworks.core.der.encode import ENUMERATED, SEQUENCE, tlv
from trustworks.core.der.ocsp import (
    BASIC,
    NONCE,
    BasicResponse,
    CertId,
    OcspRequest,
    ResponseData,
    ResponseStatus,
    SingleResponse,
    Status,
)
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Sequence

# The ASN.1 that is read (RFC 6960, 4.1.1 and 4.2.1). `Null | TLV | None` is how an optional ANY is declared.
# `version` and `critical` are optional instead of DEFAULT: clients exist that write the default out.


@asn1.sequence
class _AlgorithmIdentifier:
    algorithm: x509.ObjectIdentifier
    parameters: Null | TLV | None


@asn1.sequence
class _CertId:
    hash_algorithm: _AlgorithmIdentifier
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial_number: int


@asn1.sequence
class _Extension:
    oid: x509.ObjectIdentifier
    critical: bool | None
    value: bytes


@asn1.sequence
class _Request:
    cert_id: TLV
    extensions: Annotated[list[_Extension] | None, Explicit(0)]


@asn1.sequence
class _TbsRequest:
    version: Annotated[int | None, Explicit(0)]
    requestor_name: Annotated[Null | TLV | None, Explicit(1)]
    requests: list[_Request]
    extensions: Annotated[list[_Extension] | None, Explicit(2)]


@asn1.sequence
class _Signature:
    algorithm: _AlgorithmIdentifier
    signature: BitString
    certificates: Annotated[list[TLV] | None, Explicit(0)]


@asn1.sequence
class _OcspRequest:
    tbs: _TbsRequest
    signature: Annotated[_Signature | None, Explicit(0)]


@asn1.sequence
class _OctetString:
    value: bytes


def decode_request(der: bytes) -> OcspRequest:
    """Read an OCSPRequest; `Malformed` for anything else, no requests and other versions too."""
    try:
        read = asn1.decode_der(_OcspRequest, der)
        cert_ids = tuple(_cert_id(request.cert_id) for request in read.tbs.requests)
    except ValueError:
        raise Malformed("This is no OCSPRequest in DER (RFC 6960, 4.1.1).") from None
    if read.tbs.version not in {None, 0}:
        raise Malformed("The version of an OCSP request is v1 (RFC 6960, 4.1.1).")
    if not cert_ids:
        raise Malformed("An OCSP request asks about at least one certificate (RFC 6960, 4.1.1).")
    extensions = read.tbs.extensions or []
    everywhere = [*extensions, *(e for request in read.tbs.requests for e in request.extensions or [])]
    return OcspRequest(
        cert_ids=cert_ids,
        nonce=_nonce(extensions),
        critical=tuple(e.oid.dotted_string for e in everywhere if e.critical),
        signed=read.signature is not None,
    )


def _cert_id(element: TLV) -> CertId:
    der = tlv(SEQUENCE, bytes(element.data))
    if bytes(element.tag_bytes) != b"\x30":
        raise ValueError("a CertID is a SEQUENCE")
    read = asn1.decode_der(_CertId, der)
    # The answer repeats these octets, and who reads it knows no parameters of a hash function but NULL.
    if isinstance(read.hash_algorithm.parameters, TLV):
        raise ValueError("a hash function has no parameters")  # noqa: TRY004 - as for all that is no DER
    return CertId(
        der=der,
        hash_algorithm=read.hash_algorithm.algorithm.dotted_string,
        issuer_name_hash=read.issuer_name_hash,
        issuer_key_hash=read.issuer_key_hash,
        serial=read.serial_number,
    )


def _nonce(extensions: Sequence[_Extension]) -> bytes | None:
    found = [e.value for e in extensions if e.oid.dotted_string == NONCE]
    if not found:
        return None
    if len(found) > 1:
        raise Malformed("An OCSP request has at most one nonce (RFC 9654, 2.1).")
    return octet_string(found[0])


def octet_string(der: bytes) -> bytes:
    """The content of an OCTET STRING, which is how a nonce is wrapped (RFC 9654, 2.1)."""
    try:
        return asn1.decode_der(_OctetString, tlv(SEQUENCE, der)).value
    except ValueError:
        raise Malformed("The nonce is an OCTET STRING (RFC 9654, 2.1).") from None


@asn1.sequence
class _ResponseBytes:
    response_type: x509.ObjectIdentifier
    response: bytes


@asn1.sequence
class _OcspResponse:
    status: TLV
    response_bytes: Annotated[_ResponseBytes | None, Explicit(0)]


@asn1.sequence
class _RevokedInfo:
    revoked_at: GeneralizedTime
    reason: Annotated[Null | TLV | None, Explicit(0)]


@asn1.sequence
class _SingleResponse:
    cert_id: TLV
    status: (
        Annotated[Variant[Null, Literal["good"]], Implicit(0)]
        | Annotated[Variant[_RevokedInfo, Literal["revoked"]], Implicit(1)]
        | Annotated[Variant[Null, Literal["unknown"]], Implicit(2)]
    )
    this_update: GeneralizedTime
    next_update: Annotated[GeneralizedTime | None, Explicit(0)]
    extensions: Annotated[list[TLV] | None, Explicit(1)]


@asn1.sequence
class _ResponseData:
    responder_key_hash: Annotated[bytes, Explicit(2)]
    produced_at: GeneralizedTime
    responses: list[_SingleResponse]
    extensions: Annotated[list[TLV] | None, Explicit(1)]


@asn1.sequence
class _BasicResponse:
    tbs: _ResponseData
    algorithm: TLV
    signature: BitString
    certificates: Annotated[list[TLV] | None, Explicit(0)]


def decode_response(der: bytes) -> BasicResponse | ResponseStatus:
    """Read an OCSPResponse whose responder is named by key: the basic response, or why there is none."""
    try:
        outer = asn1.decode_der(_OcspResponse, der)
        status = ResponseStatus(_enumerated(outer.status))
        if outer.response_bytes is not None:
            if outer.response_bytes.response_type.dotted_string != BASIC:
                raise Malformed("The OCSP response is of another type than the basic one (RFC 6960, 4.2.1).")
            return _basic(outer.response_bytes.response)
    except ValueError:
        raise Malformed(_NO_RESPONSE) from None
    if status is ResponseStatus.successful:
        raise Malformed(_NO_RESPONSE)
    return status


_NO_RESPONSE: Final = "This is no OCSPResponse in DER (RFC 6960, 4.2.1)."


def _basic(der: bytes) -> BasicResponse:
    basic = asn1.decode_der(_BasicResponse, der)
    # What is kept as it stands is cut out of the octets: to have it of the decoder's elements takes longer.
    tbs, algorithm, _, *rest = elements(der, *enter(der, 0, SEQUENCE))
    data = _data(basic.tbs, tbs)
    named = [asn1.decode_der(_Extension, e) for e in data.extensions]
    return BasicResponse(
        tbs=tbs,
        data=data,
        nonce=_nonce(named),
        extension_oids=tuple(e.oid.dotted_string for e in named),
        algorithm=algorithm,
        signature=basic.signature.as_bytes(),
        certificates=_listed(rest, 0),
    )


def decode_response_data(der: bytes) -> ResponseData:
    """Read the octets that a responder signs; ValueError for anything else."""
    return _data(asn1.decode_der(_ResponseData, der), der)


def _data(read: _ResponseData, der: bytes) -> ResponseData:
    _, _, responses, *rest = elements(der, *enter(der, 0, SEQUENCE))
    singles = elements(responses, *enter(responses, 0, SEQUENCE))
    return ResponseData(
        responder_key_hash=read.responder_key_hash,
        produced_at=read.produced_at.as_datetime(),
        responses=tuple([_single(one, own) for one, own in zip(read.responses, singles, strict=True)]),
        extensions=_listed(rest, 1),
    )


def _listed(elements_left: Sequence[bytes], number: int) -> tuple[bytes, ...]:
    """The elements of the SEQUENCE OF under a context-specific tag; none where there is no such element."""
    tag = 0xA0 | number
    for one in elements_left:
        if one[0] == tag:
            return tuple(elements(one, *enter(one, enter(one, 0, tag)[0], SEQUENCE)))
    return ()


def _enumerated(element: Null | TLV) -> int:
    if isinstance(element, Null) or bytes(element.tag_bytes) != bytes((ENUMERATED,)):
        raise ValueError("an ENUMERATED is expected")
    (value,) = bytes(element.data)
    return value


_STATUS: Final[dict[str, Status]] = {"good": "good", "revoked": "revoked", "unknown": "unknown"}


def _single(read: _SingleResponse, der: bytes) -> SingleResponse:
    cert_id, _, _, *rest = elements(der, *enter(der, 0, SEQUENCE))
    info = read.status.value if isinstance(read.status.value, _RevokedInfo) else None
    return SingleResponse(
        cert_id=cert_id,
        status=_STATUS[read.status.tag],
        this_update=_utc(read.this_update),
        next_update=None if read.next_update is None else _utc(read.next_update),
        revoked_at=None if info is None else _utc(info.revoked_at),
        reason=None if info is None or info.reason is None else _enumerated(info.reason),
        extensions=_listed(rest, 1),
    )


def _utc(time: GeneralizedTime) -> datetime:
    return time.as_datetime().replace(tzinfo=UTC)
