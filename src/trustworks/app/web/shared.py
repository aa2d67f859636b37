"""One answer for all who ask at the same time, made in a thread of its own."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Shared(Generic[T]):
    """What `make` answers, for everybody who asks while it works and for `kept` seconds after that.

    It works for one at a time and in a thread of its own, so that many who ask cost as much as one, and what
    hangs holds up nothing else. Who has waited for `patience` seconds gets `TimeoutError`. On one event loop.
    """

    def __init__(self, name: str, make: Callable[[], T], *, kept: float, patience: float) -> None:
        self._make = make
        self._kept = kept
        self._patience = patience
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._work: asyncio.Future[T] | None = None
        self._good_until = 0.0

    async def get(self) -> T:
        """The answer. Raises what `make` raised, or `TimeoutError`."""
        if self._work is None or (self._work.done() and time.monotonic() > self._good_until):
            self._work = asyncio.get_running_loop().run_in_executor(self._pool, self._make)
            self._work.add_done_callback(self._made)
        return await asyncio.wait_for(asyncio.shield(self._work), self._patience)

    def _made(self, work: asyncio.Future[T]) -> None:
        # A fault is told to those who waited for it; the next one tries again.
        fault = work.cancelled() or work.exception() is not None
        self._good_until = 0.0 if fault else time.monotonic() + self._kept
