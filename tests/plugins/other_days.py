"""Commands of `trustworks` on another day: for `forked_program.run_script`."""

from __future__ import annotations

_SCRIPT = """
from datetime import timedelta
from trustworks.app.cli import main
from trustworks.core.time.lab import LabClock

now = LabClock.now

def then(self):
    given = now(self)
    return given._replace(utc=given.utc + timedelta(days={days!r}))

LabClock.now = then
{before}
main()
"""


def days_away(days: float, *, before: str = "") -> str:
    """The program of a laboratory whose clock is so many days ahead; `before` are lines that come first."""
    return _SCRIPT.format(days=days, before=before)
