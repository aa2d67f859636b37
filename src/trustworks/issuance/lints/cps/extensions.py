"""the provider's practice statement.

A certificate has the extensions that its profile asks for, and no other.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography.x509.oid import ExtensionOID

from trustworks.core.der.cabf import ORGANIZATION_IDENTIFIER
from trustworks.core.der.qc_statements import QC_STATEMENTS
from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always

if TYPE_CHECKING:
    from trustworks.issuance.model import Profile

NO_REV_AVAIL = "2.5.29.56"
VALIDITY_ASSURED = "0.4.0.194121.2.1"
POISON = "1.3.6.1.4.1.11129.2.4.3"
SCT_LIST = "1.3.6.1.4.1.11129.2.4.2"


@lru_cache(256)
def expected_extensions(profile: Profile) -> frozenset[str]:
    """The extensions of the profile, by their identifiers."""
    present = {
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER: True,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER: profile.key_identifier,
        ExtensionOID.KEY_USAGE: True,
        ExtensionOID.EXTENDED_KEY_USAGE: bool(profile.extended_key_usage),
        ExtensionOID.BASIC_CONSTRAINTS: profile.ca or profile.no_authority,
        ExtensionOID.CERTIFICATE_POLICIES: bool(profile.policy_identifiers("0")),
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME: profile.alternative_names == "required",
        ExtensionOID.PRIVATE_KEY_USAGE_PERIOD: profile.private_key_days is not None,
        ExtensionOID.CRL_DISTRIBUTION_POINTS: profile.crl_link,
        ExtensionOID.AUTHORITY_INFORMATION_ACCESS: profile.ocsp_link or profile.issuer_link,
        ExtensionOID.OCSP_NO_CHECK: profile.no_check,
    }
    found = {oid.dotted_string for oid, there in present.items() if there}
    others = {
        QC_STATEMENTS: profile.qc_type is not None,
        NO_REV_AVAIL: profile.short_term,
        VALIDITY_ASSURED: profile.short_term,
    }
    return frozenset(found | {oid for oid, there in others.items() if there})


@lru_cache(256)
def allowed_extensions(profile: Profile) -> frozenset[str]:
    """Those that depend on what was asked for, or on whether there are logs."""
    depending = {
        QC_STATEMENTS: profile.semantics is not None,
        ORGANIZATION_IDENTIFIER: profile.kind == "web" and "organizationIdentifier" in profile.attributes,
        POISON: profile.ct,
        SCT_LIST: profile.ct,
    }
    return frozenset(oid for oid, may in depending.items() if may)


@implements("TRUSTWORKS:ISSUANCE-EXTENSIONS")
def check(candidate: Candidate) -> str | None:
    """A certificate has the extensions that its profile asks for, and no other."""
    expected = expected_extensions(candidate.profile)
    found = set(candidate.extension_ids)
    wrong = (expected - found) | (found - expected - allowed_extensions(candidate.profile))
    if wrong:
        return f"The extensions differ from the profile's by {', '.join(sorted(wrong))}."
    return None


LINT = Lint(
    id="TRUSTWORKS:ISSUANCE-EXTENSIONS",
    clause="the provider's practice statement",
    words="A certificate has the extensions that its profile asks for, and no other.",
    applies=always,
    check=check,
)
