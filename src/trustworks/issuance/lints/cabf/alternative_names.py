"""Baseline Requirements, 7.1.2.7.12.

A server has alternative names, and each is a DNS name or an IP address.
"""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_server
from trustworks.issuance.lints.lint import Candidate, Lint


@implements("CABF-BR:7.1.2.7.12")
def check(candidate: Candidate) -> str | None:
    """A server has alternative names, and each is a DNS name or an IP address."""
    found = candidate.extension(x509.SubjectAlternativeName)
    names = [] if found is None else list(found.value)
    if not names or not all(isinstance(name, x509.DNSName | x509.IPAddress) for name in names):
        return "The alternative names must be DNS names and IP addresses."
    return None


LINT = Lint(
    id="CABF-BR:7.1.2.7.12",
    clause="Baseline Requirements, 7.1.2.7.12",
    words="A server has alternative names, and each is a DNS name or an IP address.",
    applies=is_server,
    check=check,
)
