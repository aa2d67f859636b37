"""The messages of the time-stamp protocol, strict DER. Source: RFC 3161, 2.4 and 3.1 of its appendix A.

But for one thing: where the default of a BOOLEAN is FALSE, a FALSE that is written out is read in extensions
and TSTInfo. DER leaves it out (X.690, 11.5), but many authorities sign tokens with one, and nobody can mend
what is signed. `None` and `False` say the same; what is written here has None.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from trustworks.core.der.cms import SignedDataInfo
from trustworks.core.der.encode import GENERALIZED_TIME, SEQUENCE, oid, tlv
from trustworks.core.errors import Malformed

TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
QC_STATEMENTS: Final = "1.3.6.1.5.5.7.1.3"
ESI4_QTST_STATEMENT_1: Final = "0.4.0.19422.1.1"


@asn1.sequence
class Extension:
    """An extension of a request or a token (RFC 5280, 4.1)."""

    oid: ObjectIdentifier
    critical: bool | None
    value: bytes


@asn1.sequence
class MessageImprint:
    """The hash function, as the client wrote it, and the digest (RFC 3161, 2.4.1)."""

    hash_algorithm: asn1.TLV
    hashed_message: bytes


@asn1.sequence
class TimeStampReq:
    """A request (RFC 3161, 2.4.1)."""

    version: int
    message_imprint: MessageImprint
    req_policy: ObjectIdentifier | None
    nonce: int | None
    cert_req: Annotated[bool, asn1.Default(value=False)]
    extensions: Annotated[list[Extension] | None, asn1.Implicit(0)]


@asn1.sequence
class Accuracy:
    """How far genTime can be off; a part that is absent is zero (RFC 3161, 2.4.2)."""

    seconds: int | None
    millis: Annotated[int | None, asn1.Implicit(0)]
    micros: Annotated[int | None, asn1.Implicit(1)]


@asn1.sequence
class TstInfo:
    """What the unit signs (RFC 3161, 2.4.2). `tsa` is a list of the one GeneralName in its element [0]."""

    version: int
    policy: ObjectIdentifier
    message_imprint: MessageImprint
    serial_number: int
    gen_time: asn1.GeneralizedTime
    accuracy: Accuracy | None
    ordering: bool | None
    nonce: int | None
    tsa: Annotated[list[asn1.TLV] | None, asn1.Implicit(0)]
    extensions: Annotated[list[Extension] | None, asn1.Implicit(1)]


@asn1.sequence
class _Elements:
    items: list[asn1.TLV]


# DER allows a fraction of any length that does not end with 0 (X.690, 11.7.3); a datetime has six digits.
_LONG_FRACTION: Final = re.compile(rb"(\d{14})\.(\d{6})\d*[1-9]Z")
# Neither RFC 3161 nor RFC 5280 speaks of second 60, and a datetime has none. The second after it would be
# another time than was signed. OpenSSL 3.0 shows such a genTime as "Bad time value", and verifies the rest.
_LEAP_SECOND: Final = re.compile(rb"(\d{4})(\d\d)(\d\d)235960(\.\d*[1-9])?Z")


def read_tst_info(der: bytes) -> TstInfo:
    """A TSTInfo; a genTime finer than that is cut to the microsecond.

    Raises ValueError, and `Malformed` for a genTime within a leap second, which is not read.
    """
    try:
        return asn1.decode_der(TstInfo, der)
    except ValueError:
        elements = asn1.decode_der(_Elements, tlv(SEQUENCE, der)).items
        _check_no_leap_second(elements)
        parts = [_cut(one) if one.tag_bytes[0] == GENERALIZED_TIME else None for one in elements]
        if not any(parts):
            raise
        cut = (part or asn1.encode_der(one) for part, one in zip(parts, elements, strict=True))
        return asn1.decode_der(TstInfo, tlv(SEQUENCE, *cut))


def _check_no_leap_second(elements: list[asn1.TLV]) -> None:
    for one in elements:
        found = _LEAP_SECOND.fullmatch(bytes(one.data)) if one.tag_bytes[0] == GENERALIZED_TIME else None
        if found is not None:
            year, month, day = (part.decode() for part in found.groups()[:3])
            raise Malformed(
                f"The token's time is within a leap second, {year}-{month}-{day}T23:59:60Z. That is not read "
                "here, as no other time can be compared with it: verify it elsewhere, or ask for another."
            )


def _cut(time: asn1.TLV) -> bytes | None:
    """The GeneralizedTime with six digits of fraction; None when it has no more."""
    found = _LONG_FRACTION.fullmatch(bytes(time.data))
    if found is None:
        return None
    seconds, fraction = found.groups()
    fraction = fraction.rstrip(b"0")
    return tlv(GENERALIZED_TIME, seconds, b"." + fraction if fraction else b"", b"Z")


@asn1.sequence
class PkiStatusInfo:
    """How the request fared (RFC 3161, 2.4.2)."""

    status: int
    status_string: list[str] | None
    fail_info: asn1.BitString | None


@asn1.sequence
class TimeStampResp:
    """An answer (RFC 3161, 2.4.2)."""

    status: PkiStatusInfo
    time_stamp_token: SignedDataInfo | None


def qc_statements(*ids: str) -> bytes:
    """The value of a qcStatements extension (RFC 3739, 3.2.6): statements that say nothing but their id."""
    return tlv(SEQUENCE, *(tlv(SEQUENCE, oid(dotted)) for dotted in ids))
