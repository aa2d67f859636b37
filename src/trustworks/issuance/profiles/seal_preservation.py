"""The seal on the preservation evidence of the provider's own preservation service (TS 119 511).

EN 319 411-1 (NCP+), EN 319 412-3.
"""

from __future__ import annotations

from dataclasses import replace

from trustworks.issuance.profiles import seal_validation_report

PROFILE = replace(
    seal_validation_report.PROFILE,
    name="seal-preservation",
    title="Seal of the provider's preservation evidence (NCP+)",
    own_policy=41,
)
