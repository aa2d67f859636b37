"""Electronic mail signed by a natural person (S/MIME Baseline Requirements, individual-validated, strict)."""

from __future__ import annotations

from dataclasses import replace

from trustworks.issuance.profiles import smime_mailbox

PROFILE = replace(
    smime_mailbox.PROFILE,
    name="smime-individual",
    title="Electronic mail, natural person (S/MIME strict)",
    subject_is="applicant",
    required=("commonName",),
    optional=("countryName", "stateOrProvinceName", "localityName", "title", "serialNumber"),
    one_of=(("givenName", "surname"), ("pseudonym",)),
    own_policy=53,
    policies=("2.23.140.1.5.4.3",),
)
