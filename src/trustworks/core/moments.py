"""Moments and durations as people write them: ISO 8601, and UTC where none is named; 2 days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from trustworks.core.errors import Malformed

_UNITS: Final = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))


def duration_in_words(duration: timedelta) -> str:
    """A duration, such as ``2 days`` or ``1 hour and 30 minutes``; parts of a second are left out."""
    left, parts = int(duration.total_seconds()), []
    for name, length in _UNITS:
        number, left = divmod(left, length)
        if number:
            parts.append(f"{number} {name}" if number == 1 else f"{number} {name}s")
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:]))) or "0 seconds"


def read_moment(text: str) -> datetime:
    """The moment in UTC; of a day alone it is the beginning. Raises `Malformed`."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the second: before the year 1 or after 9999 in UTC
        raise Malformed(
            f"{text!r} is no moment. Write it as 2026-01-31T12:00:00Z, or as a day, 2026-01-31; it is in UTC "
            "unless it names another zone."
        ) from None
