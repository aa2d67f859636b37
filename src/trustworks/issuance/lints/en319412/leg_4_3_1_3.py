"""EN 319 412-3, 4.3.1.

A certificate that shows origin and integrity of content, as for seals, is of type A, B or F.
"""

from __future__ import annotations

from trustworks.core.der.qc_statements import QC_TYPE_ESEAL
from trustworks.core.trace import implements
from trustworks.issuance.lints.en319412.key_usage_types import key_usage_type
from trustworks.issuance.lints.lint import Candidate, Lint, is_legal


@implements("EN319412-3:LEG-4.3.1-3")
def check(candidate: Candidate) -> str | None:
    """A certificate that shows origin and integrity of content, as for seals, is of type A, B or F."""
    if candidate.profile.qc_type == QC_TYPE_ESEAL and key_usage_type(candidate.key_usages) not in {
        "A",
        "B",
        "F",
    }:
        return "The key usage does not let the key show origin and integrity of content."
    return None


LINT = Lint(
    id="EN319412-3:LEG-4.3.1-3",
    clause="EN 319 412-3, 4.3.1",
    words="A certificate that shows origin and integrity of content, as for seals, is of type A, B or F.",
    applies=is_legal,
    check=check,
)
