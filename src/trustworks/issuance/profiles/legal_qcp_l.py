"""A legal person's qualified certificate for electronic seals, wherever the key is.

EN 319 411-2 (QCP-l), EN 319 412-3, EN 319 412-5.
"""

from __future__ import annotations

from dataclasses import replace

from trustworks.core.der.qc_statements import QCP_L
from trustworks.issuance.profiles import legal_qcp_l_qscd
from trustworks.issuance.profiles.editions import with_v2_6_1

PROFILE = replace(
    legal_qcp_l_qscd.PROFILE,
    name="legal-qcp-l",
    title="Legal person, qualified seal (QCP-l)",
    own_policy=21,
    policies=(QCP_L,),
    qc_sscd=False,
)
VERSIONS = with_v2_6_1(PROFILE)
