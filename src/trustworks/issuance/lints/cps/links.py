"""the provider's practice statement: links lead to the provider's own public address and nowhere else."""

from __future__ import annotations

from cryptography.x509.oid import AuthorityInformationAccessOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("TRUSTWORKS:ISSUANCE-LINKS")
def check(candidate: Candidate) -> str | None:
    """Links lead to the provider's own public address and nowhere else."""
    methods = (AuthorityInformationAccessOID.OCSP, AuthorityInformationAccessOID.CA_ISSUERS)
    urls = [
        *candidate.distribution_points(),
        *(url for method in methods for url in candidate.access(method)),
    ]
    foreign = [url for url in urls if not url.startswith(candidate.around.public_url + "/")]
    if foreign:
        return f"{foreign[0]} does not lie under {candidate.around.public_url}."
    return None


LINT = Lint(
    id="TRUSTWORKS:ISSUANCE-LINKS",
    clause="the provider's practice statement",
    words="Links lead to the provider's own public address and nowhere else.",
    applies=always,
    check=check,
)
