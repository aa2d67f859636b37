"""As `tls_server_dv`, for six days: a key that is lost is of no use soon, whoever looks at its status."""

from __future__ import annotations

from dataclasses import replace

from trustworks.issuance.profiles import tls_server_dv

PROFILE = replace(
    tls_server_dv.PROFILE,
    name="tls-server-dv-short",
    title="TLS server, domain validated, short-lived",
    days=6,
    max_days=6,
    own_policy=71,
)
