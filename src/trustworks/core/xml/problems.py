"""What was found wrong while a signature was read or a reference resolved: a value, for a caller to judge."""

from __future__ import annotations

from trustworks.core.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A code for programs, such as ``reference.not-found``, and a sentence for people."""

    code: str
    message: str
