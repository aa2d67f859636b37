"""A legal person's qualified certificate for a web site that browsers need not know.

EN 319 411-2 (QNCP-w-gen), EN 319 412-4, 4.1.3: as EN 319 412-3 has it, with names and usages of servers. It
serves machines that talk to each other.
"""

from __future__ import annotations

from trustworks.core.der.qc_statements import QC_TYPE_WEB, QNCP_W_GEN, SEMANTICS_LEGAL
from trustworks.issuance.model import SERVER_AUTH, Profile
from trustworks.issuance.profiles.editions import V2_5_1_SINCE, with_v2_6_1

PROFILE = Profile(
    name="qncp-w-gen-legal",
    version=1,
    since=V2_5_1_SINCE,
    title="Web site of a legal person, qualified, general purpose (QNCP-w-gen)",
    kind="legal",
    subject_is="applicant",
    web="gen",
    authority="issuing",
    days=199,
    max_days=397,
    key_usage=("digital_signature",),
    extended_key_usage=(SERVER_AUTH,),
    required=("countryName", "organizationName", "organizationIdentifier", "commonName"),
    optional=("stateOrProvinceName", "localityName"),
    own_policy=33,
    policies=(QNCP_W_GEN,),
    qcs="V2.5.1",
    qc_type=QC_TYPE_WEB,
    semantics=SEMANTICS_LEGAL,
    suspension=False,
    caa=True,
    alternative_names="required",
    honours=("subjectAltName",),
)
VERSIONS = with_v2_6_1(PROFILE)
