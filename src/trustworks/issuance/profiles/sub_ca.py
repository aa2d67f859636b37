"""An authority under the root that issues to subjects and services, and to no further authority."""

from __future__ import annotations

from trustworks.issuance.model import Profile

ANY_POLICY = "2.5.29.32.0"  # allowed in an authority of the same provider (RFC 5280, 4.2.1.4)

PROFILE = Profile(
    name="sub-ca",
    version=1,
    title="Issuing certification authority",
    kind="sub-ca",
    subject_is="provider",
    authority="root",
    days=3653,
    max_days=7305,
    ca=True,
    path_length=0,
    key_usage=("key_cert_sign", "crl_sign"),
    required=("commonName",),
    from_provider=("countryName", "organizationName", "organizationIdentifier"),
    policies=(ANY_POLICY,),
    ocsp_link=False,  # the root answers by its list; its key is not online
)
