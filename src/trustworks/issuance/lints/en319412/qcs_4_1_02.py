"""EN 319 412-5, 4.1: the statements of a qualified certificate are not critical."""

from __future__ import annotations

from trustworks.core.der import qc_statements as qcs
from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_qualified


@implements("EN319412-5:QCS-4.1-02")
def check(candidate: Candidate) -> str | None:
    """The statements of a qualified certificate are not critical."""
    found = candidate.extensions.get(qcs.QC_STATEMENTS)
    if found is not None and found.critical:
        return "The qcStatements are critical."
    return None


LINT = Lint(
    id="EN319412-5:QCS-4.1-02",
    clause="EN 319 412-5, 4.1",
    words="The statements of a qualified certificate are not critical.",
    applies=is_qualified,
    check=check,
)
