"""EN 319 412-2, 4.3.11: the distribution points are not critical."""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_person


@implements("EN319412-2:GEN-4.3.11-5")
def check(candidate: Candidate) -> str | None:
    """The distribution points are not critical."""
    found = candidate.extension(x509.CRLDistributionPoints)
    if found is not None and found.critical:
        return "The distribution points are critical."
    return None


LINT = Lint(
    id="EN319412-2:GEN-4.3.11-5",
    clause="EN 319 412-2, 4.3.11",
    words="The distribution points are not critical.",
    applies=is_person,
    check=check,
)
