"""EN 319 412-5, 5.2: the policy identifier of the standard agrees with the statements."""

from __future__ import annotations

from trustworks.core.der import qc_statements as qcs
from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_qualified

POLICIES = {
    (qcs.QC_TYPE_ESIGN, False): qcs.QCP_N,
    (qcs.QC_TYPE_ESIGN, True): qcs.QCP_N_QSCD,
    (qcs.QC_TYPE_ESEAL, False): qcs.QCP_L,
    (qcs.QC_TYPE_ESEAL, True): qcs.QCP_L_QSCD,
}
WEB_POLICIES = {
    "ev": qcs.QCP_W,
    "ov": qcs.QNCP_W,
    "iv": qcs.QNCP_W,
    "gen": qcs.QNCP_W_GEN,
    "binding": qcs.QNCP_W_GEN,
}
ALL = {*POLICIES.values(), *WEB_POLICIES.values()}


@implements("EN319412-5:QCS-5.2-1")
def check(candidate: Candidate) -> str | None:
    """The policy identifier of the standard agrees with the statements."""
    named = set(candidate.policies) & ALL
    web = candidate.profile.web
    expected = (
        POLICIES[candidate.profile.qc_type or "", qcs.QC_SSCD in candidate.qc.ids]
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
