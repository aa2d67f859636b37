"""Who issued a certificate, as references to certificates write it: as a string, or in DER.

Sources: RFC 4514; RFC 5035, 5.4.1.1; EN 319 132-1, 5.2.2 (IssuerSerialV2); TS 101 903, 7.2.2 (IssuerSerial).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.der import ber
from trustworks.core.der.encode import SEQUENCE, oid, tlv
from trustworks.core.errors import Malformed
from trustworks.core.remembered import remembered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.formats.collector import Collector

_NAME_LENGTH: Final = 16_384
_VERSION: Final = 0xA0
_DIRECTORY_NAME: Final = 0xA4
_SET: Final = 0x31
_UTF8_STRING: Final = 0x0C


def issuer_serial(der: bytes) -> tuple[bytes | None, int | None]:
    """Issuer's Name and serial number out of an IssuerSerial (RFC 5035, 5.4.1.1); None where unreadable."""
    try:
        names, serial = ber.read(der).children()[:2]
        number = serial.integer()
    except (Malformed, ValueError):
        return None, None
    try:
        name = next(one for one in names.children() if one.tag == _DIRECTORY_NAME)
        return name.children()[0].octets, number
    except (Malformed, IndexError, StopIteration):
        return None, number


def issuer_of(
    name: str | None, digest: tuple[str | None, bytes | None], collector: Collector
) -> bytes | None:
    """The DER of an issuer that is written as a string (RFC 4514).

    A string does not say how the parts of a name are encoded. Where a certificate that was found has the
    digest of the reference, and an issuer of the same name, its DER is the answer; else the name is encoded
    anew, which says who is meant and need not be the same octets.
    """
    if name is None:
        return None
    named = collector.token_by_digest("C", *digest)
    found = None if named is None else collector.token(named)
    if found is not None and is_issuer_named(name, found):
        return issuer_in(found)
    return encoded_name(name)


@remembered(512)
def issuer_in(certificate: bytes) -> bytes | None:
    """The issuer's Name in a certificate, by its place alone (RFC 5280, 4.1); None where unreadable."""
    try:
        fields = ber.read(certificate).children()[0].children()
        return fields[3 if fields[0].tag == _VERSION else 2].octets
    except (Malformed, IndexError):
        return None


_SHORT: Final = {
    "CN": "2.5.4.3", "SN": "2.5.4.4", "SURNAME": "2.5.4.4", "SERIALNUMBER": "2.5.4.5", "C": "2.5.4.6",
    "L": "2.5.4.7", "ST": "2.5.4.8", "S": "2.5.4.8", "STREET": "2.5.4.9", "O": "2.5.4.10", "OU": "2.5.4.11",
    "T": "2.5.4.12", "TITLE": "2.5.4.12", "POSTALCODE": "2.5.4.17", "GIVENNAME": "2.5.4.42", "GN": "2.5.4.42",
    "G": "2.5.4.42", "INITIALS": "2.5.4.43", "PSEUDONYM": "2.5.4.65", "ORGANIZATIONIDENTIFIER": "2.5.4.97",
    "E": "1.2.840.113549.1.9.1", "EMAIL": "1.2.840.113549.1.9.1", "EMAILADDRESS": "1.2.840.113549.1.9.1",
    "DC": "0.9.2342.19200300.100.1.25", "UID": "0.9.2342.19200300.100.1.1", "DESCRIPTION": "2.5.4.13",
    "BUSINESSCATEGORY": "2.5.4.15", "DNQ": "2.5.4.46", "DNQUALIFIER": "2.5.4.46",
}  # fmt: skip


@remembered(512)
def is_issuer_named(written: str, certificate: bytes) -> bool:
    """Whether a name as a string is the issuer's of a certificate, without regard to case, space and order.

    Writers of strings differ in all of these, and in what they call less common attributes.
    """
    parts, issuer = name_parts(written), issuer_in(certificate)
    if parts is None or issuer is None:
        return False
    try:
        found = sorted(
            (part.children()[0].oid(), _folded(_characters(part.children()[1])))
            for relative in ber.read(issuer).children()
            for part in relative.children()
        )
    except (Malformed, IndexError):
        return False
    return found == sorted((oid, _folded(value)) for oid, value in parts)


def _characters(value: ber.Element) -> str:
    octets = value.string()
    encoding = {0x0C: "utf-8", 0x1E: "utf-16-be", 0x1C: "utf-32-be"}.get(value.tag, "latin-1")
    return octets.decode(encoding, "replace")


def _folded(value: str) -> str:
    if value.startswith("#"):
        try:
            value = _characters(ber.read(bytes.fromhex(value[1:])))
        except (Malformed, ValueError):
            return value
    return " ".join(value.split()).casefold()


def name_parts(written: str) -> list[tuple[str, str]] | None:
    """The attributes of a name in RFC 4514's notation (and what resembles it): dotted OID and value."""
    if len(written) > _NAME_LENGTH:
        return None
    parts: list[tuple[str, str]] = []
    for piece in _pieces(written):
        key, equals, value = piece.partition("=")
        if not equals:
            return None
        key = key.strip().upper().removeprefix("OID.")
        oid = key if key.replace(".", "").isdigit() else _SHORT.get(key)
        if oid is None:
            return None
        parts.append((oid, _unescaped(value.strip())))
    return parts


def _pieces(written: str) -> Iterator[str]:
    piece: list[str] = []
    quoted = escaped = False
    for letter in written:
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter == '"':
            quoted = not quoted
        elif letter in ",+;" and not quoted:
            yield "".join(piece)
            piece = []
            continue
        piece.append(letter)
    if piece:
        yield "".join(piece)


def _unescaped(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    if "\\" not in value:
        return value
    out, at = bytearray(), 0
    while at < len(value):
        letter = value[at]
        pair = value[at + 1 : at + 3]
        if letter == "\\" and len(pair) == 2 and all(digit in "0123456789abcdefABCDEF" for digit in pair):
            out.append(int(pair, 16))
            at += 3
        elif letter == "\\" and at + 1 < len(value):
            out += value[at + 1].encode()
            at += 2
        else:
            out += letter.encode("utf-8", "replace")
            at += 1
    return out.decode("utf-8", "replace")


def encoded_name(written: str) -> bytes | None:
    """A name in DER: attributes from the last to the first, values in UTF-8; None where it cannot be read."""
    parts = name_parts(written)
    if parts is None:
        return None
    try:
        return tlv(
            SEQUENCE,
            *(
                tlv(_SET, tlv(SEQUENCE, oid(dotted), tlv(_UTF8_STRING, value.encode("utf-8", "replace"))))
                for dotted, value in reversed(parts)
            ),
        )
    except ValueError:
        return None
