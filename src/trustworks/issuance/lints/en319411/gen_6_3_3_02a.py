"""EN 319 411-1, 6.3.3: serial numbers cannot be predicted."""

from __future__ import annotations

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("EN319411-1:GEN-6.3.3-02A")
def check(candidate: Candidate) -> str | None:
    """Serial numbers cannot be predicted."""
    serial = candidate.tbs.serial_number
    if serial.bit_length() < 96:
        return f"The serial number {serial:#x} is too short to be 159 random bits."
    return None


LINT = Lint(
    id="EN319411-1:GEN-6.3.3-02A",
    clause="EN 319 411-1, 6.3.3",
    words="Serial numbers cannot be predicted.",
    applies=always,
    check=check,
)
