"""EN 319 412-2, 4.3.3: certificate policies are not critical."""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_person


@implements("EN319412-2:GEN-4.3.3-1")
def check(candidate: Candidate) -> str | None:
    """Certificate policies are not critical."""
    found = candidate.extension(x509.CertificatePolicies)
    if found is not None and found.critical:
        return "The certificate policies are critical."
    return None


LINT = Lint(
    id="EN319412-2:GEN-4.3.3-1",
    clause="EN 319 412-2, 4.3.3",
    words="Certificate policies are not critical.",
    applies=is_person,
    check=check,
)
