"""EN 319 412-2, 4.3.2: a certificate for signatures that commit to content is of type A, B or F."""

from __future__ import annotations

from trustworks.core.der.qc_statements import QC_TYPE_ESIGN
from trustworks.core.trace import implements
from trustworks.issuance.lints.en319412.key_usage_types import key_usage_type
from trustworks.issuance.lints.lint import Candidate, Lint, is_natural


@implements("EN319412-2:NAT-4.3.2-2")
def check(candidate: Candidate) -> str | None:
    """A certificate for signatures that commit to content is of type A, B or F."""
    if candidate.profile.qc_type == QC_TYPE_ESIGN and key_usage_type(candidate.key_usages) not in {
        "A",
        "B",
        "F",
    }:
        return "The key usage does not let the key commit its holder to content."
    return None


LINT = Lint(
    id="EN319412-2:NAT-4.3.2-2",
    clause="EN 319 412-2, 4.3.2",
    words="A certificate for signatures that commit to content is of type A, B or F.",
    applies=is_natural,
    check=check,
)
