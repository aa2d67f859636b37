"""RFC 5280, 4.1.2.2: a serial number is positive and has at most 20 octets."""

from __future__ import annotations

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("RFC5280:4.1.2.2")
def check(candidate: Candidate) -> str | None:
    """A serial number is positive and has at most 20 octets."""
    serial = candidate.tbs.serial_number
    if serial <= 0 or serial.bit_length() > 159:
        return f"The serial number {serial:#x} is not a positive one of at most 20 octets."
    return None


LINT = Lint(
    id="RFC5280:4.1.2.2",
    clause="RFC 5280, 4.1.2.2",
    words="A serial number is positive and has at most 20 octets.",
    applies=always,
    check=check,
)
