"""The certificate request message format as typed data, strict DER. Source: RFC 4211, 5, 4.1 and 6.

What a proof of possession is over is kept as it came: `CertReqMsg.cert_request` encodes to the very octets
that were signed.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from trustworks.core.der.encode import SEQUENCE, tlv
from trustworks.core.der.x509 import Extension
from trustworks.core.errors import Malformed
from trustworks.core.values import dataclass

OLD_CERT_ID: Final = "1.3.6.1.5.5.7.5.1.5"

Proof = Literal["none", "ra-verified", "signature", "other"]


@asn1.sequence
class OptionalValidity:
    """The times asked for; each is a Time in its own element (RFC 4211, 5)."""

    not_before: Annotated[asn1.UTCTime | asn1.GeneralizedTime | None, asn1.Explicit(0)]
    not_after: Annotated[asn1.UTCTime | asn1.GeneralizedTime | None, asn1.Explicit(1)]


@asn1.sequence
class CertTemplate:
    """What is asked for, or which certificate is meant (RFC 4211, 5). Lists are the elements of a SEQUENCE.

    `issuer` and `subject` are the RDNs of a name, `public_key` the two parts of a SubjectPublicKeyInfo.
    """

    version: Annotated[int | None, asn1.Implicit(0)]
    serial_number: Annotated[int | None, asn1.Implicit(1)]
    signing_algorithm: Annotated[list[asn1.TLV] | None, asn1.Implicit(2)]
    issuer: Annotated[list[asn1.TLV] | None, asn1.Explicit(3)]
    validity: Annotated[OptionalValidity | None, asn1.Implicit(4)]
    subject: Annotated[list[asn1.TLV] | None, asn1.Explicit(5)]
    public_key: Annotated[list[asn1.TLV] | None, asn1.Implicit(6)]
    issuer_unique_id: Annotated[asn1.BitString | None, asn1.Implicit(7)]
    subject_unique_id: Annotated[asn1.BitString | None, asn1.Implicit(8)]
    extensions: Annotated[list[Extension] | None, asn1.Implicit(9)]


@asn1.sequence
class Control:
    """AttributeTypeAndValue: a control, or registration information (RFC 4211, 6 and 7)."""

    type: ObjectIdentifier
    value: asn1.TLV


@asn1.sequence
class CertRequest:
    """A request for one certificate (RFC 4211, 5)."""

    cert_req_id: int
    template: CertTemplate
    controls: list[Control] | None


@asn1.sequence
class CertId:
    """Which certificate, by issuer and serial number; also the value of oldCertID (RFC 4211, 6.5)."""

    issuer: asn1.TLV
    serial_number: int


@asn1.sequence
class _SigningKeyProof:
    """POPOSigningKey; `own_input` is there where subject and key are not in the template (RFC 4211, 4.1)."""

    own_input: Annotated[list[asn1.TLV] | None, asn1.Implicit(0)]
    algorithm: asn1.TLV
    signature: asn1.BitString


@asn1.sequence
class _Elements:
    items: list[asn1.TLV]


@dataclass(frozen=True, slots=True, kw_only=True)
class CertReqMsg:
    """A request with its proof of possession; `cert_request` is its DER, over which the signature goes.

    `algorithm` (an AlgorithmIdentifier) and `signature` are there for the proof ``signature`` alone.
    """

    request: CertRequest
    cert_request: bytes
    proof: Proof
    algorithm: bytes = b""
    signature: bytes = b""


def elements(content: asn1.TLV | bytes) -> list[asn1.TLV]:
    """The elements in a SEQUENCE, given as it is or by its octets. Raises ValueError."""
    der = content if isinstance(content, bytes) else asn1.encode_der(content)
    return asn1.decode_der(_Elements, tlv(SEQUENCE, der)).items


def encoded(element: asn1.TLV) -> bytes:
    """The octets of an element."""
    return asn1.encode_der(element)


def joined(items: list[asn1.TLV]) -> bytes:
    """The SEQUENCE of these elements."""
    return tlv(SEQUENCE, *(asn1.encode_der(item) for item in items))


def read_messages(der: bytes) -> tuple[CertReqMsg, ...]:
    """CertReqMessages: one request or more (RFC 4211, 3). Raises `Malformed`."""
    try:
        return tuple(_message(item) for item in elements(der))
    except ValueError as error:
        raise Malformed("This is not a certificate request message (CertReqMessages, RFC 4211).") from error


def read_template(der: bytes) -> CertTemplate:
    """A CertTemplate. Raises ValueError."""
    return asn1.decode_der(CertTemplate, der)


def _message(item: asn1.TLV) -> CertReqMsg:
    parts = elements(item)
    if not 1 <= len(parts) <= 3:
        raise ValueError("a CertReqMsg has a request, a proof and registration information")
    cert_request = asn1.encode_der(parts[0])
    request = asn1.decode_der(CertRequest, cert_request)
    rest = parts[1:]
    if rest and rest[-1].tag_bytes == b"\x30":
        elements(rest.pop())  # registration information, which nothing depends on
    if len(rest) > 1:
        raise ValueError("a CertReqMsg has one proof of possession")
    if not rest:
        return CertReqMsg(request=request, cert_request=cert_request, proof="none")
    match rest[0].tag_bytes:
        case b"\x80" if not rest[0].data:
            return CertReqMsg(request=request, cert_request=cert_request, proof="ra-verified")
        case b"\xa1":
            signing = asn1.decode_der(_SigningKeyProof, tlv(SEQUENCE, bytes(rest[0].data)))
            if signing.own_input is not None or signing.signature.padding_bits():
                return CertReqMsg(request=request, cert_request=cert_request, proof="other")
            return CertReqMsg(
                request=request,
                cert_request=cert_request,
                proof="signature",
                algorithm=asn1.encode_der(signing.algorithm),
                signature=signing.signature.as_bytes(),
            )
        case b"\xa2" | b"\xa3":
            return CertReqMsg(request=request, cert_request=cert_request, proof="other")
        case _:
            raise ValueError("a proof of possession of that kind does not exist")
