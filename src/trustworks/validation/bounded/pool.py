"""The processes that validate, as who asks them sees them: started when needed, ended when they overdo it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog

from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.validation.bounded.asked import Answered, Kind, receive, send, words_of

if TYPE_CHECKING:
    from typing import Any

    from trustworks.validation.bounded.asked import Asked
    from trustworks.validation.config import ValidationSettings

log = structlog.get_logger(__name__)

TOO_MUCH: Final = "validation.too-much"
"""The code of a file that needs more processor time or memory than one may have."""
TOO_SLOW: Final = "validation.time"
_MOST_USES: Final = 500
"""Validations after which a process is replaced, so that what it may have lost of memory comes back."""
_ARENAS: Final = "2"
"""Heaps of the allocator in a process: one for each thread would look like memory in use."""
_MOST_REPORTS: Final = 256 * 1024 * 1024
"""Octets of all reports of one validation."""
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


class Process:
    """One process, for one validation at a time."""

    def __init__(self, settings: ValidationSettings) -> None:
        self._limits = settings.limits
        ours, theirs = socket.socketpair()
        self._channel = ours
        self.uses = 0
        self._closed = False
        with theirs:
            self._process = subprocess.Popen(
                (
                    *(sys.executable, "-m", "trustworks.validation.bounded.process"),
                    *("--channel", str(theirs.fileno())),
                ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # an error's words may hold what is in a file
                pass_fds=(theirs.fileno(),),
                env=_environment(),
            )
        self._channel.settimeout(self._limits.seconds)
        send(self._channel, {"settings": settings.model_dump(mode="json", by_alias=True)})

    def ask(self, asked: Asked) -> Answered:
        """Validate.

        Raises:
            Malformed: the file is no signed file, or beyond a limit of its reader.
            Rejected: ``validation.policy``; ``validation.too-much`` where it needs more than it may have.
            Unavailable: ``validation.time``: it did not end in time; ``validation.process``.
        """
        self.uses += 1
        files = [one.descriptor for one in asked.files if one.descriptor is not None]
        octets = b"".join(one.octets for one in asked.files)
        try:
            send(self._channel, words_of(asked), octets, files)
            words, report, _ = receive(self._channel, _MOST_REPORTS)
        except TimeoutError:
            raise Unavailable(
                TOO_SLOW,
                f"The validation had not ended after {self._limits.seconds:g} seconds, with what it fetches. "
                "Try again later.",
            ) from None
        except (OSError, EOFError, ValueError):
            raise self._ended() from None
        return _answered(words, report)

    def _ended(self) -> Rejected | Unavailable:
        """Why it is gone."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        if self._process.returncode == -signal.SIGKILL and not self._closed:
            return Rejected(
                TOO_MUCH,
                "The system ended the process that validated the file, as it does where memory is short. "
                "Send a smaller file, or try again later.",
            )
        if self._process.returncode == -signal.SIGXCPU:
            return Rejected(
                TOO_MUCH,
                f"The file needs more than the {self._limits.cpu_seconds} seconds of processor time that one "
                "may take here.",
            )
        log.error("validation.process-died", code=self._process.returncode)
        return Unavailable("validation.process", "The process that validates ended. Try again later.")

    def close(self) -> None:
        """End it."""
        self._closed = True
        self._channel.close()
        self._process.kill()
        self._process.wait()


def _answered(words: dict[str, Any], octets: bytes) -> Answered:
    if "memory" in words:
        raise Rejected(TOO_MUCH, "The file needs more memory than one may take here.")
    if "untrusted" in words:
        # The sentence names files of the provider: it is for whoever runs the service.
        log.error("validation.trust", why=words["untrusted"])
        raise Unavailable("validation.trust", "What is trusted cannot be read now. Try again later.")
    if "malformed" in words:
        raise Malformed(words["malformed"])
    if "rejected" in words:
        raise Rejected(words["rejected"], words["sentence"])
    reports, begin = {}, 0
    for kind, length in words["lengths"].items():
        reports[kind] = octets[begin : begin + length]
        begin += length
    return Answered(
        results=tuple(words["results"]),
        policy=words["policy"],
        plain=words.get("plain", {}),
        explained=words.get("explained", ""),
        page=words.get("page", {}),
        etsi=reports[Kind.ETSI],
        html=reports[Kind.HTML],
        pdf=reports[Kind.PDF],
    )


class Pool:
    """Processes that wait for the next validation. Threads share it; each takes one for itself."""

    def __init__(self, settings: ValidationSettings) -> None:
        self._settings = settings
        self._idle: list[Process] = []
        self._busy: set[Process] = set()
        self._lock = threading.Lock()
        self._closed = False

    def ask(self, asked: Asked) -> Answered:
        """Validate in a process of the pool; see `Process.ask`. One that failed is replaced."""
        process = self._take()
        try:
            answer = process.ask(asked)
        except Malformed:
            self._give_back(process)
            raise
        except BaseException:
            self._end(process)
            raise
        self._give_back(process)
        return answer

    def _take(self) -> Process:
        with self._lock:
            if self._closed:
                raise Unavailable("validation.closed", "The service is stopping.")
            process = self._idle.pop() if self._idle else None
            if process is not None:
                self._busy.add(process)
                return process
        try:
            process = Process(self._settings)
        except OSError as error:
            raise Unavailable(
                "validation.process", f"No process that validates can be started: {error.strerror}."
            ) from error
        with self._lock:
            self._busy.add(process)
        return process

    def _give_back(self, process: Process) -> None:
        with self._lock:
            if not self._closed and process.uses < _MOST_USES:
                self._busy.discard(process)
                self._idle.append(process)
                return
        self._end(process)

    def _end(self, process: Process) -> None:
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
