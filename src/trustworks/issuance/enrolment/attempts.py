"""Failed sign-ins at the API, counted: who guesses is slowed down, and nobody else is locked out by it.

What a stranger sends counts against the address that it came from, and keeps nobody out who signs in well.
Against a client counts only what its own key signed, with a wrong secret: a stranger cannot make that. Each
process counts for itself, in memory.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable

TOO_MANY: Final = "api.too-many-failures"
_MOST: Final = 10_000  # that are remembered; the oldest go first


@implements("TRUSTWORKS:API-LOCK-OUT", "EN319411-1:GEN-6.5.5-04")
def check_not_locked_out(failures: int, *, most: int, minutes: int) -> None:
    """`Rejected` (api.too-many-failures) after `most` failures in a row, for some minutes."""
    if failures >= most:
        raise Rejected(
            TOO_MANY,
            f"{failures} sign-ins in a row failed, so no other is looked at for {minutes} minutes after the "
            "last one. Set key, secret and clock of the client right, and wait.",
        )


class Attempts:
    """The failures in a row of clients and addresses, forgotten after `minutes`. Threads share it."""

    def __init__(self, *, most: int, minutes: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._minutes = minutes
        self._monotonic = monotonic
        self._failed: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def check(self, who: str | None) -> None:
        """Raise `Rejected` (api.too-many-failures) while `who` is locked out; None never is."""
        if who is not None:
            with self._lock:
                failures = self._counted(who)
            check_not_locked_out(failures, most=self._most, minutes=self._minutes)

    def failed(self, who: str | None) -> None:
        """Count a failure of `who`."""
        if who is None:
            return
        with self._lock:
            failures = self._counted(who) + 1
            self._failed.pop(who, None)  # so that the one that failed last is last
            if len(self._failed) >= _MOST:
                del self._failed[next(iter(self._failed))]
            self._failed[who] = failures, self._monotonic()

    def succeeded(self, who: str | None) -> None:
        """Forget the failures of `who`."""
        if who is not None:
            with self._lock:
                self._failed.pop(who, None)

    def _counted(self, who: str) -> int:
        failures, at = self._failed.get(who, (0, 0.0))
        return failures if self._monotonic() - at < self._minutes * 60 else 0
