"""A legal person's qualified certificate that vouches for the certificates its web site shows (2-QWAC).

TS 119 411-5 V2.1.1, 4.2.2: it signs a binding that names other certificates, and serves no connection itself.
"""

from __future__ import annotations

from dataclasses import replace

from trustworks.issuance.profiles import qncp_w_gen_legal
from trustworks.issuance.profiles.editions import with_v2_6_1

TLS_BINDING = "0.4.0.194115.1.0"

PROFILE = replace(
    qncp_w_gen_legal.PROFILE,
    name="qwac-binding",
    title="Web site of a legal person, qualified, binds its other certificates (2-QWAC, QNCP-w-gen)",
    web="binding",
    extended_key_usage=(TLS_BINDING,),
    own_policy=36,
)
VERSIONS = with_v2_6_1(PROFILE)
