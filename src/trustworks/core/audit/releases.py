"""Awaiting the recorder from an event loop, which is woken once for a whole batch."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.audit.model import Event, Row
    from trustworks.core.audit.recorder import Recorder


class Releases:
    """One event loop's way to a recorder: ``await releases.record(event, row)``.

    Create it on the loop's thread, once for each loop and recorder.
    """

    def __init__(self, recorder: Recorder, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop or asyncio.get_running_loop()
        self._recorder = recorder
        self._done: list[tuple[asyncio.Future[None], BaseException | None]] = []
        recorder.on_batch(self._wake)

    async def record(self, event: Event, *rows: Row) -> None:
        """Write an event and its rows; returns when they are durable. Raises as `Recorder.record`."""
        future, released = self.expect()
        self._recorder.submit(event, *rows, released=released)
        await future

    def expect(self) -> tuple[asyncio.Future[None], Callable[[BaseException | None], None]]:
        """A future, and the `released` for `Recorder.submit` that completes it."""
        future: asyncio.Future[None] = self._loop.create_future()

        def released(error: BaseException | None) -> None:
            self._done.append((future, error))

        return future, released

    def _wake(self) -> None:
        """After a batch, on the writer's thread."""
        if self._done:
            done, self._done = self._done, []
            try:
                self._loop.call_soon_threadsafe(_complete, done)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return


def _complete(done: list[tuple[asyncio.Future[None], BaseException | None]]) -> None:
    for future, error in done:
        if future.done():  # the client went away
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
