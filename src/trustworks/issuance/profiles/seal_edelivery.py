"""The seal on the evidence of the provider's own registered delivery service (EN 319 522).

EN 319 411-1 (NCP+), EN 319 412-3.
"""

from __future__ import annotations

from dataclasses import replace

from trustworks.issuance.profiles import seal_validation_report

PROFILE = replace(
    seal_validation_report.PROFILE,
    name="seal-edelivery",
    title="Seal of the provider's delivery evidence (NCP+)",
    own_policy=42,
)
