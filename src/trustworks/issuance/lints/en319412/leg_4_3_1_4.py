"""EN 319 412-3, 4.3.1: of the types for seals, type A is used."""

from __future__ import annotations

from trustworks.core.der.qc_statements import QC_TYPE_ESEAL
from trustworks.core.trace import implements
from trustworks.issuance.lints.en319412.key_usage_types import key_usage_type
from trustworks.issuance.lints.lint import Candidate, Lint, is_legal


@implements("EN319412-3:LEG-4.3.1-4")
def check(candidate: Candidate) -> str | None:
    """Of the types for seals, type A is used."""
    found = key_usage_type(candidate.key_usages)
    if candidate.profile.qc_type == QC_TYPE_ESEAL and found in {"B", "F"}:
        return f"The key usage is of type {found}; type A does not mix usages of the key."
    return None


LINT = Lint(
    id="EN319412-3:LEG-4.3.1-4",
    clause="EN 319 412-3, 4.3.1",
    words="Of the types for seals, type A is used.",
    applies=is_legal,
    check=check,
)
