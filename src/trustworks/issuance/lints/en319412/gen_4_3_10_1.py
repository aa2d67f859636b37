"""EN 319 412-2, 4.3.10: the extended key usages are not critical."""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_person


@implements("EN319412-2:GEN-4.3.10-1")
def check(candidate: Candidate) -> str | None:
    """The extended key usages are not critical."""
    found = candidate.extension(x509.ExtendedKeyUsage)
    if found is not None and found.critical:
        return "The extended key usages are critical."
    return None


LINT = Lint(
    id="EN319412-2:GEN-4.3.10-1",
    clause="EN 319 412-2, 4.3.10",
    words="The extended key usages are not critical.",
    applies=is_person,
    check=check,
)
