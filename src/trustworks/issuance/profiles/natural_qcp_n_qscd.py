"""A natural person's qualified certificate for electronic signatures, the key in a signature creation device.

EN 319 411-2 (QCP-n-qscd), EN 319 412-2, EN 319 412-5; Regulation (EU) 2025/1943, Annex I.
"""

from __future__ import annotations

from trustworks.core.der.qc_statements import QC_TYPE_ESIGN, QCP_N_QSCD, SEMANTICS_NATURAL
from trustworks.issuance.model import Profile
from trustworks.issuance.profiles.editions import V2_5_1_SINCE, with_v2_6_1

PROFILE = Profile(
    name="natural-qcp-n-qscd",
    version=1,
    since=V2_5_1_SINCE,
    title="Natural person, qualified, key in a QSCD (QCP-n-qscd)",
    kind="natural",
    subject_is="applicant",
    authority="issuing",
    days=730,
    max_days=1095,
    key_usage=("content_commitment",),
    required=("countryName", "serialNumber", "commonName"),
    optional=("title", "organizationName", "organizationIdentifier", "organizationalUnitName"),
    one_of=(("givenName", "surname"), ("pseudonym",)),
    own_policy=1,
    policies=(QCP_N_QSCD,),
    qcs="V2.5.1",
    qc_type=QC_TYPE_ESIGN,
    qc_sscd=True,
    semantics=SEMANTICS_NATURAL,
)
VERSIONS = with_v2_6_1(PROFILE)
