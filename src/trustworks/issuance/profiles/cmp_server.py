"""The key that signs the answers of the certificate management protocol (RFC 9483, 1.7): id-kp-cmcCA."""

from __future__ import annotations

from trustworks.issuance.model import Profile

CMC_CA = "1.3.6.1.5.5.7.3.27"

PROFILE = Profile(
    name="cmp-server",
    version=1,
    title="CMP server of the provider",
    kind="cmp-server",
    subject_is="provider",
    authority="issuing",
    days=365,
    max_days=1096,
    key_usage=("digital_signature",),
    extended_key_usage=(CMC_CA,),
    required=("commonName",),
    from_provider=("countryName", "organizationName", "organizationIdentifier"),
    own_policy=61,
)
