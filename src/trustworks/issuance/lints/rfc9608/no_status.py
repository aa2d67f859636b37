"""RFC 9608, 2.

A certificate that says it has no revocation information has none, and is no authority's.
"""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always

NO_REV_AVAIL: Final = "2.5.29.56"


@implements("RFC9608:2", "EN319411-1:CSS-6.3.10-01A")
def check(candidate: Candidate) -> str | None:
    """A certificate that says it has no revocation information has none, and is no authority's."""
    if NO_REV_AVAIL not in candidate.extensions:
        return None
    freshest = candidate.extension(x509.FreshestCRL)
    if candidate.distribution_points() or freshest or candidate.access(AuthorityInformationAccessOID.OCSP):
        return "The certificate says that there is no revocation information, and where it is."
    if candidate.profile.ca:
        return "An authority's certificate says that there is no revocation information."
    return None


LINT = Lint(
    id="RFC9608:2",
    clause="RFC 9608, 2",
    words="A certificate that says it has no revocation information has none, and is no authority's.",
    applies=always,
    check=check,
)
