"""Starts child processes as forks of one that has imported already what they need: the fork server.

A Python program that serves spends its first second on imports, and each process of `trustworks serve` would
spend it anew. The fork server is started as a new program, imports, and from then on forks one child for each
request of the supervisor. It opens nothing and starts no thread: no cryptographic module, no database, no
secret is in it when it forks. A child opens its own afterwards, as one that was started as a new program.

The supervisor follows a child by its pidfd, which names this one process for as long as it is held. So the
children do not depend on the fork server once they run: if it dies they serve on, and are still looked after.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

IMPORTS_PATIENCE = 60.0  # seconds until the fork server answers its first request
UNKNOWN_END = 255  # the exit code of a child whose fork server died before it
_ENOUGH = 1 << 16  # octets of a request
_LONGEST_NAME = 15  # octets that Linux keeps of a process' name


class ChildProcess(Protocol):
    """What the supervisor asks of a child: a part of `subprocess.Popen`."""

    pid: int
    stdin: IO[bytes] | None
    stdout: IO[bytes] | None

    @property
    def returncode(self) -> int | Any:
        """The exit code, once `poll` or `wait` has learnt it; minus the signal's number after a signal."""

    def poll(self) -> int | None:
        """The exit code; None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, when it has ended. Raises `subprocess.TimeoutExpired`."""

    def terminate(self) -> None:
        """Ask it to stop (SIGTERM)."""

    def kill(self) -> None:
        """End it (SIGKILL)."""


class ForkServer:
    """The supervisor's side: starts the fork server when it is first needed, and again when it died.

    `modules` are imported beforehand; `keep` are descriptors that every child inherits; `environment` is that
    of all of them, in place of this process' own.
    """

    def __init__(
        self,
        modules: Sequence[str],
        *,
        keep: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._modules = tuple(modules)
        self._keep = tuple(keep)
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None

    @staticmethod
    def is_possible() -> bool:
        """Whether this system has process descriptors (Linux 5.3 and newer)."""
        if not hasattr(os, "pidfd_open"):
            return False
        try:
            os.close(os.pidfd_open(os.getpid()))
        except OSError:  # a sandbox may not know them
            return False
        return True

    @property
    def pid(self) -> int | None:
        """The fork server's process id, while it runs."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    def begin(self) -> None:
        """Start the fork server, if it does not run; it imports while the caller goes on."""
        if self.pid is not None:
            return
        self.close()
        own, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            descriptor = its.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(descriptor), *self._modules],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(descriptor, *self._keep),
                process_group=0,
                env=self._environment,
            )
        own.settimeout(IMPORTS_PATIENCE)
        self._requests = own

    def start(self, name: str, module: str, arguments: Sequence[str]) -> ChildProcess:
        """A child that runs `module.main(arguments)`, with pipes as its standard input and output.

        Raises OSError where the fork server does not answer; it is ended then.
        """
        self.begin()
        request = json.dumps({"name": name, "module": module, "arguments": list(arguments)}).encode()
        its_input, stdin = os.pipe()
        stdout, its_output = os.pipe()
        ends, tells_end = os.pipe()
        try:
            pid, pidfd = self._ask(request, [its_input, its_output, tells_end])
        except OSError:
            for descriptor in (stdin, stdout, ends):
                os.close(descriptor)
            self.close()
            raise
        finally:
            for descriptor in (its_input, its_output, tells_end):
                os.close(descriptor)
        return Forked(pid, pidfd, ends, stdin=os.fdopen(stdin, "wb", 0), stdout=os.fdopen(stdout, "rb", 0))

    def _ask(self, request: bytes, files: list[int]) -> tuple[int, int]:
        assert self._requests is not None  # noqa: S101 - `begin` made it
        socket.send_fds(self._requests, [request], files)
        answer, found, *_ = socket.recv_fds(self._requests, _ENOUGH, 1)
        if not answer or len(found) != 1:
            raise ConnectionError("The fork server ended before it answered; its output says why.")
        return int(answer), found[0]

    def close(self) -> None:
        """End the fork server; what it forked runs on."""
        if self._requests is not None:
            self._requests.close()
            self._requests = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Forked:
    """A child that the fork server forked; it is followed by its descriptor."""

    def __init__(self, pid: int, pidfd: int, ends: int, *, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self.pid = pid
        self.stdin: IO[bytes] | None = stdin
        self.stdout: IO[bytes] | None = stdout
        self.returncode: int | None = None
        self._pidfd = pidfd
        self._ends = ends  # the fork server writes the exit code to its other end

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        if self.returncode is None and _is_readable(self._pidfd, 0):
            # The fork server learns of the end at this same moment, and tells the code at once.
            told = os.read(self._ends, 16) if _is_readable(self._ends, 1.0) else b""
            self.returncode = int(told) if told else UNKNOWN_END
            os.close(self._pidfd)
            os.close(self._ends)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, when it has ended. Raises `subprocess.TimeoutExpired`."""
        if self.returncode is None and not _is_readable(self._pidfd, timeout):
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
        code = self.poll()
        assert code is not None  # noqa: S101 - it has ended
        return code

    def terminate(self) -> None:
        """Ask it to stop (SIGTERM)."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it (SIGKILL)."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)


def _is_readable(descriptor: int, timeout: float | None) -> bool:
    """Whether there is something to read, or an end, within so many seconds (None: for ever)."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(None if timeout is None else max(0, round(timeout * 1000))))


# The fork server's own side


@dataclass(frozen=True, slots=True)
class _Task:
    """What a forked child is to do."""

    name: str
    module: str
    arguments: tuple[str, ...]


def _serve(requests: socket.socket) -> _Task | None:
    """Fork for every request. Answers in the child, with its task; at the end, in the fork server, None."""
    running: dict[int, tuple[int, int]] = {}  # by pidfd: process id, and where its end is told
    poll = select.poll()
    poll.register(requests, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor != requests.fileno():
                poll.unregister(descriptor)
                _tell_end(descriptor, *running.pop(descriptor))
                continue
            text, files, *_ = socket.recv_fds(requests, _ENOUGH, 3)
            if not text:
                return None
            *streams, tells_end = files
            pid = os.fork()
            if pid == 0:
                requests.close()
                for pidfd, (_, end) in running.items():
                    os.close(pidfd)
                    os.close(end)
                os.close(tells_end)
                return _as_a_new_program(json.loads(text), streams)
            for stream in streams:
                os.close(stream)
            pidfd = os.pidfd_open(pid)
            running[pidfd] = pid, tells_end
            poll.register(pidfd, select.POLLIN)
            socket.send_fds(requests, [str(pid).encode()], [pidfd])


def _tell_end(pidfd: int, pid: int, tells_end: int) -> None:
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):  # nobody wants to know any more
        os.write(tells_end, str(os.waitstatus_to_exitcode(status)).encode())
    os.close(pidfd)
    os.close(tells_end)


def _as_a_new_program(request: dict[str, Any], streams: list[int]) -> _Task:
    """Take the place that a new program would have: a group, standard streams, a name of its own."""
    os.setpgid(0, 0)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    task = _Task(str(request["name"]), str(request["module"]), tuple(map(str, request["arguments"])))
    sys.argv = [task.module, *task.arguments]
    with contextlib.suppress(OSError):  # where it has no name of its own it works all the same
        Path("/proc/self/comm").write_text(task.name[:_LONGEST_NAME], encoding="ascii")
    return task


def main(arguments: Sequence[str]) -> None:
    """Import, then fork at each request until the supervisor closes its end."""
    descriptor, *modules = arguments
    for name in modules:
        importlib.import_module(name)
    if threading.active_count() > 1:
        raise RuntimeError("What was imported started a thread: a fork would not have it.")
    gc.collect()
    gc.freeze()  # the collector would write into every page that the children share
    task = _serve(socket.socket(fileno=int(descriptor)))
    if task is not None:
        importlib.import_module(task.module).main(task.arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
