"""Answers that are remembered by one process, for evidence about many certificates in a row.

What tells whether a certificate is revoked is remembered for moments only, where something is signed by it.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.validation.gathering.questions import STATUS_KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.validation.gathering.fetching import Cache

_MOST: Final = 64 * 1024 * 1024
MOMENTS: Final = 10.0
"""Seconds for which a status counts that was asked for to sign."""

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


def _as_long(until: float, _moments: float) -> float:
    """As long as its issuer lets it count."""
    return until


@implements("TRUSTWORKS:SIGNING-STATUS-NOW", disabled=_as_long)
def for_moments(until: float, moments: float) -> float:
    """Until when a status counts for who signs: not as long as its issuer lets it, where that is longer."""
    return min(until, moments)


class Brief:
    """Answers as `others` keeps them, but for those that tell a status: these are forgotten after `seconds`.

    An authority may revoke a certificate long before its last answer about it runs out. Who signs asks again;
    within moments, one answer does for many signatures. `others` None: nothing else is kept.
    """

    def __init__(
        self,
        others: Cache | Memory | None,
        *,
        seconds: float = MOMENTS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._others = others
        self._seconds = seconds
        self._clock = clock
        self._status = Memory(clock=clock)

    def get(self, kind: str, url: str, body: bytes) -> bytes | None:
        """The answer that was kept as one of a kind, None where there is none that still counts."""
        there = self._of(kind)
        return None if there is None else there.get(kind, url, body)

    def forget(self, kind: str, url: str, body: bytes) -> None:
        """Drop the answer that was kept."""
        there = self._of(kind)
        if there is not None:
            there.forget(kind, url, body)

    def keep(self, kind: str, url: str, body: bytes, octets: bytes, until: float) -> None:
        """Keep an answer until a moment (seconds since 1970), or for `seconds`."""
        there = self._of(kind)
        if there is self._status:
            until = for_moments(until, self._clock() + self._seconds)
        if there is not None:
            there.keep(kind, url, body, octets, until)

    def _of(self, kind: str) -> Cache | Memory | None:
        return self._status if kind in STATUS_KINDS else self._others
