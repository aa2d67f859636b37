"""A natural person's certificate for advanced electronic signatures under the normalized policy.

EN 319 411-1 (NCP), EN 319 412-2.
"""

from __future__ import annotations

from trustworks.core.der.qc_statements import SEMANTICS_NATURAL
from trustworks.issuance.model import Profile

NCP = "0.4.0.2042.1.1"

PROFILE = Profile(
    name="natural-ncp",
    version=1,
    title="Natural person, advanced signatures (NCP)",
    kind="natural",
    subject_is="applicant",
    authority="issuing",
    days=730,
    max_days=1095,
    key_usage=("content_commitment",),
    required=("countryName", "serialNumber", "commonName"),
    optional=("title", "organizationName", "organizationIdentifier", "organizationalUnitName"),
    one_of=(("givenName", "surname"), ("pseudonym",)),
    own_policy=10,
    policies=(NCP,),
    semantics=SEMANTICS_NATURAL,
)
