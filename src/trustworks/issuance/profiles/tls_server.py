"""A server of the provider's own, for HTTPS. Not publicly trusted, and without an identifier that says so."""

from __future__ import annotations

from trustworks.issuance.model import SERVER_AUTH, Profile

PROFILE = Profile(
    name="tls-server",
    version=1,
    title="HTTPS server of the provider",
    kind="tls-server",
    subject_is="provider",
    authority="issuing",
    days=199,  # browsers take no more than 200 days from 2026-03-15 on
    max_days=199,
    key_usage=("digital_signature",),
    extended_key_usage=(SERVER_AUTH,),
    required=("commonName",),
    from_provider=("countryName", "organizationName"),
    own_policy=6,
    alternative_names="required",
    honours=("subjectAltName",),
)
