"""Elements of XAdES as its schemas write them. Source: EN 319 132-1, 5.1 and 5.2; all versions' schemas."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Final

from lxml import etree

from trustworks.core.errors import Rejected
from trustworks.core.xml.algorithms import DIGEST_URIS
from trustworks.formats.xades.names import DS, XADES_111, XADES_141

if TYPE_CHECKING:
    from datetime import datetime

PREFIXES: Final[dict[str | None, str]] = {"xades141": XADES_141}


def child(
    parent: etree._Element,
    name: str,
    text: str | None = None,
    *,
    namespace: str | None = None,
    **attributes: str,
) -> etree._Element:
    """A new last child, in the namespace of its parent unless another is given.

    Raises `Rejected` (xades.text) for characters that XML cannot hold.
    """
    space = namespace or etree.QName(parent).namespace
    prefixes = PREFIXES if space == XADES_141 else None
    try:
        element = etree.SubElement(parent, f"{{{space}}}{name}", attributes, nsmap=prefixes)
        element.text = text
    except ValueError as error:
        raise Rejected(
            "xades.text", f"{name} has characters that XML cannot hold. Leave them out."
        ) from error
    return element


def base64_of(octets: bytes) -> str:
    """Base64 without line breaks."""
    return base64.b64encode(octets).decode("ascii")


def digest_uri(name: str) -> str:
    """The identifier of a hash function. Raises `Rejected` (digest.unknown) for one that is not written."""
    found = DIGEST_URIS.get(name)
    if found is None:
        raise Rejected(
            "digest.unknown",
            f"Digests by {name[:60]!r} are not written. Use one of {', '.join(DIGEST_URIS)}.",
        )
    return found


def digest_of(name: str, octets: bytes) -> bytes:
    """The digest of octets by a hash function that is written; `Rejected` as `digest_uri`."""
    digest_uri(name)
    return hashlib.new(name, octets, usedforsecurity=False).digest()


def digest(parent: etree._Element, name: str, hash_name: str, value: bytes) -> None:
    """A DigestAlgAndValueType of that name. Version 1.1.1 has its parts in its own namespace."""
    holder = child(parent, name)
    space = XADES_111 if etree.QName(parent).namespace == XADES_111 else DS
    child(holder, "DigestMethod", namespace=space, Algorithm=digest_uri(hash_name))
    child(holder, "DigestValue", base64_of(value), namespace=space)


def identifier(
    parent: etree._Element,
    name: str,
    value: str,
    description: str | None = None,
    *,
    namespace: str | None = None,
    inside: str | None = None,
) -> etree._Element:
    """An ObjectIdentifierType: an OID as a URN, which is said; or a URI.

    `inside` is the namespace of its parts, where that is not its own.
    """
    holder = child(parent, name, namespace=namespace)
    if value.replace(".", "").isdecimal():
        child(holder, "Identifier", f"urn:oid:{value}", namespace=inside, Qualifier="OIDAsURN")
    else:
        child(holder, "Identifier", value, namespace=inside)
    if description is not None:
        child(holder, "Description", description, namespace=inside)
    return holder


def date_time(moment: datetime) -> str:
    """An xs:dateTime in whole seconds of UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
