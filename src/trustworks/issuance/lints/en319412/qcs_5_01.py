"""EN 319 412-5, 5, table 2.

An EU qualified certificate says so, says truly whether its key is in a QSCD, and names no law.
"""

from __future__ import annotations

from trustworks.core.der import qc_statements as qcs
from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_qualified


@implements("EN319412-5:QCS-5-01")
def check(candidate: Candidate) -> str | None:
    """An EU qualified certificate says so, says truly whether its key is in a QSCD, and names no law."""
    ids = candidate.qc.ids
    if qcs.QC_COMPLIANCE not in ids:
        return "The statement QcCompliance is missing."
    if (qcs.QC_SSCD in ids) != candidate.profile.qc_sscd:
        return "The statement QcSSCD does not say what the profile says about the device."
    if qcs.QC_CC_LEGISLATION in ids:
        return "The statement QcCClegislation is for certificates under another law than the Union's."
    return None


LINT = Lint(
    id="EN319412-5:QCS-5-01",
    clause="EN 319 412-5, 5, table 2",
    words="An EU qualified certificate says so, says truly whether its key is in a QSCD, and names no law.",
    applies=is_qualified,
    check=check,
)
