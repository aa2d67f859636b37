"""TS 119 495, 5.1.

A payment service provider's certificate states its roles and its authority, once; no other does.
"""

from __future__ import annotations

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("TS119495:GEN-5.1-1")
def check(candidate: Candidate) -> str | None:
    """A payment service provider's certificate states its roles and its authority, once; no other does."""
    if (len(candidate.qc.psd2) == 1) != candidate.profile.psd2 or len(candidate.qc.psd2) > 1:
        return "The statement of payment services is for payment service providers, and for all of them once."
    return None


LINT = Lint(
    id="TS119495:GEN-5.1-1",
    clause="TS 119 495, 5.1",
    words="A payment service provider's certificate states its roles and its authority, once; no other does.",
    applies=always,
    check=check,
)
