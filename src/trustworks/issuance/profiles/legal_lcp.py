"""As legal-ncp, under the lightweight policy, which asks less of the identification (EN 319 411-1, LCP)."""

from __future__ import annotations

from dataclasses import replace

from trustworks.issuance.profiles import legal_ncp
from trustworks.issuance.profiles.natural_lcp import LCP

PROFILE = replace(
    legal_ncp.PROFILE,
    name="legal-lcp",
    title="Legal person, advanced seals (LCP)",
    days=365,
    own_policy=16,
    policies=(LCP,),
)
