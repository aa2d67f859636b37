"""The seal on the validation reports of the provider's own validation service.

TS 119 441, TS 119 102-2: reports are sealed by the service that made them; EN 319 411-1 (NCP+), EN 319 412-3.
"""

from __future__ import annotations

from dataclasses import replace

from trustworks.issuance.profiles import legal_ncp_plus

PROFILE = replace(
    legal_ncp_plus.PROFILE,
    name="seal-validation-report",
    title="Seal of the provider's validation reports (NCP+)",
    subject_is="provider",
    days=1096,
    max_days=1826,
    required=("countryName", "organizationName", "organizationIdentifier", "commonName"),
    optional=(),
    from_provider=("countryName", "organizationName", "organizationIdentifier"),
    own_policy=40,
)
