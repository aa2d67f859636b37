"""RFC 5280, 4.1.2.4 and A.1.

Countries and serial numbers of names are PrintableString, all else that or UTF8String.
"""

from __future__ import annotations

from cryptography.x509.oid import NameOID

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


@implements("RFC5280:4.1.2.4-STRINGS")
def check(candidate: Candidate) -> str | None:
    """Countries and serial numbers of names are PrintableString, all else that or UTF8String."""
    for oid, tag, _ in candidate.subject_strings:
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
