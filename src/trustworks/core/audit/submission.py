"""What waits for the recorder's writer: events with their rows, and actions with the event about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
        """Run the action, if there is one, and make its events.

        The database's failures come out as SQLAlchemy's errors, the action's refusals as `ActionFailedError`.
        """
        if self.action is None:
            return
        try:
            self.value = self.action(connection)
            self.encoded = [encode(event) for event in self.events_of(self.value)]
        except TrustworksError as error:
            raise ActionFailedError(error) from error


class Stop:
    """The last thing in the queue."""
