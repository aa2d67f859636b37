"""Electronic mail signed by a member of an organisation that vouches for it.

CA/Browser Forum S/MIME Baseline Requirements, sponsor-validated, strict.
"""

from __future__ import annotations

from dataclasses import replace

from trustworks.issuance.profiles import smime_mailbox

PROFILE = replace(
    smime_mailbox.PROFILE,
    name="smime-sponsored",
    title="Electronic mail, member of an organisation (S/MIME strict)",
    subject_is="applicant",
    required=("organizationName", "organizationIdentifier", "commonName"),
    optional=("countryName", "stateOrProvinceName", "localityName", "organizationalUnitName", "title"),
    one_of=(("givenName", "surname"), ("pseudonym",)),
    own_policy=52,
    policies=("2.23.140.1.5.3.3",),
)
