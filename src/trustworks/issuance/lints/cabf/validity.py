"""Baseline Requirements, 6.3.2.

A server's certificate issued from 15 March 2026 on is valid for at most 200 days.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from trustworks.core.trace import implements
from trustworks.issuance.lints.applicability import is_server
from trustworks.issuance.lints.lint import Candidate, Lint

SINCE = datetime(2026, 3, 15, tzinfo=UTC)


@implements("CABF-BR:6.3.2")
def check(candidate: Candidate) -> str | None:
    """A server's certificate issued from 15 March 2026 on is valid for at most 200 days."""
    lifetime = candidate.not_after - candidate.not_before + timedelta(seconds=1)
    if candidate.not_before >= SINCE and lifetime > timedelta(days=200):
        return f"The validity of {lifetime.days} days is more than 200."
    return None


LINT = Lint(
    id="CABF-BR:6.3.2",
    clause="Baseline Requirements, 6.3.2",
    words="A server's certificate issued from 15 March 2026 on is valid for at most 200 days.",
    applies=is_server,
    check=check,
)
