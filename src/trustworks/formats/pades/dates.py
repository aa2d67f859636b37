"""Dates of PDF: ``D:20260131120000+01'00'`` (ISO 32000-2, 7.9.4)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from trustworks.formats.pades.syntax import Object

_DATE: Final = re.compile(
    r"(?:D:)?(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?(?:([Z+-])(?:(\d{2})'?(?:(\d{2})'?)?)?)?"
)


def date_of(value: Object) -> datetime | None:
    """The moment that a date string names, in UTC; without a zone it is taken as UTC. None: it names none."""
    if not isinstance(value, bytes):
        return None
    found = _DATE.match(value[:64].decode("latin-1").replace("\x00", "").lstrip("þÿ"))
    if found is None:
        return None
    parts = [
        int(one) if one is not None else least for one, least in zip(found.groups()[:6], _LEAST, strict=True)
    ]
    ahead = timedelta(hours=int(found[8] or 0), minutes=int(found[9] or 0))
    try:
        zone = timezone(-ahead if found[7] == "-" else ahead)
        year, month, day, hour, minute, second = parts
        return datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


_LEAST: Final = (1, 1, 1, 0, 0, 0)
