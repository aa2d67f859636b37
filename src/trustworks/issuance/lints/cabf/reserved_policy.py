"""Baseline Requirements, 7.1.2.7.9.

A web site's first policy is that of its kind of validation, and no other reserved one is there.
"""

from __future__ import annotations

from typing import Final

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_web_by_forum
from trustworks.issuance.lints.lint import Candidate, Lint

BY_KIND: Final = {"ev": "2.23.140.1.1", "ov": "2.23.140.1.2.2", "iv": "2.23.140.1.2.3"}
RESERVED: Final = frozenset({*BY_KIND.values(), "2.23.140.1.2.1", "2.5.29.32.0"})


@implements("CABF-BR:7.1.2.7.9")
def check(candidate: Candidate) -> str | None:
    """A web site's first policy is that of its kind of validation, and no other reserved one is there."""
    found = [policy for policy in candidate.policies if policy in RESERVED]
    wanted = BY_KIND[candidate.profile.web or ""]
    if found != [wanted] or candidate.policies[0] != wanted:
        return f"The first policy must be {wanted}, and no other of the CA/Browser Forum's may stand there."
    return None


LINT = Lint(
    id="CABF-BR:7.1.2.7.9",
    clause="Baseline Requirements, 7.1.2.7.9",
    words="A web site's first policy is that of its kind of validation, and no other reserved one is there.",
    applies=is_web_by_forum,
    check=check,
)
