"""Electronic mail signed for an address of which nothing is known but that its holder reads it.

CA/Browser Forum S/MIME Baseline Requirements, mailbox-validated, strict.
"""

from __future__ import annotations

from trustworks.issuance.model import Profile

EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4"

PROFILE = Profile(
    name="smime-mailbox",
    version=1,
    title="Electronic mail, mailbox validated (S/MIME strict)",
    kind="smime",
    subject_is="names",
    authority="issuing",
    days=365,
    max_days=824,
    key_usage=("digital_signature",),
    extended_key_usage=(EMAIL_PROTECTION,),
    required=("commonName",),
    own_policy=50,
    caa=True,  # RFC 9495; S/MIME Baseline Requirements, 4.2.2.1
    policies=("2.23.140.1.5.1.3",),
    alternative_names="required",
    name_kinds=("email",),
)
