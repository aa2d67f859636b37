"""TS 119 495, 5.2.2: there is one role or more, or the one that says that none is specified."""

from __future__ import annotations

from typing import Final

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_payment_service
from trustworks.issuance.lints.lint import Candidate, Lint

UNSPECIFIED: Final = "0.4.0.19495.1.0"


@implements("TS119495:GEN-5.2.2-1")
def check(candidate: Candidate) -> str | None:
    """There is one role or more, or the one that says that none is specified."""
    for roles, _, _ in candidate.qc.psd2:
        ids = [dotted for dotted, _ in roles]
        if not ids or len(set(ids)) != len(ids) or (UNSPECIFIED in ids and len(ids) > 1):
            return "The roles are none, or the same twice, or one beside the unspecified."
    return None


LINT = Lint(
    id="TS119495:GEN-5.2.2-1",
    clause="TS 119 495, 5.2.2",
    words="There is one role or more, or the one that says that none is specified.",
    applies=is_payment_service,
    check=check,
)
