"""The root: self-signed, signs authorities and its own revocation list, and nothing else."""

from __future__ import annotations

from trustworks.issuance.model import Profile

PROFILE = Profile(
    name="root",
    version=1,
    title="Root certification authority",
    kind="root",
    subject_is="provider",
    authority="root",
    days=7305,
    max_days=10958,
    ca=True,
    key_usage=("key_cert_sign", "crl_sign"),
    required=("commonName",),
    from_provider=("countryName", "organizationName", "organizationIdentifier"),
    crl_link=False,
    ocsp_link=False,
    issuer_link=False,
)
