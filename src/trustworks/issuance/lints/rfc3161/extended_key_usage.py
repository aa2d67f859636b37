"""RFC 3161, 2.3: a time-stamping unit's only extended key usage is timeStamping, and it is critical."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, of_kind


@implements("RFC3161:2.3-PURPOSE")
def check(candidate: Candidate) -> str | None:
    """A time-stamping unit's only extended key usage is timeStamping, and it is critical."""
    found = candidate.extension(x509.ExtendedKeyUsage)
    if found is None or list(found.value) != [ExtendedKeyUsageOID.TIME_STAMPING] or not found.critical:
        return "The extended key usage must be timeStamping alone, and critical."
    return None


LINT = Lint(
    id="RFC3161:2.3-PURPOSE",
    clause="RFC 3161, 2.3",
    words="A time-stamping unit's only extended key usage is timeStamping, and it is critical.",
    applies=of_kind("tsu"),
    check=check,
)
