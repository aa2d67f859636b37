"""EN 319 412-5, 5.2: the policy identifier of the standard agrees with the statements."""

from __future__ import annotations

from trustworks.core.der import x509 as der
from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_qualified

POLICIES = {
    (der.QC_TYPE_ESIGN, False): der.QCP_N,
    (der.QC_TYPE_ESIGN, True): der.QCP_N_QSCD,
    (der.QC_TYPE_ESEAL, False): der.QCP_L,
    (der.QC_TYPE_ESEAL, True): der.QCP_L_QSCD,
}
WEB_POLICIES = {
    "ev": der.QCP_W,
    "ov": der.QNCP_W,
    "iv": der.QNCP_W,
    "gen": der.QNCP_W_GEN,
    "binding": der.QNCP_W_GEN,
}
ALL = {*POLICIES.values(), *WEB_POLICIES.values()}


@implements("EN319412-5:QCS-5.2-1")
def check(candidate: Candidate) -> str | None:
    """The policy identifier of the standard agrees with the statements."""
    named = set(candidate.policies) & ALL
    web = candidate.profile.web
    expected = (
        POLICIES[candidate.profile.qc_type or "", der.QC_SSCD in candidate.qc.ids]
        if web is None
        else WEB_POLICIES[web]
    )
    if named - {expected}:
        return f"The policies {sorted(named)} do not agree with the statements, which stand for {expected}."
    return None


LINT = Lint(
    id="EN319412-5:QCS-5.2-1",
    clause="EN 319 412-5, 5.2",
    words="The policy identifier of the standard agrees with the statements.",
    applies=is_qualified,
    check=check,
)
