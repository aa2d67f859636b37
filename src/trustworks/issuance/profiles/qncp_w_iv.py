"""A natural person's qualified certificate for a web site, by the baseline requirements.

EN 319 411-2 (QNCP-w with IVCP), TS 119 411-5, EN 319 412-4, 4.1.4; Baseline Requirements, 7.1.2.7.3.
"""

from __future__ import annotations

from dataclasses import replace

from trustworks.core.der.qc_statements import QNCP_W
from trustworks.issuance.profiles import qevcp_w
from trustworks.issuance.profiles.editions import with_v2_6_1

IV = "2.23.140.1.2.3"
IVCP = "0.4.0.2042.1.8"

PROFILE = replace(
    qevcp_w.PROFILE,
    name="qncp-w-iv",
    title="Web site of a natural person, qualified, individual validated (QNCP-w)",
    web="iv",
    required=("countryName", "surname", "givenName"),
    optional=("stateOrProvinceName", "localityName"),
    own_policy=32,
    reserved_policy=IV,
    policies=(IVCP, QNCP_W),
    semantics=None,
    name_kinds=("DNS", "IP"),
)
VERSIONS = with_v2_6_1(PROFILE)
