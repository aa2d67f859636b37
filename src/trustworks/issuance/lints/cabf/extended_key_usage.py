"""Baseline Requirements, 7.1.2.7.10.

A server's extended key usage is serverAuth, and neither a signer's nor everything.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_server
from trustworks.issuance.lints.lint import Candidate, Lint


@implements("CABF-BR:7.1.2.7.10")
def check(candidate: Candidate) -> str | None:
    """A server's extended key usage is serverAuth, and neither a signer's nor everything."""
    found = candidate.extension(x509.ExtendedKeyUsage)
    usages = set() if found is None else set(found.value)
    if ExtendedKeyUsageOID.SERVER_AUTH not in usages or usages - {
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
    }:
        return "The extended key usage must be serverAuth."
    return None


LINT = Lint(
    id="CABF-BR:7.1.2.7.10",
    clause="Baseline Requirements, 7.1.2.7.10",
    words="A server's extended key usage is serverAuth, and neither a signer's nor everything.",
    applies=is_server,
    check=check,
)
