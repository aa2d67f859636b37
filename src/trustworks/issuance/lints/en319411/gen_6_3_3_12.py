"""EN 319 411-1, 6.3.3.

At most one policy of the standard is named; for web sites that of the kind of validation.
"""

from __future__ import annotations

from typing import Final

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always

# NCP, NCP+, LCP, EVCP, DVCP, OVCP, IVCP (EN 319 411-1, 5.3).
POLICIES: Final = frozenset(f"0.4.0.2042.1.{number}" for number in (1, 2, 3, 4, 6, 7, 8))
WEB: Final = {"ev": "0.4.0.2042.1.4", "ov": "0.4.0.2042.1.7", "iv": "0.4.0.2042.1.8"}


@implements("EN319411-1:GEN-6.3.3-12")
def check(candidate: Candidate) -> str | None:
    """At most one policy of the standard is named; for web sites that of the kind of validation."""
    found = [policy for policy in candidate.policies if policy in POLICIES]
    if len(found) > 1:
        return f"The policies {', '.join(found)} of EN 319 411-1 exclude each other."
    wanted = WEB.get(candidate.profile.web or "")
    if wanted is not None and found != [wanted]:
        return f"The policy {wanted} of EN 319 411-1 is missing."
    return None


LINT = Lint(
    id="EN319411-1:GEN-6.3.3-12",
    clause="EN 319 411-1, 6.3.3",
    words="At most one policy of the standard is named; for web sites that of the kind of validation.",
    applies=always,
    check=check,
)
