"""Where references have to lead, by what they are said to be to, and that they take it whole.

Sources: EN 319 132-1, 4.4.2 and 5.2.7; XML Signature 1.1, 4.4.3.1 and 5.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.formats.evidence import Finding, ReferenceKind, Weight
from trustworks.formats.xades import structure

if TYPE_CHECKING:
    from lxml import etree

    from trustworks.formats.xades.detached import Found
    from trustworks.formats.xades.structure import Parts

_ELSEWHERE: Final = {
    ReferenceKind.SIGNED_PROPERTIES: (
        "xades.signed-properties-elsewhere",
        "EN319132-1:4.4.2",
        "A reference is said to be to the signed properties, and is not to those of this signature.",
    ),
    ReferenceKind.OBJECT: (
        "xades.object-elsewhere",
        "XMLDSIG:4.4.3.1-object",
        "A reference is said to be to a ds:Object, and is to none of this signature.",
    ),
    ReferenceKind.MANIFEST: (
        "xades.manifest-elsewhere",
        "XMLDSIG:5.1-MANIFEST",
        "A reference is said to be to a ds:Manifest, and is to none of this signature.",
    ),
    ReferenceKind.COUNTER_SIGNED: (
        "xades.counter-signature-elsewhere",
        "EN319132-1:5.2.7",
        "A reference is said to be to a countersigned signature, and is not to its SignatureValue.",
    ),
}

_PARTLY: Final = {
    ReferenceKind.MANIFEST: ("xades.manifest-partly", "Of a ds:Manifest only a part is signed."),
    ReferenceKind.COUNTER_SIGNED: (
        "xades.counter-signature-partly",
        "Of the SignatureValue that is countersigned only a part is signed.",
    ),
    ReferenceKind.KEY_INFO: ("xades.key-info-partly", "Of the signature's KeyInfo only a part is signed."),
    ReferenceKind.OBJECT: ("xades.object-partly", "Of a ds:Object only a part is signed."),
}
_WHOLE: Final = "XMLDSIG:4.4.3.1-WHOLE"


def misplaced(
    kind: ReferenceKind, found: Found, parts: Parts, value: etree._Element | None
) -> Finding | None:
    """What is wrong with where a reference leads, for what it is said to be to.

    `value` is the SignatureValue that the signature has to countersign, if it has to.
    """
    if not _is_in_place(kind, found, parts, value):
        code, requirement, text = _ELSEWHERE[kind]
        return Finding(code=code, text=text, weight=Weight.SUSPICIOUS, requirement=requirement)
    if kind in _PARTLY and kind is not ReferenceKind.OBJECT and found.element is not None:
        return None if structure.is_taken_whole(whole=found.is_whole) else partly(kind)
    return None


def partly(kind: ReferenceKind) -> Finding:
    """That only a part is signed of what is meant as a whole."""
    code, text = _PARTLY[kind]
    return Finding(code=code, text=text, weight=Weight.SUSPICIOUS, requirement=_WHOLE)


def _is_in_place(kind: ReferenceKind, found: Found, parts: Parts, value: etree._Element | None) -> bool:
    """Whether a reference is to the part of the signature that its type says."""
    element = found.element
    match kind:
        case ReferenceKind.SIGNED_PROPERTIES:
            return structure.is_own_signed_properties(element, parts) and found.is_whole
        case ReferenceKind.OBJECT:
            return structure.is_own_object(element, parts)
        case ReferenceKind.MANIFEST:
            return structure.is_own_manifest(element, parts)
        case ReferenceKind.COUNTER_SIGNED:
            return structure.is_countersigned(element, value)
        case _:
            return True
