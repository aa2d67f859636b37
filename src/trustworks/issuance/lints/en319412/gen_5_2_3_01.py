"""EN 319 412-1, 5.2.3: the extension that assures the validity is NULL, and is not critical."""

from __future__ import annotations

from typing import Final

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always

VALIDITY_ASSURED: Final = "0.4.0.194121.2.1"


@implements("EN319412-1:GEN-5.2.3-01")
def check(candidate: Candidate) -> str | None:
    """The extension that assures the validity is NULL, and is not critical."""
    found = candidate.extensions.get(VALIDITY_ASSURED)
    if found is not None and (found.critical or found.value.value != b"\x05\x00"):
        return "The extension that assures the validity is critical, or has another content than NULL."
    return None


LINT = Lint(
    id="EN319412-1:GEN-5.2.3-01",
    clause="EN 319 412-1, 5.2.3",
    words="The extension that assures the validity is NULL, and is not critical.",
    applies=always,
    check=check,
)
