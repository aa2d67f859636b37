"""DER by hand for what `cryptography.hazmat.asn1` cannot declare: ENUMERATED, optional ANY, streams."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OBJECT_IDENTIFIER: Final = 0x06
ENUMERATED: Final = 0x0A
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31


def length(octets: int) -> bytes:
    """The length octets of a content of that many octets, in the shortest form (X.690, 10.1)."""
    if octets < 0x80:
        return bytes((octets,))
    value = octets.to_bytes((octets.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(value),)) + value


def tlv(tag: int, *parts: bytes) -> bytes:
    """One element: identifier octet, length, and the parts one after the other."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:  # written out: most elements are short, and an answer is made of many
        return b"%c%c%b" % (tag, size, content)
    return b"%c%b%b" % (tag, length(size), content)


def context(number: int, *parts: bytes, constructed: bool = True) -> bytes:
    """One element with a context-specific tag below 31."""
    return tlv(0x80 | (0x20 if constructed else 0) | number, *parts)


def integer(value: int, tag: int = INTEGER) -> bytes:
    """An INTEGER (or ENUMERATED, by its tag) in two's complement of least length (X.690, 8.3)."""
    size = (value if value >= 0 else ~value).bit_length() // 8 + 1
    return tlv(tag, value.to_bytes(size, "big", signed=True))


@lru_cache(maxsize=1024)
def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER from its dotted form (X.690, 8.19)."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    content = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | (arc & 0x7F))
        content += bytes(reversed(groups))
    return tlv(OBJECT_IDENTIFIER, bytes(content))


def generalized_time(moment: datetime) -> bytes:
    """A GeneralizedTime in whole seconds of UTC, cut below (RFC 5280, 4.1.2.5.2)."""
    return tlv(
        GENERALIZED_TIME,
        b"%04d%02d%02d%02d%02d%02dZ"
        % (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second),
    )


def x509_time(moment: datetime) -> bytes:
    """The Time of certificates and revocation lists: UTCTime until 2049 (RFC 5280, 4.1.2.5, 5.1.2.4)."""
    if not 1950 <= moment.year < 2050:
        return generalized_time(moment)
    year, *rest = moment.timetuple()[:6]
    return tlv(UTC_TIME, b"%02d%02d%02d%02d%02d%02dZ" % (year % 100, *rest))


def extension(dotted: str, value: bytes, *, critical: bool = False) -> bytes:
    """An Extension; `value` is the DER that goes into the OCTET STRING (RFC 5280, 4.1)."""
    flag = tlv(BOOLEAN, b"\xff") if critical else b""
    return tlv(SEQUENCE, oid(dotted), flag, tlv(OCTET_STRING, value))
