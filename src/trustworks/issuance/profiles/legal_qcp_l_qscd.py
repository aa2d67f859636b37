"""A legal person's qualified certificate for electronic seals, the key in a seal creation device.

EN 319 411-2 (QCP-l-qscd), EN 319 412-3, EN 319 412-5; Regulation (EU) 2025/1943, Annex II.
"""

from __future__ import annotations

from trustworks.core.der.qc_statements import QC_TYPE_ESEAL, QCP_L_QSCD, SEMANTICS_LEGAL
from trustworks.issuance.model import Profile
from trustworks.issuance.profiles.editions import V2_5_1_SINCE, with_v2_6_1

PROFILE = Profile(
    name="legal-qcp-l-qscd",
    version=1,
    since=V2_5_1_SINCE,
    title="Legal person, qualified seal, key in a QSCD (QCP-l-qscd)",
    kind="legal",
    subject_is="applicant",
    authority="issuing",
    days=730,
    max_days=1095,
    key_usage=("content_commitment",),
    required=("countryName", "organizationName", "organizationIdentifier", "commonName"),
    optional=("stateOrProvinceName", "localityName", "organizationalUnitName", "serialNumber"),
    own_policy=2,
    policies=(QCP_L_QSCD,),
    qcs="V2.5.1",
    qc_type=QC_TYPE_ESEAL,
    qc_sscd=True,
    semantics=SEMANTICS_LEGAL,
)
VERSIONS = with_v2_6_1(PROFILE)
