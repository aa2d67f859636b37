"""RFC 6960, 4.2.2.2.1.

A responder whose own status is not to be asked for says so, and no other certificate does.
"""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("RFC6960:4.2.2.2.1")
def check(candidate: Candidate) -> str | None:
    """A responder whose own status is not to be asked for says so, and no other certificate does."""
    found = candidate.extension(x509.OCSPNoCheck)
    if (found is not None) != candidate.profile.no_check:
        return "ocsp-nocheck is for OCSP signers, and for all of ours."
    if found is not None and found.critical:
        return "ocsp-nocheck is critical."
    return None


LINT = Lint(
    id="RFC6960:4.2.2.2.1",
    clause="RFC 6960, 4.2.2.2.1",
    words="A responder whose own status is not to be asked for says so, and no other certificate does.",
    applies=always,
    check=check,
)
