"""RFC 5280, 4.1.1.2: the signature algorithm beside the signature is the one that was signed."""

from __future__ import annotations

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("RFC5280:4.1.1.2")
def check(candidate: Candidate) -> str | None:
    """The signature algorithm beside the signature is the one that was signed."""
    if candidate.outer_algorithm != bytes(candidate.tbs.signature.data):
        return "The signature algorithm in the certificate's signed part differs from the one outside."
    return None


LINT = Lint(
    id="RFC5280:4.1.1.2",
    clause="RFC 5280, 4.1.1.2",
    words="The signature algorithm beside the signature is the one that was signed.",
    applies=always,
    check=check,
    outside=True,
)
