"""Answers that are remembered by one process, for evidence about many certificates in a row."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST: Final = 64 * 1024 * 1024

_Key = tuple[str, str, bytes]


class Memory:
    """What `fetching.Cache` is, without a folder: answers, each until a time. Threads share it.

    There are at most `most` octets of them: what was not used for longest makes room for what comes.
    """

    def __init__(self, most: int = _MOST, clock: Callable[[], float] = time.time) -> None:
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, tuple[float, bytes]] = OrderedDict()
        self._octets = 0

    def get(self, kind: str, url: str, body: bytes) -> bytes | None:
        """The answer that was kept as one of a kind, None where there is none that still counts."""
        key = (kind, url, body)
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            until, octets = found
            if until <= self._clock():
                self._drop(key)
                return None
            self._kept.move_to_end(key)
            return octets

    def forget(self, kind: str, url: str, body: bytes) -> None:
        """Drop the answer that was kept."""
        with self._lock:
            self._drop((kind, url, body))

    def keep(self, kind: str, url: str, body: bytes, octets: bytes, until: float) -> None:
        """Keep an answer until a moment (seconds since 1970), where there is room for it."""
        if len(octets) > self._most:
            return
        key = (kind, url, body)
        with self._lock:
            self._drop(key)
            self._kept[key] = until, octets
            self._octets += len(octets)
            while self._octets > self._most:
                self._drop(next(iter(self._kept)))

    def _drop(self, key: _Key) -> None:
        found = self._kept.pop(key, None)
        if found is not None:
            self._octets -= len(found[1])
