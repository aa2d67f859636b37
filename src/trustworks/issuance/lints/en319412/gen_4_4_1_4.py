"""EN 319 412-2, 4.4.1: one address of the issuing certificate is by http or https."""

from __future__ import annotations

from cryptography.x509.oid import AuthorityInformationAccessOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_person


@implements("EN319412-2:GEN-4.4.1-4")
def check(candidate: Candidate) -> str | None:
    """One address of the issuing certificate is by http or https."""
    urls = candidate.access(AuthorityInformationAccessOID.CA_ISSUERS)
    if urls and not any(url.startswith(("http://", "https://")) for url in urls):
        return "The issuer's certificate is not reached by http or https."
    return None


LINT = Lint(
    id="EN319412-2:GEN-4.4.1-4",
    clause="EN 319 412-2, 4.4.1",
    words="One address of the issuing certificate is by http or https.",
    applies=is_person,
    check=check,
)
