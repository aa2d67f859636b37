"""As legal-ncp, with the private key in a secure cryptographic device (EN 319 411-1, NCP+)."""

from __future__ import annotations

from dataclasses import replace

from trustworks.issuance.profiles import legal_ncp
from trustworks.issuance.profiles.natural_ncp_plus import NCP_PLUS

PROFILE = replace(
    legal_ncp.PROFILE,
    name="legal-ncp-plus",
    title="Legal person, advanced seals, key in a secure device (NCP+)",
    own_policy=15,
    policies=(NCP_PLUS,),
)
