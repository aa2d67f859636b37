"""Whether the trusted lists that validation stands on are new enough to be believed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from trustworks.app.health.findings import Well
from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.pki.trusted_lists.authenticate import EU
from trustworks.core.pki.trusted_lists.store import read_state
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.pki.trusted_lists.store import Entry
    from trustworks.validation.config import ListsSettings


def check_lists(settings: ListsSettings, now: datetime) -> Well:
    """What is known of the lists. Raises `Unavailable` (``lists.*``)."""
    try:
        state, _ = read_state(settings.store)
    except Malformed as error:
        raise Unavailable("lists.damaged", str(error)) from error
    lotl = state.entry(EU)
    if lotl is None or not lotl.kept:
        why = f": {lotl.problem}" if lotl is not None and lotl.problem else ""
        raise Unavailable("lists.none", f"There are no trusted lists yet{why}.")
    check_not_stale(lotl, now, timedelta(hours=settings.stale_hours))
    if lotl.next_update is not None and lotl.next_update < now:
        raise Unavailable(
            "lists.overdue", f"A new list of lists was due on {lotl.next_update:%Y-%m-%d}, and none came."
        )
    kept = [one for one in state.entries if one.kept]
    bad = [one for one in state.entries if one.problem]
    overdue = [one.territory for one in kept if one.next_update is not None and one.next_update < now]
    told = "".join(f" {one.territory}: {one.problem}" for one in bad[:5])
    late = f" Overdue: {', '.join(overdue)}." if overdue else ""
    seen = f"{lotl.seen or lotl.tried:%Y-%m-%d %H:%M}"
    return Well(
        sentence=f"{len(kept)} lists, the list of lists seen on {seen}.{late}{told}",
        detail={one.territory: one.sequence_number for one in kept},
    )


@implements("TRUSTWORKS:VALIDATION-LISTS-STALE")
def check_not_stale(lotl: Entry, now: datetime, longest: timedelta) -> None:
    """Object to a list of lists that was not had and found good for long (lists.stale)."""
    good = lotl.seen or lotl.fetched or lotl.tried
    if now - good > longest:
        why = f" {lotl.problem}" if lotl.problem else ""
        raise Unavailable(
            "lists.stale",
            f"The list of lists was last looked at with success on {good:%Y-%m-%d %H:%M}.{why}",
        )
