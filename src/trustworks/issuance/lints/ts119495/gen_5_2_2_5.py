"""TS 119 495, 5.2.2: a role's name is the one that belongs to its identifier."""

from __future__ import annotations

from trustworks.core.der.qc_statements import PSP_ROLES
from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_payment_service
from trustworks.issuance.lints.lint import Candidate, Lint


@implements("TS119495:GEN-5.2.2-5")
def check(candidate: Candidate) -> str | None:
    """A role's name is the one that belongs to its identifier."""
    for roles, _, _ in candidate.qc.psd2:
        for dotted, name in roles:
            if PSP_ROLES.get(name) != dotted:
                return f"{name!r} is not the name of the role {dotted}."
    return None


LINT = Lint(
    id="TS119495:GEN-5.2.2-5",
    clause="TS 119 495, 5.2.2",
    words="A role's name is the one that belongs to its identifier.",
    applies=is_payment_service,
    check=check,
)
