"""What CMS asks of one signer and its signed attributes. Source: RFC 5652, 5.3, 11.1 to 11.4; RFC 6211, 2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.der.cms import CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME
from trustworks.core.der.encode import NULL, tlv
from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.core.trace import implements
from trustworks.formats.evidence import Finding, Weight

if TYPE_CHECKING:
    from trustworks.core.der.ber import Element
    from trustworks.formats.cms.attributes import SignedAttributes
    from trustworks.formats.cms.structure import SignerInfo
    from trustworks.formats.evidence import Algorithm, Reference

ALGORITHM_PROTECTION: Final = "1.2.840.113549.1.9.52"
_SIGNATURE_ALGORITHM: Final = 0xA1
_NULL: Final = tlv(NULL)
_ONLY_ONE: Final = {
    CONTENT_TYPE: "content-type",
    MESSAGE_DIGEST: "message-digest",
    SIGNING_TIME: "signing-time",
    ALGORITHM_PROTECTION: "cms-algorithm-protection",
}


def objections(
    signer: SignerInfo, attributes: SignedAttributes, content_type: str, *, counter: bool
) -> tuple[Finding, ...]:
    """What is wrong with the signed attributes of a signer that has some."""
    return (
        *repeated(attributes),
        *no_message_digest(attributes),
        *(in_counter_signature(attributes) if counter else other_content_type(attributes, content_type)),
        *other_algorithms(signer, attributes),
    )


@implements("RFC5652:11-ONE", disabled=())
def repeated(attributes: SignedAttributes) -> tuple[Finding, ...]:
    """Attributes that must be there once, with one value, and are not."""
    found = []
    for dotted, name in _ONLY_ONE.items():
        instances = attributes.by_type.get(dotted, ())
        if len(instances) > 1 or any(len(one.values) != 1 for one in instances):
            found.append(
                _fatal(
                    "cms.attribute-repeated",
                    f"The signed attribute {name} is there more than once, or without exactly one value.",
                    "RFC5652:11-ONE",
                )
            )
    return tuple(found)


@implements("RFC5652:11.2-PRESENT", disabled=())
def no_message_digest(attributes: SignedAttributes) -> tuple[Finding, ...]:
    """No digest of the content among the signed attributes."""
    if attributes.message_digest is not None:
        return ()
    return (
        _fatal(
            "cms.no-message-digest",
            "There are signed attributes, and none of them is the digest of the content.",
            "RFC5652:11.2-PRESENT",
        ),
    )


@implements("RFC5652:11.1-SAME", disabled=())
def other_content_type(attributes: SignedAttributes, content_type: str) -> tuple[Finding, ...]:
    """A signed content-type that is absent, or not that of the content."""
    if attributes.content_type == content_type:
        return ()
    return (
        _fatal(
            "cms.content-type",
            f"The signed attribute content-type is {attributes.content_type or 'absent'}; the content is of "
            f"the type {content_type}.",
            "RFC5652:11.1-SAME",
        ),
    )


@implements("RFC5652:11.4-NO-CONTENT-TYPE", disabled=())
def in_counter_signature(attributes: SignedAttributes) -> tuple[Finding, ...]:
    """A content-type in a counter-signature, whose content has none."""
    if attributes.content_type is None:
        return ()
    return (
        _fatal(
            "cms.content-type-in-counter-signature",
            "The counter-signature has the attribute content-type, which it must not have.",
            "RFC5652:11.4-NO-CONTENT-TYPE",
        ),
    )


@implements("RFC6211:2-SAME", disabled=())
def other_algorithms(signer: SignerInfo, attributes: SignedAttributes) -> tuple[Finding, ...]:
    """Signed algorithms that are not those by which the signature is to be verified."""
    for attribute in attributes.by_type.get(ALGORITHM_PROTECTION, ()):
        try:
            parts = attribute.values[0].children()
            same = _comparable(parts[0]) == _comparable(signer.digest_algorithm) and all(
                _comparable(part) == _comparable(signer.signature_algorithm)
                for part in parts[1:]
                if part.tag == _SIGNATURE_ALGORITHM
            )
        except BeyondLimit:
            raise
        except (Malformed, IndexError):
            same = False
        if not same:
            return (
                _fatal(
                    "cms.other-algorithms",
                    "The algorithms beside the signature are not those that its attribute "
                    "cms-algorithm-protection names.",
                    "RFC6211:2-SAME",
                ),
            )
    return ()


def _comparable(identifier: Element) -> bytes:
    """An AlgorithmIdentifier, whatever its tag; parameters of NULL are none."""
    octets = b"".join(part.octets for part in identifier.children())
    return octets.removesuffix(_NULL)


@implements("RFC5652:5.3-DIGEST", disabled=())
def other_digest(algorithm: Algorithm, digest: str) -> tuple[Finding, ...]:
    """A signature algorithm that hashes by another function than digestAlgorithm says."""
    if algorithm.digest in {None, digest}:
        return ()
    return (
        Finding(
            code="cms.other-digest",
            text=f"The signer names {digest} for its digests, and its signature algorithm hashes by "
            f"{algorithm.digest}.",
            weight=Weight.NOTE,
            requirement="RFC5652:5.3-DIGEST",
        ),
    )


@implements("RFC5652:5.3-DER", disabled=())
def not_der(*, in_der: bool) -> tuple[Finding, ...]:
    """Signed attributes that are not in DER. Whoever signed them as they stand made no valid signature."""
    if in_der:
        return ()
    return (
        Finding(
            code="cms.attributes-not-der",
            text="The signed attributes are not in DER. A signature is over their DER; programs that take "
            "them as they stand may say otherwise of this one.",
            weight=Weight.NOTE,
            requirement="RFC5652:5.3-DER",
        ),
    )


@implements("RFC5652:11.4-VALUE", disabled=())
def of_another(reference: Reference) -> tuple[Finding, ...]:
    """A counter-signature that is not one of the value of the signature that it stands in."""
    if not reference.found or reference.intact:
        return ()
    return (
        Finding(
            code="cades.counter-signature-of-another",
            text="The counter-signature is not of the signature that it was put into: it signs other octets.",
            weight=Weight.SUSPICIOUS,
            requirement="RFC5652:11.4-VALUE",
        ),
    )


def _fatal(code: str, text: str, requirement: str) -> Finding:
    return Finding(code=code, text=text, weight=Weight.FATAL, requirement=requirement)
