"""A time-stamping unit: timeStamping alone and critical; its private key ends well before its certificate.

The certificate outlives the key so that tokens made on the key's last day can still be verified for years
(RFC 3161, 2.3; EN 319 421, 7.6.7).
"""

from __future__ import annotations

from trustworks.issuance.model import Profile

TIME_STAMPING = "1.3.6.1.5.5.7.3.8"

PROFILE = Profile(
    name="tsu",
    version=1,
    title="Time-stamping unit",
    kind="tsu",
    subject_is="provider",
    authority="issuing",
    days=1825,
    max_days=3653,
    private_key_days=365,
    key_usage=("digital_signature",),
    extended_key_usage=(TIME_STAMPING,),
    extended_key_usage_critical=True,
    required=("commonName",),
    from_provider=("countryName", "organizationName", "organizationIdentifier"),
    own_policy=3,
)
