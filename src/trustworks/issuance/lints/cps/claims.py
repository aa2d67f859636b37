"""the provider's practice statement.

A certificate that is not qualified makes no statement and names no policy of those that are.
"""

from __future__ import annotations

from typing import Final

from trustworks.core.der import qc_statements as qcs
from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_not_qualified
from trustworks.issuance.lints.lint import Candidate, Lint

QUALIFIED: Final = "0.4.0.194112.1."  # policies of EN 319 411-2, 5.3


@implements("TRUSTWORKS:ISSUANCE-CLAIMS")
def check(candidate: Candidate) -> str | None:
    """A certificate that is not qualified makes no statement and names no policy of those that are."""
    claimed = set(candidate.qc.ids) - {qcs.QC_SYNTAX_V2}
    policies = [policy for policy in candidate.policies if policy.startswith(QUALIFIED)]
    if claimed or policies:
        return f"The certificate is not qualified, and claims {', '.join([*sorted(claimed), *policies])}."
    return None


LINT = Lint(
    id="TRUSTWORKS:ISSUANCE-CLAIMS",
    clause="the provider's practice statement",
    words="A certificate that is not qualified makes no statement and names no policy of those that are.",
    applies=is_not_qualified,
    check=check,
)
