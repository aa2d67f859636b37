"""EN 319 412-2, 4.4.1: where the authority answers OCSP, as ours does, the responder has an address."""

from __future__ import annotations

from cryptography.x509.oid import AuthorityInformationAccessOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_person_with_status
from trustworks.issuance.lints.lint import Candidate, Lint


@implements("EN319412-2:GEN-4.4.1-5", "EN319411-1:CSS-6.3.10-06")
def check(candidate: Candidate) -> str | None:
    """Where the authority answers OCSP, as ours does, the responder has an address."""
    if not candidate.access(AuthorityInformationAccessOID.OCSP):
        return "The certificate does not say where the OCSP responder is."
    return None


LINT = Lint(
    id="EN319412-2:GEN-4.4.1-5",
    clause="EN 319 412-2, 4.4.1",
    words="Where the authority answers OCSP, as ours does, the responder has an address.",
    applies=is_person_with_status,
    check=check,
)
