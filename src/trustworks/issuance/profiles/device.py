"""A device or a service of a subscriber, for general purposes: it signs, and proves who it is to servers.

No person, therefore no qualified certificate; policy NCP (EN 319 411-1, 5.3).
"""

from __future__ import annotations

from trustworks.issuance.model import Profile

CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"

PROFILE = Profile(
    name="device",
    version=1,
    title="Device or service of a subscriber",
    kind="device",
    subject_is="device",
    authority="issuing",
    days=365,
    max_days=825,
    key_usage=("digital_signature",),
    extended_key_usage=(CLIENT_AUTH,),
    required=("commonName",),
    optional=("countryName", "organizationName", "organizationalUnitName", "serialNumber"),
    own_policy=60,
)
