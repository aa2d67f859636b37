"""A server whose control over its DNS names and addresses was validated (ACME): DVCP of EN 319 411-1.

No attribute of the subject is validated, so it has none: the names are alternative names alone.
"""

from __future__ import annotations

from trustworks.issuance.model import SERVER_AUTH, Profile

DVCP = "0.4.0.2042.1.6"

PROFILE = Profile(
    name="tls-server-dv",
    version=1,
    title="TLS server, domain validated",
    kind="tls-server",
    subject_is="names",
    authority="issuing",
    days=90,
    max_days=100,
    key_usage=("digital_signature",),
    extended_key_usage=(SERVER_AUTH,),
    required=(),
    own_policy=70,
    policies=(DVCP,),
    suspension=False,
    caa=True,  # CA/Browser Forum Baseline Requirements, 3.2.2.8
    alternative_names="required",
    name_kinds=("DNS", "IP"),
)
