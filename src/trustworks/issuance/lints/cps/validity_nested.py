"""the provider's practice statement: no certificate is valid before or beyond its issuer's."""

from __future__ import annotations

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_issued


@implements("TRUSTWORKS:ISSUANCE-VALIDITY-NESTED")
def check(candidate: Candidate) -> str | None:
    """No certificate is valid before or beyond its issuer's."""
    within = candidate.around.issuer_validity
    if within is not None and (candidate.not_before < within[0] or candidate.not_after > within[1]):
        return f"The validity reaches beyond the issuer's, which ends on {within[1]:%Y-%m-%d}."
    return None


LINT = Lint(
    id="TRUSTWORKS:ISSUANCE-VALIDITY-NESTED",
    clause="the provider's practice statement",
    words="No certificate is valid before or beyond its issuer's.",
    applies=is_issued,
    check=check,
)
