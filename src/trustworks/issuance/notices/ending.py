"""Tells of certificates that end soon, each once: how far that went is noted in the same transaction."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.issuance import records
from trustworks.issuance.records.notices import EXPIRING, News, tell
from trustworks.issuance.rules.webhooks import is_soon

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.store import Database

_MOST: Final = 500
_MARK: Final = "expiring"


@implements("TRUSTWORKS:WEBHOOK-EXPIRING", disabled=0)
def tell_of_ending(database: Database, now: datetime, *, days: int) -> int:
    """Tell of certificates that end within `days` and were not told of; answers how many were looked at.

    The first look tells of none: it notes where the next one begins. Call again while it answers something.
    """
    notice = timedelta(days=days)
    until = now + notice
    with database.begin() as connection:
        mark = records.ending_mark(connection, _MARK)
        if mark is None:
            records.set_ending_mark(connection, _MARK, until, "")
            return 0
        found = list(records.ending(connection, mark, until, most=_MOST))
        soon = [one for one in found if is_soon(one.not_before, one.not_after, notice)]
        tell(connection, [News(EXPIRING, one.profile, serial=one.serial) for one in soon], now)
        if found:
            records.set_ending_mark(connection, _MARK, found[-1].not_after, found[-1].serial)
    return len(found)
