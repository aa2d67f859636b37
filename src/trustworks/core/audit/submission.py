"""What waits for the recorder's writer: events with their rows, and actions with the event about them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trustworks.core.audit.bound import EVENT_KEY, Bindings
from trustworks.core.audit.model import encode
from trustworks.core.errors import TrustworksError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection

    from trustworks.core.audit.inserts import Plan
    from trustworks.core.audit.model import Encoded, Event


class ActionFailedError(Exception):
    """What `transact` was to run refused by itself: that says nothing about the log."""

    def __init__(self, cause: TrustworksError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Submission:
    """An event with its rows, or an action to run with its events, waiting for the writer."""

    __slots__ = ("action", "encoded", "events_of", "released", "rows", "value")

    def __init__(self, encoded: Encoded | None, rows: list[tuple[Plan, list[Any]]], released: Any) -> None:
        self.encoded: list[Encoded] = [] if encoded is None else [encoded]
        self.rows = rows
        self.released: Callable[[BaseException | None], None] = released
        self.action: Callable[[Connection], Any] | None = None
        self.events_of: Callable[[Any], Iterable[Event]]
        self.value: Any = None

    def act(self, connection: Connection) -> None:
        """Run the action, if there is one, and make its events; the first tells what became of bound records.

        The database's failures come out as SQLAlchemy's errors, the action's refusals as `ActionFailedError`.
        """
        if self.action is None:
            return
        try:
            with Bindings(connection) as bindings:
                self.value = self.action(connection)
                events = [*self.events_of(self.value)]
                changes = bindings.changes()
            if changes and not events:
                raise RuntimeError(f"no event tells of {', '.join(changes)}")
            if changes:
                events[0] = replace(events[0], detail={**events[0].detail, EVENT_KEY: changes})
            self.encoded = [encode(event) for event in events]
        except TrustworksError as error:
            raise ActionFailedError(error) from error


class Stop:
    """The last thing in the queue."""
