"""EN 319 412-2, 4.3.11: where the authority publishes lists, as ours does, the certificate says where."""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_person_with_status
from trustworks.issuance.lints.lint import Candidate, Lint


@implements("EN319412-2:GEN-4.3.11-1")
def check(candidate: Candidate) -> str | None:
    """Where the authority publishes lists, as ours does, the certificate says where."""
    if candidate.extension(x509.CRLDistributionPoints) is None:
        return "The certificate does not say where the revocation list is."
    return None


LINT = Lint(
    id="EN319412-2:GEN-4.3.11-1",
    clause="EN 319 412-2, 4.3.11",
    words="Where the authority publishes lists, as ours does, the certificate says where.",
    applies=is_person_with_status,
    check=check,
)
