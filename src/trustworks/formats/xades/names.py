"""Namespaces and identifiers of XAdES, of every version that is read.

Sources: EN 319 132-1, 4.2 and 4.3; TS 101 903 V1.1.1, V1.2.2, V1.3.2 and V1.4.1 for the older namespaces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.remembered import remembered

if TYPE_CHECKING:
    from lxml import etree

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XADES_111: Final = "http://uri.etsi.org/01903/v1.1.1#"
XADES_122: Final = "http://uri.etsi.org/01903/v1.2.2#"
XADES_132: Final = "http://uri.etsi.org/01903/v1.3.2#"
XADES_141: Final = "http://uri.etsi.org/01903/v1.4.1#"

VERSIONS: Final = frozenset({XADES_111, XADES_122, XADES_132})
"""The namespaces of QualifyingProperties; that of version 1.4.1 only adds properties to 1.3.2."""

SIGNATURE: Final = f"{{{DS}}}Signature"
SIGNED_INFO: Final = f"{{{DS}}}SignedInfo"
SIGNATURE_VALUE: Final = f"{{{DS}}}SignatureValue"
KEY_INFO: Final = f"{{{DS}}}KeyInfo"
OBJECT: Final = f"{{{DS}}}Object"
MANIFEST: Final = f"{{{DS}}}Manifest"
SIGNATURE_PROPERTIES: Final = f"{{{DS}}}SignatureProperties"
REFERENCE: Final = f"{{{DS}}}Reference"
CANONICALIZATION: Final = f"{{{DS}}}CanonicalizationMethod"
DIGEST_METHOD: Final = f"{{{DS}}}DigestMethod"
TRANSFORM: Final = f"{{{DS}}}Transform"

SIGNED_PROPERTIES_TYPES: Final = frozenset(
    {
        "http://uri.etsi.org/01903#SignedProperties",
        *(f"{version}SignedProperties" for version in (XADES_111, XADES_122, XADES_132)),
    }
)
"""Values of the Type attribute: 1.3.2 took the version out of it, and some still write it so."""

COUNTERSIGNED_TYPES: Final = frozenset(
    {
        "http://uri.etsi.org/01903#CountersignedSignature",
        *(f"{version}CountersignedSignature" for version in (XADES_122, XADES_132)),
    }
)
OBJECT_TYPE: Final = f"{DS}Object"
MANIFEST_TYPE: Final = f"{DS}Manifest"
SIGNATURE_PROPERTIES_TYPE: Final = f"{DS}SignatureProperties"

CANONICAL_XML: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
"""What a time-stamp's octets are canonicalised with where it names no algorithm (XMLDSIG's own default)."""

_EVIDENCE_RECORDS: Final = "http://uri.etsi.org/19132/"
"""Every version of the namespace of TS 119 132-3 begins so."""


@remembered(1024)
def split(tag: str) -> tuple[str, str]:
    """The namespace and the local name of an element."""
    if tag[:1] == "{":
        namespace, _, local = tag[1:].partition("}")
        return namespace, local
    return "", tag


def is_xades(namespace: str) -> bool:
    """Whether properties of XAdES are in that namespace."""
    return namespace in VERSIONS or namespace == XADES_141


def is_evidence_record_property(namespace: str, local: str) -> bool:
    """Whether it is the property that holds sealing evidence records (TS 119 132-3)."""
    return local == "SealingEvidenceRecords" and (
        is_xades(namespace) or namespace.startswith(_EVIDENCE_RECORDS)
    )


def is_in_record(element: etree._Element) -> bool:
    """Whether an element is in an evidence record, which is read for itself."""
    return any(is_evidence_record_property(*split(str(above.tag))) for above in element.iterancestors())
