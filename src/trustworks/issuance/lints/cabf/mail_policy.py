"""S/MIME Baseline Requirements, 7.1.6.1.

A certificate for mail names one policy of the CA/Browser Forum, that of its kind of validation.
"""

from __future__ import annotations

from typing import Final

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_smime
from trustworks.issuance.lints.lint import Candidate, Lint

RESERVED: Final = "2.23.140.1.5."


@implements("CABF-SMIME:7.1.6.1")
def check(candidate: Candidate) -> str | None:
    """A certificate for mail names one policy of the CA/Browser Forum, that of its kind of validation."""
    found = tuple(policy for policy in candidate.policies if policy.startswith(RESERVED))
    wanted = tuple(policy for policy in candidate.profile.policies if policy.startswith(RESERVED))
    if found != wanted or len(found) != 1:
        return f"The policies of the CA/Browser Forum ({', '.join(found)}) are not the one of the profile."
    return None


LINT = Lint(
    id="CABF-SMIME:7.1.6.1",
    clause="S/MIME Baseline Requirements, 7.1.6.1",
    words="A certificate for mail names one policy of the CA/Browser Forum, that of its kind of validation.",
    applies=is_smime,
    check=check,
)
