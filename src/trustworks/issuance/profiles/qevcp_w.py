"""A legal person's qualified certificate for a web site, by the extended validation guidelines.

EN 319 411-2 (QEVCP-w), TS 119 411-5, EN 319 412-4, 4.1.2; CA/Browser Forum EV Guidelines and Baseline
Requirements, 7.1.2.7. Browsers show it as they show other certificates (TS 119 411-5, 1-QWAC).
"""

from __future__ import annotations

from trustworks.core.der.qc_statements import QC_TYPE_WEB, QCP_W, SEMANTICS_LEGAL
from trustworks.issuance.model import SERVER_AUTH, Profile
from trustworks.issuance.profiles.editions import V2_5_1_SINCE, with_v2_6_1

EV = "2.23.140.1.1"
EVCP = "0.4.0.2042.1.4"

# Baseline Requirements, 7.1.4.2: what a web site's subject has, in this order; the rest follows.
ORDER = (
    "countryName",
    "stateOrProvinceName",
    "localityName",
    "postalCode",
    "streetAddress",
    "organizationName",
    "surname",
    "givenName",
    "businessCategory",
    "jurisdictionCountryName",
    "jurisdictionStateOrProvinceName",
    "jurisdictionLocalityName",
    "serialNumber",
    "organizationIdentifier",
)

PROFILE = Profile(
    name="qevcp-w",
    version=1,
    since=V2_5_1_SINCE,
    title="Web site of a legal person, qualified, extended validation (QEVCP-w)",
    kind="web",
    subject_is="applicant",
    web="ev",
    authority="issuing",
    days=199,
    max_days=199,
    key_usage=("digital_signature",),
    extended_key_usage=(SERVER_AUTH,),
    required=(
        "countryName",
        "organizationName",
        "businessCategory",
        "jurisdictionCountryName",
        "serialNumber",
        "organizationIdentifier",
    ),
    optional=(
        "stateOrProvinceName",
        "localityName",
        "postalCode",
        "streetAddress",
        "jurisdictionStateOrProvinceName",
        "jurisdictionLocalityName",
    ),
    order=ORDER,
    own_policy=30,
    reserved_policy=EV,
    policies=(EVCP, QCP_W),
    qcs="V2.5.1",
    qc_type=QC_TYPE_WEB,
    semantics=SEMANTICS_LEGAL,
    suspension=False,
    caa=True,
    ct=True,
    cps_link=False,  # Baseline Requirements, 7.1.2.7.9 and 7.1.2.7.6: neither is recommended
    key_identifier=False,
    alternative_names="required",
    name_kinds=("DNS",),
    honours=("subjectAltName",),
)
VERSIONS = with_v2_6_1(PROFILE)
