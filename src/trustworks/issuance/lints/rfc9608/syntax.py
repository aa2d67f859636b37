"""RFC 9608, 2: that there is no revocation information is said by NULL, and is not critical."""

from __future__ import annotations

from typing import Final

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always

NO_REV_AVAIL: Final = "2.5.29.56"


@implements("RFC9608:2-SYNTAX")
def check(candidate: Candidate) -> str | None:
    """That there is no revocation information is said by NULL, and is not critical."""
    found = candidate.extensions.get(NO_REV_AVAIL)
    if found is not None and (found.critical or found.value.value != b"\x05\x00"):
        return "noRevAvail is critical, or has another content than NULL."
    return None


LINT = Lint(
    id="RFC9608:2-SYNTAX",
    clause="RFC 9608, 2",
    words="That there is no revocation information is said by NULL, and is not critical.",
    applies=always,
    check=check,
)
