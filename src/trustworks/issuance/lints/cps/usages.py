"""the provider's practice statement: key usage and extended key usages are exactly the profile's."""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("TRUSTWORKS:ISSUANCE-USAGES")
def check(candidate: Candidate) -> str | None:
    """Key usage and extended key usages are exactly the profile's."""
    found = candidate.extension(x509.ExtendedKeyUsage)
    usages = () if found is None else tuple(usage.dotted_string for usage in found.value)
    if candidate.key_usages != set(candidate.profile.key_usage):
        return f"The key usage ({', '.join(sorted(candidate.key_usages))}) is not the profile's."
    if usages != candidate.profile.extended_key_usage:
        return f"The extended key usages ({', '.join(usages)}) are not the profile's."
    return None


LINT = Lint(
    id="TRUSTWORKS:ISSUANCE-USAGES",
    clause="the provider's practice statement",
    words="Key usage and extended key usages are exactly the profile's.",
    applies=always,
    check=check,
)
