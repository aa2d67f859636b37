"""Electronic mail signed by a legal person (S/MIME Baseline Requirements, organization-validated, strict)."""

from __future__ import annotations

from dataclasses import replace

from trustworks.issuance.profiles import smime_mailbox

PROFILE = replace(
    smime_mailbox.PROFILE,
    name="smime-organization",
    title="Electronic mail, organisation validated (S/MIME strict)",
    subject_is="applicant",
    required=("organizationName", "organizationIdentifier", "commonName"),
    optional=("countryName", "stateOrProvinceName", "localityName", "organizationalUnitName"),
    own_policy=51,
    policies=("2.23.140.1.5.2.3",),
)
