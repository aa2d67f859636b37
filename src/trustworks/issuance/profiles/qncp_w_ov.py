"""A legal person's qualified certificate for a web site, by the baseline requirements.

EN 319 411-2 (QNCP-w with OVCP), TS 119 411-5, EN 319 412-4, 4.1.4; Baseline Requirements, 7.1.2.7.4.
"""

from __future__ import annotations

from dataclasses import replace

from trustworks.core.der.qc_statements import QNCP_W
from trustworks.issuance.profiles import qevcp_w
from trustworks.issuance.profiles.editions import with_v2_6_1

OV = "2.23.140.1.2.2"
OVCP = "0.4.0.2042.1.7"

PROFILE = replace(
    qevcp_w.PROFILE,
    name="qncp-w-ov",
    title="Web site of a legal person, qualified, organisation validated (QNCP-w)",
    web="ov",
    required=("countryName", "organizationName"),
    optional=("stateOrProvinceName", "localityName", "organizationIdentifier"),
    own_policy=31,
    reserved_policy=OV,
    policies=(OVCP, QNCP_W),
    name_kinds=("DNS", "IP"),
)
VERSIONS = with_v2_6_1(PROFILE)
