"""The contents of bodies. Source: RFC 4210, 5.3; RFC 9480; RFC 4211."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from cryptography.hazmat import asn1

from trustworks.core.der.cmp.kinds import (
    InfoTypeAndValue,
    PkiFailureInfo,
    PkiStatus,
    read_info,
    write_info,
)
from trustworks.core.der.cmp.messages import DIRECTORY_NAME
from trustworks.core.der.crmf import CertId, CertTemplate, elements
from trustworks.core.der.encode import BIT_STRING, NULL, SEQUENCE, context, integer, tlv
from trustworks.core.der.tsp import PkiStatusInfo
from trustworks.core.der.x509 import Extension
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Sequence

UTF8_STRING: Final = 0x0C


@asn1.sequence
class CertStatus:
    """What a client says about a certificate that it got (RFC 4210, 5.3.18; RFC 9480, 2.10)."""

    cert_hash: bytes
    cert_req_id: int
    status: PkiStatusInfo | None
    hash_algorithm: Annotated[list[asn1.TLV] | None, asn1.Explicit(0)]


@asn1.sequence
class RevDetails:
    """Which certificate is to be revoked, and the extensions of its entry (RFC 4210, 5.3.9)."""

    template: CertTemplate
    extensions: list[Extension] | None


@asn1.sequence
class _Poll:
    cert_req_id: int


@asn1.sequence
class _ErrorContent:
    status: PkiStatusInfo
    code: int | None
    details: list[str] | None


def read_infos(content: bytes) -> tuple[InfoTypeAndValue, ...]:
    """GenMsgContent and GenRepContent. Raises `Malformed`."""
    try:
        return tuple(read_info(one) for one in elements(content))
    except ValueError as error:
        raise Malformed("The message's body is not a general message (RFC 4210, 5.3.19).") from error


def read_confirmations(content: bytes) -> tuple[CertStatus, ...]:
    """CertConfirmContent. Raises `Malformed`."""
    try:
        return tuple(asn1.decode_der(CertStatus, asn1.encode_der(one)) for one in elements(content))
    except ValueError as error:
        raise Malformed("The message's body is not a confirmation (RFC 4210, 5.3.18).") from error


def read_revocations(content: bytes) -> tuple[RevDetails, ...]:
    """RevReqContent. Raises `Malformed`."""
    try:
        return tuple(asn1.decode_der(RevDetails, asn1.encode_der(one)) for one in elements(content))
    except ValueError as error:
        raise Malformed("The message's body is not a revocation request (RFC 4210, 5.3.9).") from error


def read_error(content: bytes) -> PkiStatusInfo:
    """The status in ErrorMsgContent. Raises `Malformed`."""
    try:
        return asn1.decode_der(_ErrorContent, content).status
    except ValueError as error:
        raise Malformed("The message's body is not an error (RFC 4210, 5.3.21).") from error


def read_cert_id(der: bytes) -> CertId:
    """A CertId, as in the control oldCertID. Raises `Malformed`."""
    try:
        return asn1.decode_der(CertId, der)
    except (ValueError, OverflowError) as error:
        raise Malformed("This does not name a certificate by issuer and serial number.") from error


def write_status(status: PkiStatus, text: str = "", failure: PkiFailureInfo | None = None) -> bytes:
    """A PKIStatusInfo; the failure is one bit of a BIT STRING without trailing zeros (X.690, 11.2.2)."""
    words = tlv(SEQUENCE, tlv(UTF8_STRING, text.encode())) if text else b""
    return tlv(SEQUENCE, integer(status.value), words, b"" if failure is None else _bit(failure.value))


def _bit(number: int) -> bytes:
    octet, place = divmod(number, 8)
    return tlv(BIT_STRING, bytes((7 - place,)), bytes(octet), bytes((0x80 >> place,)))


def write_response(cert_req_id: int, status: bytes, certificate: bytes | None) -> bytes:
    """A CertResponse, with the certificate where one was issued (RFC 4210, 5.3.4)."""
    pair = b"" if certificate is None else tlv(SEQUENCE, context(0, certificate))
    return tlv(SEQUENCE, integer(cert_req_id), status, pair)


def write_responses(responses: Sequence[bytes], ca_certificates: Sequence[bytes] = ()) -> bytes:
    """A CertRepMessage: the content of ip, cp and kup."""
    anchors = context(1, tlv(SEQUENCE, *ca_certificates)) if ca_certificates else b""
    return tlv(SEQUENCE, anchors, tlv(SEQUENCE, *responses))


def write_revoked(status: bytes, cert_id: bytes | None) -> bytes:
    """A RevRepContent on one certificate (RFC 4210, 5.3.10)."""
    named = b"" if cert_id is None else context(0, tlv(SEQUENCE, cert_id))
    return tlv(SEQUENCE, tlv(SEQUENCE, status), named)


def write_cert_id(issuer: bytes, serial: int) -> bytes:
    """A CertId; `issuer` is a Name in DER."""
    return tlv(SEQUENCE, context(DIRECTORY_NAME, issuer), integer(serial))


def read_polls(content: bytes) -> tuple[int, ...]:
    """PollReqContent: the certReqIds that are asked after (RFC 4210, 5.3.22). Raises `Malformed`."""
    try:
        found = tuple(asn1.decode_der(_Poll, asn1.encode_der(one)).cert_req_id for one in elements(content))
    except (ValueError, OverflowError) as error:
        raise Malformed("The message's body does not ask after a request (RFC 4210, 5.3.22).") from error
    return found


def write_poll(cert_req_id: int, check_after: int, text: str) -> bytes:
    """A PollRepContent on one request; `check_after` in seconds."""
    words = tlv(SEQUENCE, tlv(UTF8_STRING, text.encode()))
    return tlv(SEQUENCE, tlv(SEQUENCE, integer(cert_req_id), integer(check_after), words))


def write_error(status: bytes) -> bytes:
    """An ErrorMsgContent."""
    return tlv(SEQUENCE, status)


def write_infos(infos: Sequence[InfoTypeAndValue]) -> bytes:
    """A GenRepContent."""
    return tlv(SEQUENCE, *(write_info(one) for one in infos))


CONFIRMED: Final = tlv(NULL)
