"""A moment on the command line means the same everywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from trustworks.core.errors import Malformed
from trustworks.core.moments import duration_in_words, read_moment

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T12:00:00Z", NOON),
        ("2026-01-31T12:00:00", NOON),
        ("2026-01-31 12:00", NOON),
        ("2026-01-31T13:00:00+01:00", NOON),
        ("2026-01-31T12:00:00.000001Z", NOON.replace(microsecond=1)),
        ("2026-01-31", NOON.replace(hour=0)),
    ],
)
def test_a_moment_is_in_utc_unless_it_names_a_zone(text: str, moment: datetime) -> None:
    found = read_moment(text)
    assert found == moment
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-02-30",
        "12:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1\x1b[2J",
    ],
)
def test_what_is_no_moment_is_told_with_how_to_write_one(text: str) -> None:
    with pytest.raises(Malformed, match=r"is no moment\. Write it as .*UTC") as caught:
        read_moment(text)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(days=2), "2 days"),
        (timedelta(hours=24), "1 day"),
        (timedelta(hours=1, minutes=30), "1 hour and 30 minutes"),
        (timedelta(days=3, hours=1, seconds=5), "3 days, 1 hour and 5 seconds"),
        (timedelta(milliseconds=300), "0 seconds"),
    ],
)
def test_a_duration_is_told_in_words(duration: timedelta, words: str) -> None:
    assert duration_in_words(duration) == words
