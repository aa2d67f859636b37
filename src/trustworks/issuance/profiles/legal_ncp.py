"""A legal person's certificate for advanced electronic seals under the normalized policy.

EN 319 411-1 (NCP), EN 319 412-3.
"""

from __future__ import annotations

from trustworks.core.der.qc_statements import SEMANTICS_LEGAL
from trustworks.issuance.model import Profile
from trustworks.issuance.profiles.natural_ncp import NCP

PROFILE = Profile(
    name="legal-ncp",
    version=1,
    title="Legal person, advanced seals (NCP)",
    kind="legal",
    subject_is="applicant",
    authority="issuing",
    days=730,
    max_days=1095,
    key_usage=("content_commitment",),
    required=("countryName", "organizationName", "organizationIdentifier", "commonName"),
    optional=("stateOrProvinceName", "localityName", "organizationalUnitName", "serialNumber"),
    own_policy=14,
    policies=(NCP,),
    semantics=SEMANTICS_LEGAL,
)
