"""the provider's practice statement.

The subject has the attributes that the profile asks for, and none that it does not know.
"""

from __future__ import annotations

from cryptography.x509.oid import NameOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always

NAMES = {
    "countryName": NameOID.COUNTRY_NAME.dotted_string,
    "stateOrProvinceName": NameOID.STATE_OR_PROVINCE_NAME.dotted_string,
    "localityName": NameOID.LOCALITY_NAME.dotted_string,
    "organizationName": NameOID.ORGANIZATION_NAME.dotted_string,
    "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER.dotted_string,
    "organizationalUnitName": NameOID.ORGANIZATIONAL_UNIT_NAME.dotted_string,
    "title": NameOID.TITLE.dotted_string,
    "givenName": NameOID.GIVEN_NAME.dotted_string,
    "surname": NameOID.SURNAME.dotted_string,
    "pseudonym": NameOID.PSEUDONYM.dotted_string,
    "serialNumber": NameOID.SERIAL_NUMBER.dotted_string,
    "commonName": NameOID.COMMON_NAME.dotted_string,
    "postalCode": NameOID.POSTAL_CODE.dotted_string,
    "streetAddress": NameOID.STREET_ADDRESS.dotted_string,
    "businessCategory": NameOID.BUSINESS_CATEGORY.dotted_string,
    "jurisdictionCountryName": NameOID.JURISDICTION_COUNTRY_NAME.dotted_string,
    "jurisdictionStateOrProvinceName": NameOID.JURISDICTION_STATE_OR_PROVINCE_NAME.dotted_string,
    "jurisdictionLocalityName": NameOID.JURISDICTION_LOCALITY_NAME.dotted_string,
}


@implements("TRUSTWORKS:ISSUANCE-SUBJECT")
def check(candidate: Candidate) -> str | None:
    """The subject has the attributes that the profile asks for, and none that it does not know."""
    profile = candidate.profile
    present = {oid for oid, _ in candidate.subject}
    missing = [name for name in profile.required if NAMES[name] not in present]
    unknown = present - {NAMES[name] for name in profile.attributes}
    if missing:
        return f"The subject lacks {', '.join(missing)}."
    if unknown:
        return f"The profile does not know the subject's attribute {', '.join(sorted(unknown))}."
    return None


LINT = Lint(
    id="TRUSTWORKS:ISSUANCE-SUBJECT",
    clause="the provider's practice statement",
    words="The subject has the attributes that the profile asks for, and none that it does not know.",
    applies=always,
    check=check,
)
