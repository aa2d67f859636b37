"""Values as XML holds them: text, octets, times, digests, object identifiers, references to certificates."""

from __future__ import annotations

import binascii
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from trustworks.core.xml.algorithms import DIGESTS
from trustworks.formats.evidence import CertificateReference
from trustworks.formats.xades.issuers import issuer_of, issuer_serial
from trustworks.formats.xades.names import DS, is_xades, split

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml import etree

    from trustworks.formats.collector import Collector

_OID_PREFIXES: Final = ("urn:oid:", "URN:OID:", "oid:")
_TIME_LENGTH: Final = 64
_SERIAL_DIGITS: Final = 60
"""A serial number has at most 20 octets (RFC 5280, 4.1.2.2), that is 49 digits."""


def children(element: etree._Element | None) -> Iterator[tuple[str, str, etree._Element]]:
    """Elements within one, each with namespace and local name; no comments or instructions."""
    if element is not None:
        for child in element.iterchildren("*"):
            yield (*split(str(child.tag)), child)


def child(element: etree._Element | None, *path: str) -> etree._Element | None:
    """The first element below, by local names of XAdES or XML-DSig; None where one of them is missing."""
    for name in path:
        if element is None:
            return None
        element = next(_named(element, name), None)
    return element


def all_children(element: etree._Element | None, name: str) -> list[etree._Element]:
    """All elements within one that have the local name, of XAdES or XML-DSig."""
    return [] if element is None else list(_named(element, name))


def _named(element: etree._Element, name: str) -> Iterator[etree._Element]:
    for found in element.iterchildren("{*}" + name):
        namespace, _ = split(str(found.tag))
        if namespace == DS or is_xades(namespace):
            yield found


def text(element: etree._Element | None) -> str | None:
    """The text of an element without space around it, None where there is none. Comments are no text."""
    if element is None:
        return None
    found = element.text if len(element) == 0 else str(element.xpath("string()"))
    return (found or "").strip() or None


def octets(element: etree._Element | None) -> bytes | None:
    """What an element holds in base64, None where it is empty or not in base64."""
    found = text(element)
    return None if found is None else decoded(found)


def decoded(base64: str) -> bytes | None:
    """Octets out of base64 with any white space in it; None where it is not base64."""
    try:
        return binascii.a2b_base64("".join(base64.split()), strict_mode=True) or None
    except (binascii.Error, ValueError):
        return None


def moment(element: etree._Element | None) -> datetime | None:
    """An xs:dateTime in UTC. One without a time zone is taken as UTC, as the field does."""
    found = text(element)
    if found is None or len(found) > _TIME_LENGTH or "T" not in found:
        return None
    try:
        read = datetime.fromisoformat(found)
        return (read.replace(tzinfo=UTC) if read.tzinfo is None else read).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def identifier(element: etree._Element | None) -> str | None:
    """The Identifier of an ObjectIdentifierType: a URI, or the dotted numbers of an OID given as URN."""
    found = text(child(element, "Identifier"))
    if found is None:
        return None
    for prefix in _OID_PREFIXES:
        if found.startswith(prefix):
            return found[len(prefix) :]
    return found


def hash_name(uri: str | None) -> str | None:
    """A digest algorithm as `formats.data.HASHES` calls it; an unknown one by its identifier."""
    if uri is None:
        return None
    found = DIGESTS.get(uri)
    return uri if found is None else plain_hash_name(found)


def plain_hash_name(name: str) -> str:
    """A hash function as `formats.data.HASHES` calls it, by what `core.xml` calls it."""
    return name.replace("-", "_")


def digest(element: etree._Element | None) -> tuple[str | None, bytes | None]:
    """A DigestAlgAndValueType: hash function and value."""
    method = child(element, "DigestMethod")
    value = octets(child(element, "DigestValue"))
    return hash_name(None if method is None else method.get("Algorithm")), value


def certificate_reference(cert: etree._Element, collector: Collector) -> CertificateReference:
    """A CertIDType of either version: digest and, where it is there, issuer and serial number."""
    algorithm, value = digest(child(cert, "CertDigest"))
    issuer: bytes | None = None
    serial: int | None = None
    named = child(cert, "IssuerSerial")
    if named is not None:
        serial = number(text(child(named, "X509SerialNumber")))
        issuer = issuer_of(text(child(named, "X509IssuerName")), (algorithm, value), collector)
    else:
        encoded = octets(child(cert, "IssuerSerialV2"))
        if encoded is not None:
            issuer, serial = issuer_serial(encoded)
    return CertificateReference(digest_algorithm=algorithm, digest=value, issuer=issuer, serial=serial)


def number(found: str | None) -> int | None:
    """A serial number in decimal digits; None for what is none."""
    digits = (found or "").removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > _SERIAL_DIGITS:
        return None
    return int(found or "")
