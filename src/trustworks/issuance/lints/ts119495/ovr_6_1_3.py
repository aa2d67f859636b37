"""TS 119 495, 6.1.

The policy for web sites of payment service providers stands in their certificates alone.
"""

from __future__ import annotations

from typing import Final

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always

QCP_WEB_PSD2: Final = "0.4.0.19495.3.1"


@implements("TS119495:OVR-6.1-3")
def check(candidate: Candidate) -> str | None:
    """The policy for web sites of payment service providers stands in their certificates alone."""
    wanted = candidate.profile.psd2 and candidate.profile.web is not None
    if (QCP_WEB_PSD2 in candidate.policies) != wanted:
        return "The policy qcp-web-psd2 is for web sites of payment service providers, and for all of ours."
    return None


LINT = Lint(
    id="TS119495:OVR-6.1-3",
    clause="TS 119 495, 6.1",
    words="The policy for web sites of payment service providers stands in their certificates alone.",
    applies=always,
    check=check,
)
