"""Messages and their headers. Source: RFC 4210, 5.1.

What a protection covers is kept as it came (`PkiMessage.protected`).
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Final

from cryptography.hazmat import asn1

from trustworks.core.der.cmp.kinds import Body, InfoTypeAndValue, read_info, write_info
from trustworks.core.der.crmf import joined
from trustworks.core.der.encode import BIT_STRING, OCTET_STRING, SEQUENCE, context, integer, tlv
from trustworks.core.der.encode import generalized_time as write_time
from trustworks.core.errors import Malformed
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

DIRECTORY_NAME: Final = 4  # the tag of a name among GeneralNames
EMPTY_NAME: Final = context(DIRECTORY_NAME, tlv(SEQUENCE))


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


def read_message(der: bytes) -> PkiMessage:
    """A PKIMessage. Raises `Malformed`."""
    try:
        outer = asn1.decode_der(_Message, der)
        header = asn1.decode_der(PkiHeader, asn1.encode_der(outer.header))
        body = _body(outer.body)
        infos = tuple(read_info(one) for one in header.general_info or ())
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
