"""EN 319 412-5, 4.3.5.

How the subject was identified is stated, if at all, as one of the methods of Article 24.
"""

from __future__ import annotations

from trustworks.core.der import qc_statements as qcs
from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_qualified


@implements("EN319412-5:QCS-4.3.5-02")
def check(candidate: Candidate) -> str | None:
    """How the subject was identified is stated, if at all, as one of the methods of Article 24."""
    found = candidate.qc.methods
    if qcs.QC_IDENT_METHOD in candidate.qc.ids and (
        len(found) != 1 or found[0] not in qcs.IDENTIFICATION_METHODS.values()
    ):
        return f"The method of identification ({', '.join(found) or 'none'}) is not one that is known."
    return None


LINT = Lint(
    id="EN319412-5:QCS-4.3.5-02",
    clause="EN 319 412-5, 4.3.5",
    words="How the subject was identified is stated, if at all, as one of the methods of Article 24.",
    applies=is_qualified,
    check=check,
)
