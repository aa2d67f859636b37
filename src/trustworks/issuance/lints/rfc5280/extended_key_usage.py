"""RFC 5280, 4.2.1.12.

Extended key usages agree with the key usage, and anyExtendedKeyUsage is not among them.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("RFC5280:4.2.1.12")
def check(candidate: Candidate) -> str | None:
    """Extended key usages agree with the key usage, and anyExtendedKeyUsage is not among them."""
    found = candidate.extension(x509.ExtendedKeyUsage)
    if found is None:
        return None
    if ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in found.value:
        return "anyExtendedKeyUsage lets the certificate be used for everything."
    if not candidate.key_usages & {"digital_signature", "content_commitment"}:
        return "The extended key usages need a key that may sign."
    return None


LINT = Lint(
    id="RFC5280:4.2.1.12",
    clause="RFC 5280, 4.2.1.12",
    words="Extended key usages agree with the key usage, and anyExtendedKeyUsage is not among them.",
    applies=always,
    check=check,
)
