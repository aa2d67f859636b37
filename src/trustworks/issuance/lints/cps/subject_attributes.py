"""the provider's practice statement.

The subject has the attributes that the profile asks for, and none that it does not know.
"""

from __future__ import annotations

from cryptography.x509.oid import NameOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always

NAMES = {
    "countryName": NameOID.COUNTRY_NAME,
    "stateOrProvinceName": NameOID.STATE_OR_PROVINCE_NAME,
    "localityName": NameOID.LOCALITY_NAME,
    "organizationName": NameOID.ORGANIZATION_NAME,
    "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER,
    "organizationalUnitName": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "title": NameOID.TITLE,
    "givenName": NameOID.GIVEN_NAME,
    "surname": NameOID.SURNAME,
    "pseudonym": NameOID.PSEUDONYM,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "commonName": NameOID.COMMON_NAME,
}


@implements("TRUSTWORKS:ISSUANCE-SUBJECT")
def check(candidate: Candidate) -> str | None:
    """The subject has the attributes that the profile asks for, and none that it does not know."""
    profile = candidate.profile
    names = {name: bool(candidate.values(oid)) for name, oid in NAMES.items()}
    missing = [name for name in profile.required if not names.get(name)]
    known = {NAMES[name].dotted_string for name in profile.attributes}
    unknown = [oid for oid, _ in candidate.subject if oid not in known]
    if missing:
        return f"The subject lacks {', '.join(missing)}."
    if unknown:
        return f"The profile does not know the subject's attribute {', '.join(unknown)}."
    return None


LINT = Lint(
    id="TRUSTWORKS:ISSUANCE-SUBJECT",
    clause="the provider's practice statement",
    words="The subject has the attributes that the profile asks for, and none that it does not know.",
    applies=always,
    check=check,
)
