"""EN 319 412-2, 4.3.11: a certificate without a responder's address has a distribution point."""

from __future__ import annotations

from cryptography.x509.oid import AuthorityInformationAccessOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_person_with_status
from trustworks.issuance.lints.lint import Candidate, Lint


@implements("EN319412-2:GEN-4.3.11-2", "EN319411-1:CSS-6.3.10-05")
def check(candidate: Candidate) -> str | None:
    """A certificate without a responder's address has a distribution point."""
    if not candidate.access(AuthorityInformationAccessOID.OCSP) and not candidate.distribution_points():
        return "The certificate gives neither a responder nor a revocation list."
    return None


LINT = Lint(
    id="EN319412-2:GEN-4.3.11-2",
    clause="EN 319 412-2, 4.3.11",
    words="A certificate without a responder's address has a distribution point.",
    applies=is_person_with_status,
    check=check,
)
