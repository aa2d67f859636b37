"""RFC 5280, 4.1.2.4 and A.1.

Countries and serial numbers of names are PrintableString, all else that or UTF8String.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509.oid import NameOID

from trustworks.core.der.encode import SEQUENCE, tlv
from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always

PRINTABLE = 0x13
UTF8 = 0x0C
PRINTABLE_ONLY = frozenset(
    {
        NameOID.COUNTRY_NAME.dotted_string,
        NameOID.JURISDICTION_COUNTRY_NAME.dotted_string,
        NameOID.SERIAL_NUMBER.dotted_string,
    }
)


@asn1.sequence
class Attribute:
    """AttributeTypeAndValue."""

    oid: x509.ObjectIdentifier
    value: asn1.TLV


@asn1.sequence
class Names:
    """RDNSequence, inside a SEQUENCE because a list cannot stand at the top."""

    rdns: list[asn1.SetOf[Attribute]]


@implements("RFC5280:4.1.2.4-STRINGS")
def check(candidate: Candidate) -> str | None:
    """Countries and serial numbers of names are PrintableString, all else that or UTF8String."""
    try:
        rdns = asn1.decode_der(Names, tlv(SEQUENCE, tlv(SEQUENCE, bytes(candidate.tbs.subject.data)))).rdns
    except ValueError:
        return "The subject is not a name in DER."
    for attribute in (attribute for rdn in rdns for attribute in rdn.as_list()):
        oid, tag = attribute.oid.dotted_string, attribute.value.tag_bytes[0]
        if tag != PRINTABLE and (oid in PRINTABLE_ONLY or tag != UTF8):
            return f"The attribute {oid} of the subject is a string of the wrong type (tag {tag:#x})."
    return None


LINT = Lint(
    id="RFC5280:4.1.2.4-STRINGS",
    clause="RFC 5280, 4.1.2.4 and A.1",
    words="Countries and serial numbers of names are PrintableString, all else that or UTF8String.",
    applies=always,
    check=check,
)
