"""Writers of one SQLite database take turns, over all processes.

SQLite lets one writer in at a time, and the others sleep: longer and longer, up to a tenth of a second, while
the database is free again after a millisecond. Here they look every fraction of a millisecond, at a file's
lock. It is about speed alone: what keeps writers apart is SQLite's own lock.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOOK_EVERY = 0.0003  # seconds


class Turns:
    """The turns at one database. Threads share it; a process that dies gives its turn back."""

    def __init__(self, file: Path, patience: float) -> None:
        self._file = file
        self._patience = patience
        self._threads = threading.Lock()
        self._handle: int | None = None

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold the turn; after `patience` seconds go on without it, and let SQLite say that it is locked."""
        deadline = time.monotonic() + self._patience
        if not self._threads.acquire(timeout=self._patience):
            yield
            return
        try:
            held = self._lock(deadline)
            try:
                yield
            finally:
                if held is not None:
                    fcntl.flock(held, fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def _lock(self, deadline: float) -> int | None:
        """Lock the file and answer its handle; None when the turn did not come, or there is no file."""
        try:
            if self._handle is None:
                self._handle = os.open(self._file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError:
            return None
        while True:
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    return None
                time.sleep(_LOOK_EVERY)
            else:
                return self._handle

    def close(self) -> None:
        """Close the file."""
        with self._threads:
            if self._handle is not None:
                os.close(self._handle)
                self._handle = None
