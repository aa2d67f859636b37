"""What signers say in signed attributes of CAdES: policy, place, role, kind of content.

Every function reads one value and raises `Malformed`, or IndexError or ValueError where parts are missing.
Source: EN 319 122-1, 5.2; RFC 5126, 5.8 to 5.11; RFC 2634, 2.7 to 2.11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.der.encode import NULL, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE
from trustworks.core.errors import Malformed
from trustworks.formats.cms.algorithms import hash_name
from trustworks.formats.evidence import PolicyReference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.core.der.ber import Element

_ENCODINGS: Final[Mapping[int, str]] = {0x0C: "utf-8", 0x1E: "utf-16-be", 0x1C: "utf-32-be"}
QUALIFIER_URI: Final = "1.2.840.113549.1.9.16.5.1"
QUALIFIER_NOTICE: Final = "1.2.840.113549.1.9.16.5.2"
_LONGEST_TEXT: Final = 100_000


def text(value: Element) -> str:
    """A string of characters, of whatever kind."""
    octets = value.string()
    if len(octets) > _LONGEST_TEXT:
        raise Malformed(f"The text at octet {value.start} is longer than {_LONGEST_TEXT} octets.")
    return octets.decode(
        _ENCODINGS.get(value.tag & ~0x20, "utf-8" if value.tag == 0x80 else "latin-1"), "replace"
    )


def signature_policy(value: Element) -> PolicyReference:
    """SignaturePolicy: an identifier with a digest, or NULL for the implied one (EN 319 122-1, 5.2.9.1)."""
    if value.tag == NULL:
        return PolicyReference(identifier=None)
    parts = value.children()
    if parts[0].tag != OBJECT_IDENTIFIER:
        raise Malformed(f"The policy at octet {value.start} is not named by an object identifier.")
    name = digest = uri = notice = None
    for part in parts[1:]:
        inner = part.children()
        if len(inner) == 2 and inner[1].tag & ~0x20 == OCTET_STRING:
            name, digest = hash_name(inner[0]), inner[1].string()
            continue
        for qualifier in inner:
            kind, *values = qualifier.children()
            if kind.oid() == QUALIFIER_URI and values:
                uri = text(values[0])
            elif kind.oid() == QUALIFIER_NOTICE and values:
                notice = _notice(values[0])
    # A digest of zeros, or of no octets, says that there is none (RFC 5126, 5.8.1).
    zero = digest is not None and not any(digest)
    return PolicyReference(
        identifier=parts[0].oid(),
        digest_algorithm=name,
        digest=digest,
        zero=zero,
        uri=uri,
        user_notice=notice,
    )


def _notice(value: Element) -> str | None:
    """The text for people in a SPUserNotice."""
    for part in value.children():
        if part.tag != SEQUENCE:
            return text(part)
    return None


def signer_location(value: Element) -> Mapping[str, str]:
    """SignerLocation: country, place and postal address (EN 319 122-1, 5.2.5)."""
    found: dict[str, str] = {}
    for part in value.children():
        match part.tag & 0x1F:
            case 0:
                found["country"] = _directory_string(part)
            case 1:
                found["locality"] = _directory_string(part)
            case 2:
                lines = part.children()
                if len(lines) == 1 and lines[0].tag == SEQUENCE:  # tagged EXPLICIT by some
                    lines = lines[0].children()
                found["postal-address"] = "\n".join(text(line) for line in lines)
            case _:
                pass
    return found


def _directory_string(part: Element) -> str:
    """A DirectoryString in an explicit tag, or with the tag in place of its own."""
    return text(part.children()[0] if part.constructed else part)


def signer_attributes(value: Element) -> tuple[tuple[str, ...], int]:
    """Claimed roles in words, and how many certified ones there are (EN 319 122-1, 5.2.6)."""
    claimed: list[str] = []
    certified = 0
    for part in value.children():
        match part.tag & 0x1F:
            case 0:
                inner = part.children()
                if len(inner) == 1 and inner[0].tag == SEQUENCE and _holds_attributes(inner[0]):
                    inner = inner[0].children()
                claimed.extend(text_of for one in inner for text_of in _claimed(one))
            case 1 | 2:
                certified += 1
            case _:
                pass
    return tuple(claimed), certified


def _holds_attributes(element: Element) -> bool:
    """Whether a SEQUENCE is one of Attributes, and no Attribute itself (EXPLICIT in place of IMPLICIT)."""
    inner = element.children()
    return bool(inner) and inner[0].tag == SEQUENCE


def _claimed(attribute: Element) -> list[str]:
    kind, *values = attribute.children()
    found = [text(value) for group in values for value in group.children() if not value.constructed]
    return found or [kind.oid()]


def content_hints(value: Element) -> str:
    """ContentHints: a description for people, and a type; in words (EN 319 122-1, 5.2.4.1)."""
    parts = value.children()
    kind = parts[-1].oid() if parts[-1].tag == OBJECT_IDENTIFIER else None
    described = text(parts[0]) if len(parts) > 1 else ""
    return " ".join(part for part in (described, f"({kind})" if kind else "") if part)


def content_identifier(value: Element) -> bytes:
    """ContentIdentifier (RFC 2634, 2.7)."""
    return value.string()


def content_reference(value: Element) -> bytes:
    """ContentReference: the octets, as they refer to a message that only who asks knows (RFC 2634, 2.11)."""
    if value.tag != SEQUENCE:
        raise Malformed(f"At octet {value.start} has to be a ContentReference.")
    return value.octets
