"""RFC 5280, 4.2.2.1: access to the authority's information is described as URLs, and not critically."""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("RFC5280:4.2.2.1")
def check(candidate: Candidate) -> str | None:
    """Access to the authority's information is described as URLs, and not critically."""
    found = candidate.extension(x509.AuthorityInformationAccess)
    if found is None:
        return None
    if found.critical:
        return "The authority information access is critical."
    if any(type(one.access_location) is not x509.UniformResourceIdentifier for one in found.value):
        return "An access location is not a URL."
    return None


LINT = Lint(
    id="RFC5280:4.2.2.1",
    clause="RFC 5280, 4.2.2.1",
    words="Access to the authority's information is described as URLs, and not critically.",
    applies=always,
    check=check,
)
