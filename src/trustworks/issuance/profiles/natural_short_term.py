"""A natural person's qualified certificate that ends before a revocation could take effect.

For keys of a remote signature creation device that sign once or for an afternoon. Nobody need ask for its
status: it is never revoked or held, and says so (EN 319 412-1, 5.2; RFC 9608). Its validity is shorter than
the 24 hours that EN 319 411-1, REV-6.2.4-03A gives a revocation.
"""

from __future__ import annotations

from dataclasses import replace

from trustworks.issuance.profiles import natural_qcp_n_qscd
from trustworks.issuance.profiles.editions import with_v2_6_1

PROFILE = replace(
    natural_qcp_n_qscd.PROFILE,
    name="natural-qcp-n-qscd-short-term",
    title="Natural person, qualified, key in a QSCD, validity assured, some hours (QCP-n-qscd)",
    days=1,
    max_days=1,
    hours=12,
    own_policy=22,
    short_term=True,
    suspension=False,
    crl_link=False,
    ocsp_link=False,
)
VERSIONS = with_v2_6_1(PROFILE)
