"""What a verification compares beyond the events themselves: that nothing beside them is gone.

The streams that the database knows, the numbers of the checkpoints, and the records of the services that an
event was written for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from trustworks.core.audit.report import Finding
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from trustworks.core.audit.checkpoint import Checkpoint

# So many times `checkpoint-every` may pass before events that no checkpoint covers are a finding.
PATIENCE = 30


class StreamRow(NamedTuple):
    """A row of `audit_streams`, the sequencer's note of how far it is."""

    stream: str
    logged: int
    closed: bool


@dataclass(slots=True)
class Seen:
    """What the events and the Merkle log say of a stream.

    `events` is the number after its last event, `logged` that after its last one in the Merkle log; `closed`
    whether that one is the stream's end, None where it was altered.
    """

    events: int = 0
    logged: int = 0
    closed: bool | None = False


class RecordChecker(Protocol):
    """Compares a service's records with their events. A service offers one; core knows none of them."""

    @property
    def types(self) -> frozenset[str] | None:
        """The types of the events that belong to the records; None where any event may."""

    def event(self, value: Mapping[str, Any]) -> str | None:
        """What is wrong with the record of this event, in a sentence; the event itself is sound."""

    def rest(self) -> Iterator[str]:
        """After the last event: what is wrong with the other records, such as one without an event."""


@implements("TRUSTWORKS:AUDIT-14", disabled=())
def stream_findings(rows: Iterable[StreamRow], seen: Mapping[str, Seen]) -> tuple[Finding, ...]:
    """Where the streams that the database knows are not those of the events and the Merkle log."""
    found = []
    known = set()
    for stream, logged, closed in rows:
        known.add(stream)
        told = seen.get(stream)
        if told is None:
            message = "The stream is known, and none of its events is there: they were removed."
        elif logged != told.logged:
            message = f"{logged} events of the stream were in the Merkle log, {told.logged} are."
        elif told.closed is not None and closed != told.closed:
            message = "The end of the stream was logged, and is gone." if closed else _NOT_NOTED
        else:
            continue
        found.append(Finding(kind="stream", message=f"{stream}: {message}"))
    found += [
        Finding(kind="stream", message=f"{stream}: there are events of the stream, and its row is gone.")
        for stream in seen
        if stream not in known
    ]
    return tuple(found)


_NOT_NOTED = "The end of the stream is in the Merkle log, and the stream is noted as open."


@implements("TRUSTWORKS:AUDIT-14", disabled=())
def number_findings(numbers: Iterable[int]) -> tuple[Finding, ...]:
    """Where checkpoints are gone from between the others: their numbers begin at 0 and have no gap."""
    found, following = [], 0
    for number in numbers:
        if number > following:
            which = f"{following} to {number - 1} are" if number > following + 1 else f"{following} is"
            found.append(Finding(kind="checkpoint-gap", message=f"Of the checkpoints, {which} gone."))
        elif number < following:
            message = f"Checkpoint {number} stands after checkpoint {following - 1}."
            found.append(Finding(kind="checkpoint-gap", message=message))
        following = number + 1
    return tuple(found)


@implements("TRUSTWORKS:AUDIT-14", disabled=())
def unsigned_findings(since: str | None, until: str, every: timedelta | None) -> tuple[Finding, ...]:
    """Where a log has no checkpoint over its events although a signer makes one `every` so often.

    `since` is when the log went on without one (None: all is covered), `until` when its newest event came;
    `every` is None where nobody signs.
    """
    if every is None or since is None:
        return ()
    try:
        age = datetime.fromisoformat(until) - datetime.fromisoformat(since)
    except (ValueError, TypeError):  # it is no moment, or one without a zone
        return ()
    if age <= PATIENCE * every:
        return ()
    return (
        Finding(
            kind="no-checkpoint",
            message="There is no checkpoint, although [audit] certificate is set, over the events since "
            f"{since}: either checkpoints were removed, or none was made. See that `trustworks serve` runs "
            "and that /healthz is well; if both were, find out who wrote to the database.",
        ),
    )


class Unstamped:
    """The newest checkpoints without a time-stamp that holds, of which one is to have it `every` so often.

    `every` is None where nobody is asked for time-stamps. Earlier ones need none: an authority may have been
    out of service, and the next time-stamp is over all events until then.
    """

    def __init__(self, every: timedelta | None) -> None:
        self._every = every
        self._since: str | None = None
        self._count = 0
        self._last: datetime | None = None
        self._served = timedelta()

    def checkpoint(self, one: Checkpoint, *, stamped: bool) -> None:
        """The next checkpoint, and whether it has a time-stamp that holds."""
        if stamped:
            self._since, self._count, self._last, self._served = None, 0, None, timedelta()
            return
        moment = one.moment
        if self._last is None:
            self._since = one.time
        elif self._every is not None:
            # While nothing was signed nothing could be stamped: a pause counts for no more than one time.
            self._served += min(max(moment - self._last, timedelta()), self._every)
        self._count += 1
        self._last = moment

    def notices(self) -> tuple[Finding, ...]:
        """What is to be looked at."""
        return unstamped_notices(self._since, self._count, self._served, self._every)


@implements("TRUSTWORKS:AUDIT-16", disabled=())
def unstamped_notices(
    since: str | None, count: int, served: timedelta, every: timedelta | None
) -> tuple[Finding, ...]:
    """Where no time-stamp came for long although one was to come `every` so often.

    `since` is the time of the first of the newest `count` checkpoints without one (None: there are none),
    `served` for how long they were being made. That is no proof of anything: an authority may be out of
    service, as a service may that was started for a moment only.
    """
    if every is None or since is None or served <= PATIENCE * every:
        return ()
    return (
        Finding(
            kind="no-time-stamp",
            message=f"The newest {count} checkpoints have no time-stamp that holds, although [audit] "
            f"time-stamp-url is set: none came in {timedelta(seconds=int(served.total_seconds()))} "
            f"(hours:minutes:seconds) of signing since {since}. Look at /healthz, which says why the "
            "authority gives none while `trustworks serve` runs. If it gave some, they were removed: see "
            "whether checkpoints that were kept elsewhere have one, and find out who wrote to the database.",
        ),
    )


@implements("TRUSTWORKS:AUDIT-14", disabled=())
def succession_findings(after: Mapping[str, int], seen: Mapping[str, Seen]) -> tuple[Finding, ...]:
    """Where a stream that another one names as the one before it is gone, or shorter than it was."""
    return tuple(
        Finding(
            kind="stream",
            message=f"{stream}: a later stream says that it has {events} events; {have} are there.",
        )
        for stream, events in after.items()
        if (have := seen[stream].events if stream in seen else 0) < events
    )
