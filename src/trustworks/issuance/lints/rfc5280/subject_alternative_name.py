"""RFC 5280, 4.2.1.6: alternative names are not empty and have no empty or blank entry."""

from __future__ import annotations

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("RFC5280:4.2.1.6")
def check(candidate: Candidate) -> str | None:
    """Alternative names are not empty and have no empty or blank entry."""
    found = candidate.extension(x509.SubjectAlternativeName)
    if found is None:
        return None
    if not list(found.value):
        return "The alternative names are an empty list."
    for name in found.value:
        if isinstance(name, x509.DNSName | x509.RFC822Name | x509.UniformResourceIdentifier) and (
            not name.value.strip() or " " in name.value
        ):
            return f"{name.value!r} is not an alternative name."
    return None


LINT = Lint(
    id="RFC5280:4.2.1.6",
    clause="RFC 5280, 4.2.1.6",
    words="Alternative names are not empty and have no empty or blank entry.",
    applies=always,
    check=check,
)
