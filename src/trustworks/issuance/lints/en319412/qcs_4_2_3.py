"""EN 319 412-5, 4.2.3.

A qualified certificate has one purpose: signature, seal or web site, and it is the profile's.
"""

from __future__ import annotations

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_qualified


@implements("EN319412-5:QCS-4.2.3-01")
def check(candidate: Candidate) -> str | None:
    """A qualified certificate has one purpose: signature, seal or web site, and it is the profile's."""
    if candidate.qc.types != (candidate.profile.qc_type,):
        return f"The QcType is {list(candidate.qc.types)}, and the profile's {candidate.profile.qc_type}."
    return None


LINT = Lint(
    id="EN319412-5:QCS-4.2.3-01",
    clause="EN 319 412-5, 4.2.3",
    words="A qualified certificate has one purpose: signature, seal or web site, and it is the profile's.",
    applies=is_qualified,
    check=check,
)
