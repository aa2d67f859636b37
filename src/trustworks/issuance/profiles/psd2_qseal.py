"""A payment service provider's qualified certificate for electronic seals, with its roles.

TS 119 495 V1.7.1 (QSealC), EN 319 411-2 (QCP-l-qscd), EN 319 412-3.
"""

from __future__ import annotations

from dataclasses import replace

from trustworks.issuance.profiles import legal_qcp_l_qscd
from trustworks.issuance.profiles.editions import with_v2_6_1

PROFILE = replace(
    legal_qcp_l_qscd.PROFILE,
    name="psd2-qseal",
    title="Payment service provider, qualified seal, key in a QSCD (QSealC, QCP-l-qscd)",
    own_policy=24,
    psd2=True,
)
VERSIONS = with_v2_6_1(PROFILE)
