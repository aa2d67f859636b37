"""RFC 6960, 4.2.2.2: a delegated responder's extended key usage is OCSPSigning."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, of_kind


@implements("RFC6960:4.2.2.2")
def check(candidate: Candidate) -> str | None:
    """A delegated responder's extended key usage is OCSPSigning."""
    found = candidate.extension(x509.ExtendedKeyUsage)
    if found is None or ExtendedKeyUsageOID.OCSP_SIGNING not in found.value:
        return "The extended key usage OCSPSigning is missing, without which no client believes the answers."
    return None


LINT = Lint(
    id="RFC6960:4.2.2.2",
    clause="RFC 6960, 4.2.2.2",
    words="A delegated responder's extended key usage is OCSPSigning.",
    applies=of_kind("ocsp-signer"),
    check=check,
)
