"""As natural-ncp, under the lightweight policy, which asks less of the identification (EN 319 411-1, LCP)."""

from __future__ import annotations

from dataclasses import replace

from trustworks.issuance.profiles import natural_ncp

LCP = "0.4.0.2042.1.3"

PROFILE = replace(
    natural_ncp.PROFILE,
    name="natural-lcp",
    title="Natural person, advanced signatures (LCP)",
    days=365,
    own_policy=12,
    policies=(LCP,),
)
