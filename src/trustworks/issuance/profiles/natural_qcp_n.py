"""A natural person's qualified certificate for electronic signatures, wherever the key is.

EN 319 411-2 (QCP-n), EN 319 412-2, EN 319 412-5. With it advanced signatures are made that are based on a
qualified certificate; without a signature creation device they are not qualified signatures.
"""

from __future__ import annotations

from dataclasses import replace

from trustworks.core.der.qc_statements import QCP_N
from trustworks.issuance.profiles import natural_qcp_n_qscd
from trustworks.issuance.profiles.editions import with_v2_6_1

PROFILE = replace(
    natural_qcp_n_qscd.PROFILE,
    name="natural-qcp-n",
    title="Natural person, qualified (QCP-n)",
    own_policy=20,
    policies=(QCP_N,),
    qc_sscd=False,
)
VERSIONS = with_v2_6_1(PROFILE)
