"""Where a page of a long list ended, as its link to the next one says it."""

from __future__ import annotations

from datetime import datetime

from trustworks.core.errors import Malformed


def place_text(at: datetime, identifier: str) -> str:
    """A place as text."""
    return f"{at.isoformat()}~{identifier}"


def read_place(text: str | None) -> tuple[datetime, str] | None:
    """The place that `place_text` wrote, or None. Raises `Malformed`."""
    if text is None:
        return None
    moment, mark, identifier = text.partition("~")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not mark or not identifier.isalnum():
        raise Malformed("This is no page of the list; begin again at its first page.")
    return at, identifier
