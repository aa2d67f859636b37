"""Moments as people write them: ISO 8601, and UTC where no zone is named."""

from __future__ import annotations

from datetime import UTC, datetime

from trustworks.core.errors import Malformed


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
