"""A legal person's qualified certificate that ends before a revocation could take effect.

As natural_short_term, for seals.
"""

from __future__ import annotations

from dataclasses import replace

from trustworks.issuance.profiles import legal_qcp_l_qscd
from trustworks.issuance.profiles.editions import with_v2_6_1

PROFILE = replace(
    legal_qcp_l_qscd.PROFILE,
    name="legal-qcp-l-qscd-short-term",
    title="Legal person, qualified seal, key in a QSCD, validity assured, some hours (QCP-l-qscd)",
    days=1,
    max_days=1,
    hours=12,
    own_policy=23,
    short_term=True,
    suspension=False,
    crl_link=False,
    ocsp_link=False,
)
VERSIONS = with_v2_6_1(PROFILE)
