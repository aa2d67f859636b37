"""The signer of the audit log's checkpoints. No extended key usage is defined for that, so none is named."""

from __future__ import annotations

from trustworks.issuance.model import Profile

PROFILE = Profile(
    name="audit-signer",
    version=1,
    title="Signer of audit checkpoints",
    kind="audit-signer",
    subject_is="provider",
    authority="issuing",
    days=1096,
    max_days=1826,
    key_usage=("digital_signature",),
    required=("commonName",),
    from_provider=("countryName", "organizationName", "organizationIdentifier"),
    own_policy=5,
)
