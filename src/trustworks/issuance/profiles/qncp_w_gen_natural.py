"""A natural person's qualified certificate for a web site that browsers need not know.

EN 319 411-2 (QNCP-w-gen), EN 319 412-4, 4.1.3: as EN 319 412-2 has it, with names and usages of servers.
"""

from __future__ import annotations

from dataclasses import replace

from trustworks.core.der.qc_statements import SEMANTICS_NATURAL
from trustworks.issuance.profiles import qncp_w_gen_legal
from trustworks.issuance.profiles.editions import with_v2_6_1

PROFILE = replace(
    qncp_w_gen_legal.PROFILE,
    name="qncp-w-gen-natural",
    title="Web site of a natural person, qualified, general purpose (QNCP-w-gen)",
    kind="natural",
    required=("countryName", "serialNumber", "commonName"),
    optional=(),
    one_of=(("givenName", "surname"), ("pseudonym",)),
    own_policy=34,
    semantics=SEMANTICS_NATURAL,
)
VERSIONS = with_v2_6_1(PROFILE)
