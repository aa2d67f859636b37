"""EN 319 412-2, 4.4.1: the issuing authority's certificate has an address."""

from __future__ import annotations

from cryptography.x509.oid import AuthorityInformationAccessOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_person


@implements("EN319412-2:GEN-4.4.1-3")
def check(candidate: Candidate) -> str | None:
    """The issuing authority's certificate has an address."""
    if not candidate.access(AuthorityInformationAccessOID.CA_ISSUERS):
        return "The certificate does not say where its issuer's certificate is."
    return None


LINT = Lint(
    id="EN319412-2:GEN-4.4.1-3",
    clause="EN 319 412-2, 4.4.1",
    words="The issuing authority's certificate has an address.",
    applies=is_person,
    check=check,
)
