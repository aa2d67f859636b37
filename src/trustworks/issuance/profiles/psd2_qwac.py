"""A payment service provider's qualified certificate for its web site, with its roles.

TS 119 495 V1.7.1 (QWAC), EN 319 411-2 (QEVCP-w), EN 319 412-4, 4.1.2.
"""

from __future__ import annotations

from dataclasses import replace

from trustworks.issuance.profiles import qevcp_w
from trustworks.issuance.profiles.editions import with_v2_6_1

QCP_WEB_PSD2 = "0.4.0.19495.3.1"

PROFILE = replace(
    qevcp_w.PROFILE,
    name="psd2-qwac",
    title="Payment service provider, web site, qualified, extended validation (QWAC, QEVCP-w)",
    own_policy=35,
    policies=(*qevcp_w.PROFILE.policies, QCP_WEB_PSD2),
    psd2=True,
)
VERSIONS = with_v2_6_1(PROFILE)
