"""Bounded processes, as who asks them sees them: started when needed, ended when they overdo it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from trustworks.core.bounded.channel import receive, send

if TYPE_CHECKING:
    from collections.abc import Sequence

A = TypeVar("A")
B = TypeVar("B")

_MOST_USES: Final = 500
"""Requests after which a process is replaced, so that what it may have lost of memory comes back."""
_ARENAS: Final = "2"
"""Heaps of the allocator in a process: one for each thread would look like memory in use."""
_PASSED_ON: Final = frozenset(
    {
        *("PATH", "HOME", "TMPDIR", "TZ", "LANG", "LANGUAGE", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"),
        *("LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "RES_OPTIONS", "LOCALDOMAIN"),
    }
)
"""What of this process's environment one that reads strangers' files needs; secrets may be in the rest."""


def _environment() -> dict[str, str]:
    passed_on = {
        name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith("LC_")
    }
    return {**passed_on, "MALLOC_ARENA_MAX": _ARENAS}


class Why(StrEnum):
    """Why a process is gone."""

    KILLED = "killed"
    """The system ended it, as it does where memory is short."""
    PROCESSOR = "processor"
    """It used up its processor time."""
    ITSELF = "itself"
    """It ended by itself, or was closed."""


class Ended(Exception):  # noqa: N818 - what it is
    """The process is gone before it answered. `code` is that of its end, None where it has not ended."""

    def __init__(self, why: Why, code: int | None) -> None:
        super().__init__(why)
        self.why = why
        self.code = code


class Child(ABC, Generic[A, B]):
    """One process, for one request at a time."""

    def __init__(self, module: str, first: dict[str, Any], seconds: float) -> None:
        """Start ``python -m MODULE --channel N`` and send it its `first` words.

        `seconds` are how long each answer may take on a clock. Raises OSError where it cannot be started.
        """
        ours, theirs = socket.socketpair()
        self._channel = ours
        self.uses = 0
        self._closed = False
        with theirs:
            self._process = subprocess.Popen(
                (sys.executable, "-m", module, "--channel", str(theirs.fileno())),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # an error's words may hold what is in a file
                pass_fds=(theirs.fileno(),),
                env=_environment(),
            )
        self._channel.settimeout(seconds)
        send(self._channel, first)

    @abstractmethod
    def ask(self, asked: A) -> B:
        """Have a request answered."""

    def _exchange(
        self, words: dict[str, Any], octets: bytes, descriptors: Sequence[int], most: int
    ) -> tuple[dict[str, Any], bytes]:
        """Send a request and read its answer, of at most `most` octets beside its words.

        Raises:
            TimeoutError: there is none in time.
            Ended: the process is gone.
        """
        self.uses += 1
        try:
            send(self._channel, words, octets, descriptors)
            told, report, _ = receive(self._channel, most)
        except TimeoutError:
            raise
        except (OSError, EOFError, ValueError):
            raise self._ended() from None
        return told, report

    def _ended(self) -> Ended:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        code = self._process.returncode
        if code == -signal.SIGKILL and not self._closed:
            return Ended(Why.KILLED, code)
        return Ended(Why.PROCESSOR if code == -signal.SIGXCPU else Why.ITSELF, code)

    def close(self) -> None:
        """End it."""
        self._closed = True
        self._channel.close()
        self._process.kill()
        self._process.wait()


class Pool(ABC, Generic[A, B]):
    """Processes that wait for the next request. Threads share it; each takes one for itself."""

    kept_after: tuple[type[Exception], ...] = ()
    """Errors of a request after which its process is as good as before; after any other it is replaced."""

    most: int | None = None
    """Processes, of which one that waits is ended before one is started that fits a request; None: any."""

    def __init__(self) -> None:
        self._idle: list[Child[A, B]] = []
        self._busy: set[Child[A, B]] = set()
        self._lock = threading.Lock()
        self._closed = False

    @abstractmethod
    def started(self) -> Child[A, B]:
        """A new process."""

    @abstractmethod
    def stopping(self) -> Exception:
        """What who asks a pool is told that is closed."""

    def fits(self, process: Child[A, B], asked: A) -> bool:  # noqa: ARG002 - others look
        """Whether a process that answered before may answer this one, too."""
        return True

    def is_kept_after(self, error: BaseException) -> bool:
        """Whether a process is as good as before after an error of a request."""
        return isinstance(error, self.kept_after)

    def ask(self, asked: A) -> B:
        """Have a request answered in a process of the pool; see its `ask`. One that failed is replaced."""
        process = self._take(asked)
        try:
            answer = process.ask(asked)
        except BaseException as error:
            if self.is_kept_after(error):
                self._give_back(process)
            else:
                self._end(process)
            raise
        self._give_back(process)
        return answer

    def _take(self, asked: A) -> Child[A, B]:
        ended = None
        with self._lock:
            if self._closed:
                raise self.stopping()
            process = next((one for one in reversed(self._idle) if self.fits(one, asked)), None)
            if process is not None:
                self._idle.remove(process)
                self._busy.add(process)
                return process
            if self.most is not None and self._idle and len(self._idle) + len(self._busy) >= self.most:
                ended = self._idle.pop(0)  # who waits for longest
        if ended is not None:
            ended.close()
        process = self.started()
        with self._lock:
            self._busy.add(process)
        return process

    def _give_back(self, process: Child[A, B]) -> None:
        with self._lock:
            if not self._closed and process.uses < _MOST_USES:
                self._busy.discard(process)
                self._idle.append(process)
                return
        self._end(process)

    def _end(self, process: Child[A, B]) -> None:
        with self._lock:
            self._busy.discard(process)
        process.close()

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            self._closed = True
            found = [*self._idle, *self._busy]
            self._idle.clear()
            self._busy.clear()
        for process in found:
            process.close()
