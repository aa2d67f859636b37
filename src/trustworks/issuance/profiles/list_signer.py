"""The signer of trusted lists: id-tsl-kp-tslSigning alone; its subject has the scheme's country and operator.

Source: TS 119 612 V2.4.1, 5.7.1.
"""

from __future__ import annotations

from typing import Final

from trustworks.issuance.model import Profile

TSL_SIGNING: Final = "0.4.0.2231.3.0"

PROFILE = Profile(
    name="list-signer",
    version=1,
    title="Signer of trusted lists",
    kind="list-signer",
    subject_is="provider",
    authority="issuing",
    days=1096,
    max_days=1826,
    key_usage=("digital_signature",),
    extended_key_usage=(TSL_SIGNING,),
    required=("commonName",),
    from_provider=("countryName", "organizationName", "organizationIdentifier"),
    no_authority=True,
    own_policy=7,
)
