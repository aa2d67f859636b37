"""Troubles that last: each is told once, counted while it lasts, and told again when it is over.

Whoever may send requests could fill the log otherwise: while a resource is out, every request fails.
"""

from __future__ import annotations

import threading
from typing import Any, Protocol


class Log(Protocol):
    """A log that takes events with values."""

    def warning(self, event: str, **values: Any) -> Any:
        """Tell what is wrong."""

    def info(self, event: str, **values: Any) -> Any:
        """Tell what is so."""


class Troubles:
    """What is in trouble, by its name, and with which. Threads share it."""

    def __init__(self, log: Log, *, begun: str, over: str) -> None:
        """`begun` is the event of a new trouble or of another one, `over` that of its end."""
        self._log = log
        self._begun = begun
        self._over = over
        self._lock = threading.Lock()
        self._standing: dict[str, tuple[str, int]] = {}

    def failed(self, what: str, trouble: str, **values: Any) -> None:
        """Count a failure of `what`, and tell it unless its last one was of the same `trouble`."""
        with self._lock:
            last, count = self._standing.get(what, ("", 0))
            self._standing[what] = (trouble, count + 1)
        if last != trouble:
            self._log.warning(self._begun, **values)

    def ended(self, what: str, **values: Any) -> None:
        """Tell that `what` is well again and how often it failed, if it did."""
        if what not in self._standing:  # the usual case, without the lock
            return
        with self._lock:
            _, count = self._standing.pop(what, ("", 0))
        if count:
            self._log.info(self._over, failures=count, **values)
