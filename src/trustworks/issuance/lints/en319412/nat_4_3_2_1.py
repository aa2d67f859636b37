"""EN 319 412-2, 4.3.2: a person's key usage is exactly one of the types A to F."""

from __future__ import annotations

from trustworks.core.trace import implements
from trustworks.issuance.lints.en319412.key_usage_types import key_usage_type
from trustworks.issuance.lints.lint import Candidate, Lint, is_person


@implements("EN319412-2:NAT-4.3.2-1")
def check(candidate: Candidate) -> str | None:
    """A person's key usage is exactly one of the types A to F."""
    if key_usage_type(candidate.key_usages) is None:
        return f"The key usage ({', '.join(sorted(candidate.key_usages))}) is none of the types A to F."
    return None


LINT = Lint(
    id="EN319412-2:NAT-4.3.2-1",
    clause="EN 319 412-2, 4.3.2",
    words="A person's key usage is exactly one of the types A to F.",
    applies=is_person,
    check=check,
)
