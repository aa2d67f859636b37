"""What waits for the recorder's writer: events with their rows, and actions with the event about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trustworks.core.audit.model import encode
from trustworks.core.errors import TrustworksError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from trustworks.core.audit.inserts import Plan
    from trustworks.core.audit.model import Encoded, Event


class ActionFailedError(Exception):
    """What `transact` was to run refused by itself: that says nothing about the log."""

    def __init__(self, cause: TrustworksError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Submission:
    """An event with its rows, or an action to run with it, waiting for the writer."""

    __slots__ = ("action", "encoded", "event_of", "released", "rows", "value")

    def __init__(self, encoded: Encoded | None, rows: list[tuple[Plan, list[Any]]], released: Any) -> None:
        self.encoded = encoded
        self.rows = rows
        self.released: Callable[[BaseException | None], None] = released
        self.action: Callable[[Connection], Any] | None = None
        self.event_of: Callable[[Any], Event]
        self.value: Any = None

    def act(self, connection: Connection) -> None:
        """Run the action, if there is one, and make its event.

        The database's failures come out as SQLAlchemy's errors, the action's refusals as `ActionFailedError`.
        """
        if self.action is None:
            return
        try:
            self.value = self.action(connection)
            self.encoded = encode(self.event_of(self.value))
        except TrustworksError as error:
            raise ActionFailedError(error) from error


class Stop:
    """The last thing in the queue."""
