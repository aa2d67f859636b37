"""RFC 5280, 4.1.2.6.

An authority has a name; another subject without one has critical alternative names.
"""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("RFC5280:4.1.2.6")
def check(candidate: Candidate) -> str | None:
    """An authority has a name; another subject without one has critical alternative names."""
    if candidate.subject:
        return None
    names = candidate.extension(x509.SubjectAlternativeName)
    if candidate.profile.ca or names is None or not names.critical:
        return "The subject has no name, and no critical alternative names that could stand for it."
    return None


LINT = Lint(
    id="RFC5280:4.1.2.6",
    clause="RFC 5280, 4.1.2.6",
    words="An authority has a name; another subject without one has critical alternative names.",
    applies=always,
    check=check,
)
