"""A delegated OCSP responder: short-lived, not checked itself, therefore without links to status services.

RFC 6960, 4.2.2.2; EN 319 411-1, CSS-6.6.3-01B.
"""

from __future__ import annotations

from trustworks.issuance.model import Profile

OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"

PROFILE = Profile(
    name="ocsp-signer",
    version=1,
    title="OCSP responder",
    kind="ocsp-signer",
    subject_is="provider",
    authority="issuing",
    days=90,
    max_days=366,
    key_usage=("digital_signature",),
    extended_key_usage=(OCSP_SIGNING,),
    required=("commonName",),
    from_provider=("countryName", "organizationName", "organizationIdentifier"),
    own_policy=4,
    crl_link=False,
    ocsp_link=False,
    no_check=True,
)
