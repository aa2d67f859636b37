"""RFC 3280, 4.2.1.4 (RFC 5280 leaves it to X.509).

A private key's usage period lies within the certificate's validity and is not critical.
"""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("RFC3280:4.2.1.4")
def check(candidate: Candidate) -> str | None:
    """A private key's usage period lies within the certificate's validity and is not critical."""
    found = candidate.extension(x509.PrivateKeyUsagePeriod)
    if found is None:
        return None
    first, last = found.value.not_before, found.value.not_after
    begin = candidate.not_before.replace(tzinfo=None)
    end = candidate.not_after.replace(tzinfo=None)
    if found.critical:
        return "The private key's usage period is critical."
    if (first is not None and first.replace(tzinfo=None) < begin) or (
        last is not None and last.replace(tzinfo=None) > end
    ):
        return "The private key's usage period reaches beyond the validity."
    return None


LINT = Lint(
    id="RFC3280:4.2.1.4",
    clause="RFC 3280, 4.2.1.4 (RFC 5280 leaves it to X.509)",
    words="A private key's usage period lies within the certificate's validity and is not critical.",
    applies=always,
    check=check,
)
