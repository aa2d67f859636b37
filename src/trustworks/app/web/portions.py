"""A request's body in portions, for handlers that do not hold it whole: its size and its time are bounded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from trustworks.core.http import BodyRefusedError

if TYPE_CHECKING:
    from trustworks.core.http import Headers


class Portions:
    """Iterates over the octets of a body as they arrive, at most `most` of them within `seconds`.

    Raises `BodyRefusedError`: 413 for a longer one (before anything is read, where its length was told), 408
    for one that is late, 400 where the connection was closed before its end. `complete`: all of it was read.
    """

    def __init__(self, receive: Any, headers: Headers, *, most: int, seconds: float) -> None:
        self._receive = receive
        self._declared = headers.get("content-length", "")
        self._most = most
        self._seconds = seconds
        self._ends: float | None = None
        self._length = 0
        self.complete = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self.complete:
            raise StopAsyncIteration
        if self._declared.isdigit() and int(self._declared) > self._most:
            raise self._too_long()
        if self._ends is None:
            self._ends = asyncio.get_running_loop().time() + self._seconds
        try:
            async with asyncio.timeout_at(self._ends):
                message = await self._receive()
        except TimeoutError:
            told = f"The body must arrive within {self._seconds:g} seconds."
            raise BodyRefusedError(408, told) from None
        if message["type"] != "http.request":
            raise BodyRefusedError(400, "The connection was closed before the body was complete.")
        portion: bytes = message.get("body", b"")
        self._length += len(portion)
        if self._length > self._most:
            raise self._too_long()
        self.complete = not message.get("more_body", False)
        return portion

    def _too_long(self) -> BodyRefusedError:
        return BodyRefusedError(413, f"The body must not be longer than {self._most} bytes.")
