"""As natural-ncp, with the private key in a secure cryptographic device (EN 319 411-1, NCP+)."""

from __future__ import annotations

from dataclasses import replace

from trustworks.issuance.profiles import natural_ncp

NCP_PLUS = "0.4.0.2042.1.2"

PROFILE = replace(
    natural_ncp.PROFILE,
    name="natural-ncp-plus",
    title="Natural person, advanced signatures, key in a secure device (NCP+)",
    own_policy=11,
    policies=(NCP_PLUS,),
)
