"""The certificate management protocol as typed data, strict DER. Source: RFC 4210, 5; RFC 9480; RFC 4211.

Read are requests (and, for the check of our own output, answers); written are answers. What a protection
covers is kept as it came (`PkiMessage.protected`). No behaviour is here: see `issuance.enrolment.cmp`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from trustworks.core.der.crmf import CertId, CertTemplate, elements, joined
from trustworks.core.der.encode import BIT_STRING, NULL, OCTET_STRING, SEQUENCE, context, integer, oid, tlv
from trustworks.core.der.encode import generalized_time as write_time
from trustworks.core.der.tsp import PkiStatusInfo
from trustworks.core.der.x509 import Extension
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

UTF8_STRING: Final = 0x0C
DIRECTORY_NAME: Final = 4  # the tag of a name among GeneralNames
EMPTY_NAME: Final = context(DIRECTORY_NAME, tlv(SEQUENCE))

IMPLICIT_CONFIRM: Final = "1.3.6.1.5.5.7.4.13"
CONFIRM_WAIT_TIME: Final = "1.3.6.1.5.5.7.4.14"
CA_CERTS: Final = "1.3.6.1.5.5.7.4.17"
ROOT_CA_KEY_UPDATE: Final = "1.3.6.1.5.5.7.4.18"
CERT_REQ_TEMPLATE: Final = "1.3.6.1.5.5.7.4.19"
ROOT_CA_CERT: Final = "1.3.6.1.5.5.7.4.20"
CRL_STATUS_LIST: Final = "1.3.6.1.5.5.7.4.22"
CRLS: Final = "1.3.6.1.5.5.7.4.23"


class Body(enum.IntEnum):
    """The kinds of bodies, by their tags (RFC 4210, 5.1.2)."""

    ir = 0
    ip = 1
    cr = 2
    cp = 3
    p10cr = 4
    popdecc = 5
    popdecr = 6
    kur = 7
    kup = 8
    krr = 9
    krp = 10
    rr = 11
    rp = 12
    ccr = 13
    ccp = 14
    ckuann = 15
    cann = 16
    rann = 17
    crlann = 18
    pkiconf = 19
    nested = 20
    genm = 21
    genp = 22
    error = 23
    certConf = 24  # noqa: N815 - the names are the standard's
    pollReq = 25  # noqa: N815
    pollRep = 26  # noqa: N815


class PkiStatus(enum.IntEnum):
    """PKIStatus (RFC 4210, 5.2.3); those that are answered or read here."""

    accepted = 0
    grantedWithMods = 1  # noqa: N815 - the names are the standard's
    rejection = 2


class PkiFailureInfo(enum.IntEnum):
    """PKIFailureInfo: the numbers of the bits (RFC 4210, 5.2.3)."""

    badAlg = 0  # noqa: N815 - the names are the standard's
    badMessageCheck = 1  # noqa: N815
    badRequest = 2  # noqa: N815
    badTime = 3  # noqa: N815
    badCertId = 4  # noqa: N815
    badDataFormat = 5  # noqa: N815
    wrongAuthority = 6  # noqa: N815
    incorrectData = 7  # noqa: N815
    missingTimeStamp = 8  # noqa: N815
    badPOP = 9  # noqa: N815
    certRevoked = 10  # noqa: N815
    certConfirmed = 11  # noqa: N815
    wrongIntegrity = 12  # noqa: N815
    badRecipientNonce = 13  # noqa: N815
    timeNotAvailable = 14  # noqa: N815
    unacceptedPolicy = 15  # noqa: N815
    unacceptedExtension = 16  # noqa: N815
    addInfoNotAvailable = 17  # noqa: N815
    badSenderNonce = 18  # noqa: N815
    badCertTemplate = 19  # noqa: N815
    signerNotTrusted = 20  # noqa: N815
    transactionIdInUse = 21  # noqa: N815
    unsupportedVersion = 22  # noqa: N815
    notAuthorized = 23  # noqa: N815
    systemUnavail = 24  # noqa: N815
    systemFailure = 25  # noqa: N815
    duplicateCertReq = 26  # noqa: N815


@asn1.sequence
class PkiHeader:
    """PKIHeader (RFC 4210, 5.1.1). Lists are the elements of a SEQUENCE that is read by who needs it."""

    pvno: int
    sender: asn1.TLV
    recipient: asn1.TLV
    message_time: Annotated[asn1.GeneralizedTime | None, asn1.Explicit(0)]
    protection_algorithm: Annotated[list[asn1.TLV] | None, asn1.Explicit(1)]
    sender_kid: Annotated[bytes | None, asn1.Explicit(2)]
    recipient_kid: Annotated[bytes | None, asn1.Explicit(3)]
    transaction_id: Annotated[bytes | None, asn1.Explicit(4)]
    sender_nonce: Annotated[bytes | None, asn1.Explicit(5)]
    recipient_nonce: Annotated[bytes | None, asn1.Explicit(6)]
    free_text: Annotated[list[str] | None, asn1.Explicit(7)]
    general_info: Annotated[list[asn1.TLV] | None, asn1.Explicit(8)]


@asn1.sequence
class _Message:
    header: asn1.TLV
    body: asn1.TLV
    protection: Annotated[asn1.BitString | None, asn1.Explicit(0)]
    extra_certificates: Annotated[list[asn1.TLV] | None, asn1.Explicit(1)]


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
class _ErrorContent:
    status: PkiStatusInfo
    code: int | None
    details: list[str] | None


@asn1.sequence
class PbmParameter:
    """The parameters of a password-based MAC (RFC 4211, 4.4). Algorithms are AlgorithmIdentifiers."""

    salt: bytes
    owf: asn1.TLV
    iterations: int
    mac: asn1.TLV


@asn1.sequence
class Pbkdf2Parameters:
    """The parameters of PBKDF2 (RFC 8018, A.2) with a salt that is given; without `prf` it is HMAC-SHA1."""

    salt: bytes
    iterations: int
    key_length: int | None
    prf: list[asn1.TLV] | None


@asn1.sequence
class _Pbmac1:
    key_derivation: asn1.TLV
    mac: asn1.TLV


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoTypeAndValue:
    """A piece of information; `value` is its DER, or empty where there is none (RFC 4210, 5.3.19)."""

    type: str
    value: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class PkiMessage:
    """A message. `content` is the DER inside the body's tag, `protected` what the protection is over."""

    header: PkiHeader
    body: Body
    content: bytes
    protected: bytes
    protection: bytes | None
    extra_certificates: tuple[bytes, ...]
    general_info: tuple[InfoTypeAndValue, ...]
    protection_algorithm: bytes | None


# What is read


def read_message(der: bytes) -> PkiMessage:
    """A PKIMessage. Raises `Malformed`."""
    try:
        outer = asn1.decode_der(_Message, der)
        header = asn1.decode_der(PkiHeader, asn1.encode_der(outer.header))
        body = _body(outer.body)
        infos = tuple(_info(one) for one in header.general_info or ())
        algorithm = header.protection_algorithm
        return PkiMessage(
            header=header,
            body=body,
            content=bytes(outer.body.data),
            protected=joined([outer.header, outer.body]),
            protection=None if outer.protection is None else _bits(outer.protection),
            extra_certificates=tuple(asn1.encode_der(one) for one in outer.extra_certificates or ()),
            general_info=infos,
            protection_algorithm=None if algorithm is None else joined(algorithm),
        )
    except (ValueError, OverflowError) as error:
        raise Malformed("This is not a message of the certificate management protocol in DER.") from error


def _body(element: asn1.TLV) -> Body:
    if len(element.tag_bytes) != 1 or element.tag_bytes[0] & 0xE0 != 0xA0:
        raise ValueError("a body has a context-specific tag")
    return Body(element.tag_bytes[0] & 0x1F)


def _bits(bits: asn1.BitString) -> bytes:
    if bits.padding_bits():
        raise ValueError("a protection has whole octets")
    return bytes(bits.as_bytes())


def _info(element: asn1.TLV) -> InfoTypeAndValue:
    items = elements(element)
    if not 1 <= len(items) <= 2:
        raise ValueError("a piece of information has a type, and a value or none")
    dotted = asn1.decode_der(ObjectIdentifier, asn1.encode_der(items[0])).dotted_string
    return InfoTypeAndValue(type=dotted, value=asn1.encode_der(items[1]) if items[1:] else b"")


def read_infos(content: bytes) -> tuple[InfoTypeAndValue, ...]:
    """GenMsgContent and GenRepContent. Raises `Malformed`."""
    try:
        return tuple(_info(one) for one in elements(content))
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


def read_pbm(der: bytes) -> PbmParameter:
    """The parameters of a password-based MAC. Raises `Malformed`."""
    try:
        return asn1.decode_der(PbmParameter, der)
    except (ValueError, OverflowError) as error:
        raise Malformed("The parameters of the password-based MAC cannot be read.") from error


def read_pbmac1(der: bytes) -> tuple[bytes, bytes]:
    """Of PBMAC1-params the two AlgorithmIdentifiers: key derivation and MAC. Raises `Malformed`."""
    try:
        found = asn1.decode_der(_Pbmac1, der)
        return asn1.encode_der(found.key_derivation), asn1.encode_der(found.mac)
    except ValueError as error:
        raise Malformed("The parameters of PBMAC1 cannot be read.") from error


def read_pbkdf2(der: bytes) -> Pbkdf2Parameters:
    """The parameters of PBKDF2. Raises `Malformed`."""
    try:
        return asn1.decode_der(Pbkdf2Parameters, der)
    except (ValueError, OverflowError) as error:
        raise Malformed("The parameters of PBKDF2 cannot be read.") from error


def read_identifier(der: bytes) -> tuple[str, bytes]:
    """Of an AlgorithmIdentifier the object identifier, and the parameters' DER or nothing. As `read_pbm`."""
    try:
        found = _info(asn1.decode_der(asn1.TLV, der))
    except ValueError as error:
        raise Malformed("This is not an AlgorithmIdentifier.") from error
    return found.type, found.value


def read_cert_id(der: bytes) -> CertId:
    """A CertId, as in the control oldCertID. Raises `Malformed`."""
    try:
        return asn1.decode_der(CertId, der)
    except (ValueError, OverflowError) as error:
        raise Malformed("This does not name a certificate by issuer and serial number.") from error


# What is written


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The header of an answer. `sender` and `recipient` are GeneralNames in DER; times are whole seconds."""

    pvno: int
    sender: bytes
    recipient: bytes
    message_time: datetime
    transaction_id: bytes
    sender_nonce: bytes
    recipient_nonce: bytes | None
    protection_algorithm: bytes = b""
    sender_kid: bytes | None = None
    general_info: tuple[InfoTypeAndValue, ...] = ()


def write_header(header: Header) -> bytes:
    """A PKIHeader."""

    def octets(number: int, value: bytes | None) -> bytes:
        return b"" if value is None else context(number, tlv(OCTET_STRING, value))

    infos = b"".join(write_info(one) for one in header.general_info)
    return tlv(
        SEQUENCE,
        integer(header.pvno),
        header.sender,
        header.recipient,
        context(0, write_time(header.message_time.astimezone(UTC))),
        context(1, header.protection_algorithm) if header.protection_algorithm else b"",
        octets(2, header.sender_kid),
        octets(4, header.transaction_id),
        octets(5, header.sender_nonce),
        octets(6, header.recipient_nonce),
        context(8, tlv(SEQUENCE, infos)) if infos else b"",
    )


def write_info(info: InfoTypeAndValue) -> bytes:
    """An InfoTypeAndValue."""
    return tlv(SEQUENCE, oid(info.type), info.value)


def write_body(body: Body, content: bytes) -> bytes:
    """A PKIBody around its content."""
    return context(body.value, content)


def protected_part(header: bytes, body: bytes) -> bytes:
    """What a protection is made over (RFC 4210, 5.1.3)."""
    return tlv(SEQUENCE, header, body)


def write_message(header: bytes, body: bytes, protection: bytes, certificates: Sequence[bytes]) -> bytes:
    """A PKIMessage."""
    return tlv(
        SEQUENCE,
        header,
        body,
        context(0, tlv(BIT_STRING, b"\0", protection)) if protection else b"",
        context(1, tlv(SEQUENCE, *certificates)) if certificates else b"",
    )


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


def write_error(status: bytes) -> bytes:
    """An ErrorMsgContent."""
    return tlv(SEQUENCE, status)


def write_infos(infos: Sequence[InfoTypeAndValue]) -> bytes:
    """A GenRepContent."""
    return tlv(SEQUENCE, *(write_info(one) for one in infos))


CONFIRMED: Final = tlv(NULL)
