"""A natural person's certificate to prove who one is, for example to a web site (EN 319 411-1, NCP).

Its key signs challenges, and never content: key usage type C of EN 319 412-2, 4.3.2.
"""

from __future__ import annotations

from dataclasses import replace

from trustworks.issuance.profiles import natural_ncp

CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"

PROFILE = replace(
    natural_ncp.PROFILE,
    name="natural-ncp-auth",
    title="Natural person, authentication (NCP)",
    key_usage=("digital_signature",),
    extended_key_usage=(CLIENT_AUTH,),
    own_policy=13,
)
