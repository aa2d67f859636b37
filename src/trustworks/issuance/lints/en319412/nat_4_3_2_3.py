"""EN 319 412-2, 4.3.2: of the types that commit, type A is used, which mixes no usages."""

from __future__ import annotations

from trustworks.core.der.qc_statements import QC_TYPE_ESIGN
from trustworks.core.trace import implements
from trustworks.issuance.lints.en319412.key_usage_types import key_usage_type
from trustworks.issuance.lints.lint import Candidate, Lint, is_natural


@implements("EN319412-2:NAT-4.3.2-3")
def check(candidate: Candidate) -> str | None:
    """Of the types that commit, type A is used, which mixes no usages."""
    found = key_usage_type(candidate.key_usages)
    if candidate.profile.qc_type == QC_TYPE_ESIGN and found in {"B", "F"}:
        return f"The key usage is of type {found}; type A does not mix usages of the key."
    return None


LINT = Lint(
    id="EN319412-2:NAT-4.3.2-3",
    clause="EN 319 412-2, 4.3.2",
    words="Of the types that commit, type A is used, which mixes no usages.",
    applies=is_natural,
    check=check,
)
