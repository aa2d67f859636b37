"""the provider's practice statement: no certificate is valid before or beyond its issuer's."""

from __future__ import annotations

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_issued


@implements("TRUSTWORKS:ISSUANCE-VALIDITY-NESTED")
def check(candidate: Candidate) -> str | None:
    """No certificate is valid before or beyond its issuer's."""
    issuer = candidate.around.issuer
    if issuer is not None and (
        candidate.not_before < issuer.not_valid_before_utc or candidate.not_after > issuer.not_valid_after_utc
    ):
        return (
            f"The validity reaches beyond the issuer's, which ends on {issuer.not_valid_after_utc:%Y-%m-%d}."
        )
    return None


LINT = Lint(
    id="TRUSTWORKS:ISSUANCE-VALIDITY-NESTED",
    clause="the provider's practice statement",
    words="No certificate is valid before or beyond its issuer's.",
    applies=is_issued,
    check=check,
)
