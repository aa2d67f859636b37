"""the provider's practice statement.

A certificate has the extensions that its profile asks for, and no other.
"""

from __future__ import annotations

from cryptography.x509.oid import ExtensionOID

from trustworks.core.der.x509 import QC_STATEMENTS
from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


def expected_extensions(candidate: Candidate) -> set[str]:
    """The extensions of the profile, by their identifiers."""
    profile = candidate.profile
    present = {
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER: True,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER: True,
        ExtensionOID.KEY_USAGE: True,
        ExtensionOID.EXTENDED_KEY_USAGE: bool(profile.extended_key_usage),
        ExtensionOID.BASIC_CONSTRAINTS: profile.ca,
        ExtensionOID.CERTIFICATE_POLICIES: bool(profile.policies) or profile.own_policy is not None,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME: profile.alternative_names == "required",
        ExtensionOID.PRIVATE_KEY_USAGE_PERIOD: profile.private_key_days is not None,
        ExtensionOID.CRL_DISTRIBUTION_POINTS: profile.crl_link,
        ExtensionOID.AUTHORITY_INFORMATION_ACCESS: profile.ocsp_link or profile.issuer_link,
        ExtensionOID.OCSP_NO_CHECK: profile.no_check,
    }
    found = {oid.dotted_string for oid, there in present.items() if there}
    return found | {QC_STATEMENTS} if profile.qc_type is not None else found


@implements("TRUSTWORKS:ISSUANCE-EXTENSIONS")
def check(candidate: Candidate) -> str | None:
    """A certificate has the extensions that its profile asks for, and no other."""
    expected = expected_extensions(candidate)
    found = set(candidate.extension_ids)
    if found != expected:
        return f"The extensions differ from the profile's by {', '.join(sorted(found ^ expected))}."
    return None


LINT = Lint(
    id="TRUSTWORKS:ISSUANCE-EXTENSIONS",
    clause="the provider's practice statement",
    words="A certificate has the extensions that its profile asks for, and no other.",
    applies=always,
    check=check,
)
