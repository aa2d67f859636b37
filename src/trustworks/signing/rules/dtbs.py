"""Whether octets are what a signature of a format is over, and nothing else that a key could be made to sign.

Another process made them, out of documents of strangers. The documents are not looked at here: what they are
bound to a key by is.
Sources: RFC 5652, 5.4 and 11.4; RFC 5035, 3; EN 319 132-1, 4.4; TS 119 182-1, 5.1.7 and 5.2.2.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat import asn1

from trustworks.core.algorithms import HASH_FUNCTIONS
from trustworks.core.der import cms
from trustworks.core.der.algorithms import HASHES_BY_OID
from trustworks.core.errors import BeyondLimit, Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.core.xml.canonical import canonicalise
from trustworks.core.xml.parse import parse
from trustworks.formats.jades import json_text
from trustworks.formats.jades.base64url import decode, encode
from trustworks.formats.limits import DEFAULT
from trustworks.formats.xades import names
from trustworks.signing.model import Format

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST: Final = 4 * 1024 * 1024
"""Octets of a SignedInfo, attributes or a header: a thousand references with long names have less."""
_METHODS: Final = frozenset({f"{{{names.DS}}}CanonicalizationMethod", f"{{{names.DS}}}SignatureMethod"})
_HASH_OF_JADES: Final = {one.jades: one.name for one in HASH_FUNCTIONS.values() if one.jades is not None}


@implements("TRUSTWORKS:SIGNING-SEAL-FORM", disabled=None)
def fault_of(octets: bytes, *, format: Format, certificate: bytes) -> str | None:  # noqa: A002 - what it is
    """What is wrong with octets as what a signature of that format and certificate is over; None: nothing."""
    match format:
        case Format.XADES:
            return _of_xml(octets)
        case Format.CADES | Format.PADES:
            return _of_cms(octets, certificate)
        case Format.JADES:
            return _of_jws(octets, certificate)


def _of_xml(octets: bytes) -> str | None:  # noqa: PLR0911 - a fault each
    """A ds:SignedInfo in its canonical form, whose last parts are references, one of them to properties."""
    if len(octets) > _MOST:
        return "it is longer than a ds:SignedInfo"
    try:
        root = parse(octets)
        children = list(root)
        if root.tag != f"{{{names.DS}}}SignedInfo" or canonicalise(root) != octets:
            return "it is no ds:SignedInfo in canonical form"
    except (Malformed, Rejected) as error:
        return f"it is no ds:SignedInfo: {error}"
    references = children[2:]
    if {one.tag for one in children[:2]} != _METHODS or not references:
        return "it has not the parts of a ds:SignedInfo"
    if any(one.tag != f"{{{names.DS}}}Reference" for one in references):
        return "it has other parts than a ds:SignedInfo"
    if not any(str(one.get("Type")).endswith("#SignedProperties") for one in references):
        return "it has no reference to signed properties"
    return None


def _of_cms(octets: bytes, certificate: bytes) -> str | None:  # noqa: PLR0911 - as above
    """A SET of attributes in DER: of data, with its digest, by this certificate."""
    if len(octets) > _MOST:
        return "it is longer than signed attributes"
    try:
        given = [(one.type.dotted_string, one.values.as_list()) for one in cms.attributes_in(octets)]
    except ValueError:
        return "it is no SET of attributes in DER"
    found = dict(given)
    if len(found) != len(given):
        return "an attribute is in it twice"
    types = [bytes(one.data) for one in found.get(cms.CONTENT_TYPE, [])]
    # A counter-signature has no content type (RFC 5652, 11.4).
    if cms.CONTENT_TYPE in found and types != [_ID_DATA]:
        return "its content type is another than data"
    if len(found.get(cms.MESSAGE_DIGEST, [])) != 1:
        return "it has no message digest"
    try:
        (value,) = found.get(cms.SIGNING_CERTIFICATE_V2, [])
        first = asn1.decode_der(cms.SigningCertificateV2, asn1.encode_der(value)).certs[0]
    except (ValueError, IndexError):
        return "it has no signing-certificate-v2"
    algorithm = first.hash_algorithm
    hashed = HASHES_BY_OID.get(
        HASH_FUNCTIONS["sha256"].oid if algorithm is None else algorithm.algorithm.dotted_string
    )
    if hashed is None or not _is_hash(first.cert_hash, hashed.name, certificate):
        return "its signing-certificate-v2 is of another certificate"
    return None


def _of_jws(octets: bytes, certificate: bytes) -> str | None:
    """A header in base64url that names this certificate, a full stop, and the payload."""
    text, stop, _ = octets.partition(b".")
    if not stop or len(text) > _MOST:
        return "it has no header"
    try:
        plain = decode(text.decode("ascii"), "The header")
        header, repeated = json_text.parse(plain, DEFAULT)
    except (Malformed, BeyondLimit, ValueError) as error:
        return f"its header cannot be read: {error}"
    if encode(plain) != text or not isinstance(header, dict) or repeated:
        return "its header is none of a signature"
    if not _names(header, certificate):
        return "its header is of another certificate"
    return None


def _names(header: Mapping[str, Any], certificate: bytes) -> bool:
    """Whether a header names a certificate, and no other by another member."""
    said = []
    if "x5t#S256" in header:
        said.append(_is_digest(header["x5t#S256"], "sha256", certificate))
    if "x5t#o" in header:
        other = header["x5t#o"]
        name = _HASH_OF_JADES.get(str(other.get("digAlg"))) if isinstance(other, dict) else None
        said.append(name is not None and _is_digest(other.get("digVal"), name, certificate))
    if "x5c" in header:
        chain = header["x5c"]
        first = chain[0] if isinstance(chain, list) and chain else None
        said.append(first == base64.b64encode(certificate).decode("ascii"))
    return bool(said) and all(said)


def _is_digest(value: object, name: str, certificate: bytes) -> bool:
    try:
        return isinstance(value, str) and _is_hash(decode(value, "The digest"), name, certificate)
    except Malformed:
        return False


def _is_hash(digest: bytes, name: str, certificate: bytes) -> bool:
    strong = name in {"sha256", "sha384", "sha512"}
    return strong and hmac.compare_digest(digest, hashlib.new(name, certificate).digest())


_ID_DATA: Final = bytes.fromhex("2a864886f70d010701")
"""The content of the object identifier of data (id-data, RFC 5652, 4)."""
