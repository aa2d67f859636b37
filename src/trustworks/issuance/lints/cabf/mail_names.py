"""S/MIME Baseline Requirements, 7.1.2.3.

A certificate for mail is for nothing else, and names mailboxes alone.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_smime
from trustworks.issuance.lints.lint import Candidate, Lint


@implements("CABF-SMIME:7.1.2.3")
def check(candidate: Candidate) -> str | None:
    """A certificate for mail is for nothing else, and names mailboxes alone."""
    usages = candidate.extension(x509.ExtendedKeyUsage)
    if usages is None or set(usages.value) != {ExtendedKeyUsageOID.EMAIL_PROTECTION}:
        return "The extended key usage must be emailProtection alone."
    found = candidate.extension(x509.SubjectAlternativeName)
    names = [] if found is None else list(found.value)
    if not names or not all(isinstance(name, x509.RFC822Name) for name in names):
        return "The alternative names must be mailboxes."
    return None


LINT = Lint(
    id="CABF-SMIME:7.1.2.3",
    clause="S/MIME Baseline Requirements, 7.1.2.3",
    words="A certificate for mail is for nothing else, and names mailboxes alone.",
    applies=is_smime,
    check=check,
)
