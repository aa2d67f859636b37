"""EN 319 412-2, 4.3.11: at least one reference to the list is by http or ldap."""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_person


@implements("EN319412-2:GEN-4.3.11-4")
def check(candidate: Candidate) -> str | None:
    """At least one reference to the list is by http or ldap."""
    found = candidate.extension(x509.CRLDistributionPoints)
    if found is not None and not any(
        url.startswith(("http://", "ldap://")) for url in candidate.distribution_points()
    ):
        return "No distribution point is reached by http:// or ldap://."
    return None


LINT = Lint(
    id="EN319412-2:GEN-4.3.11-4",
    clause="EN 319 412-2, 4.3.11",
    words="At least one reference to the list is by http or ldap.",
    applies=is_person,
    check=check,
)
