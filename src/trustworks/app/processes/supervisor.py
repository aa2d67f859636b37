"""Keeps the processes of `trustworks serve` running: starts them, again when they die, and stops them.

Children are never forked from the supervisor: a forked PKCS#11 library is broken. They are new programs, or
forks of a fork server that holds nothing (`fork_server`). Each child reads its standard input, whose other
end is held here; when that end closes (the supervisor was killed) the child stops by itself. It writes the
line ``ready`` to its standard output once it serves, and a beat every second from then on; one that hangs
falls silent, and is killed and started again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

import structlog

from trustworks.app.health.supervised import ProcessState
from trustworks.app.processes.fork_server import ForkServer
from trustworks.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from trustworks.app.processes.fork_server import ChildProcess

log = structlog.get_logger(__name__)

READY = b"ready\n"
BEAT = b"."
BEAT_EVERY = 1.0  # seconds
START_PATIENCE = 120.0  # seconds until a process must serve; a module behind a network takes its time
SILENCE = 15.0  # seconds without a beat after which a process that serves counts as hung
LONGEST_LOOK = 1.0  # seconds that count between two looks, so that a machine that slept blames nobody
LOOK_EVERY = 0.1  # seconds between two looks at the children; a death is noticed within this
FIRST_BACKOFF = 0.5
LARGEST_BACKOFF = 30.0
LONG_LIFE = 60.0  # a child that lived so long starts again at the first back-off
STOP_PATIENCE = 8.0  # a slow answer in flight may take this long; then the child is killed
ORPHAN_PATIENCE = 15.0
OUTPUT_LIMIT = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """One process to keep running. `last` is stopped after all that are not.

    `silence` is how many seconds it may be silent for, once it is ready; None: it does not beat. It is either
    a `command`, or a `module` of Python with `arguments` for its `main`.
    """

    name: str
    command: tuple[str, ...] = ()
    module: str = ""
    arguments: tuple[str, ...] = ()
    last: bool = False
    silence: float | None = None

    @property
    def new_program(self) -> tuple[str, ...]:
        """The command that starts it as a new program."""
        return (sys.executable, "-m", self.module, *self.arguments) if self.module else self.command


@dataclass(slots=True)
class _Child:
    spec: ProcessSpec
    process: ChildProcess | None = None
    started: float = 0.0
    ready: bool = False
    failures: int = 0
    start_at: float = 0.0
    looked: float = 0.0
    silent: float = 0.0
    deaths: int = 0
    output: bytes = field(default=b"")


@contextlib.contextmanager
def only_one(file: Path) -> Iterator[int]:
    """Hold the lock that lets one supervisor serve a state; gives its descriptor, which the children inherit.

    The lock lives until the last of them closes it. When the supervisor that wrote the file is dead and its
    children are still stopping, this waits for them. Raises `Unavailable`: serve.running while another
    supervisor lives, serve.lock when the file cannot be opened.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(
            "serve.lock",
            f"{file} cannot be opened: {error.strerror}. It must belong to the account that serves, in a "
            "folder that this account may write to.",
        ) from None
    try:
        deadline = time.monotonic() + ORPHAN_PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                holder = os.pread(descriptor, 32, 0).decode("ascii", errors="replace").strip()
                if _alive(holder) or time.monotonic() > deadline:
                    raise Unavailable(
                        "serve.running",
                        f"These services run already (process {holder or 'unknown'} holds {file}). "
                        "Stop them first, or use another folder.",
                    ) from None
                time.sleep(LOOK_EVERY)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _alive(pid: str) -> bool:
    if not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class Supervisor:
    """Runs processes until it is told to stop.

    `on_death(pid)` is called for every child that ended; `lock` is a descriptor that children inherit and so
    keep; `report` is called with the states of all children when one has changed, until it answers True.
    Where `imports` names modules, children that are modules are forks of a server that has imported those.
    `environment` is what children have in theirs beside that of this process.
    """

    def __init__(
        self,
        specs: Sequence[ProcessSpec],
        *,
        lock: int | None = None,
        imports: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        on_death: Callable[[int], None] | None = None,
        report: Callable[[Sequence[ProcessState]], bool] | None = None,
        stop_patience: float = STOP_PATIENCE,
        start_patience: float = START_PATIENCE,
    ) -> None:
        self._children = [_Child(spec) for spec in specs]
        self._kept = () if lock is None else (lock,)
        self._environment = {**os.environ, **(environment or {})}
        self._fork_server = (
            ForkServer(imports, keep=self._kept, environment=self._environment)
            if imports and ForkServer.is_possible()
            else None
        )
        self._on_death = on_death
        self._report = report
        self._reported: list[ProcessState] | None = None
        self._stop_patience = stop_patience
        self._start_patience = start_patience
        self._stop = threading.Event()
        self._signals = 0

    # What others ask

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of the children that run, by name."""
        return {child.spec.name: child.process.pid for child in self._children if child.process is not None}

    @property
    def states(self) -> list[ProcessState]:
        """How the children fare."""
        return [
            ProcessState(name=one.spec.name, ready=one.ready, deaths=one.deaths, lately=one.failures)
            for one in self._children
        ]

    def stop(self) -> None:
        """Ask `run` to stop everything and return."""
        self._stop.set()

    def catch_signals(self) -> None:
        """Let SIGTERM, SIGINT and SIGHUP stop everything; a second one waits for no answers in flight."""

        def caught(number: int, _frame: object) -> None:
            self._signals += 1
            self._stop.set()
            if self._signals > 1:
                self._kill()
            log.info("serve.signal", signal=signal.Signals(number).name)

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, caught)

    # The loop

    def run(self, *, on_ready: Callable[[], None] | None = None) -> None:
        """Start every process and keep them running until `stop`; `on_ready` is called once all serve."""
        try:
            while not self._stop.is_set():
                for child in self._children:
                    self._look(child)
                self._tell()
                if on_ready is not None and all(child.ready for child in self._children):
                    # In a thread: it may ask what does not answer, and the processes are looked after here.
                    threading.Thread(target=_tell_ready, args=(on_ready,), daemon=True).start()
                    on_ready = None
                self._stop.wait(LOOK_EVERY)
        finally:
            self._stop_all()

    def _tell(self) -> None:
        if self._report is None:
            return
        states = self.states
        if states != self._reported and self._report(states):
            self._reported = states

    def _look(self, child: _Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.start_at:
                self._start(child)
            return
        self._read(child)
        code = child.process.poll()
        if code is None:
            if now - child.started > LONG_LIFE:
                child.failures = 0
            self._listen(child, now)
            return
        child.failures = 1 if now - child.started > LONG_LIFE else child.failures + 1
        child.deaths += 1
        pause = min(FIRST_BACKOFF * 2 ** (child.failures - 1), LARGEST_BACKOFF)
        log.error(
            "serve.process-died",
            name=child.spec.name,
            pid=child.process.pid,
            code=code,
            restart_in=pause,
        )
        self._ended(child)
        child.start_at = now + pause

    def _listen(self, child: _Child, now: float) -> None:
        """Kill a child that is silent for too long, before or after it serves; its death is noticed later."""
        child.silent += min(now - child.looked, LONGEST_LOOK)
        child.looked = now
        if child.process is None or child.spec.silence is None:
            return
        if child.silent > (child.spec.silence if child.ready else self._start_patience):
            log.error(
                "serve.process-hung",
                name=child.spec.name,
                pid=child.process.pid,
                silent_seconds=round(child.silent, 1),
            )
            child.process.kill()
            child.silent = 0.0

    def _start(self, child: _Child) -> None:
        child.process = self._process(child.spec)
        child.started = child.looked = time.monotonic()
        child.silent = 0.0
        child.ready, child.output = False, b""
        os.set_blocking(_pipe(child.process.stdout).fileno(), False)
        log.info("serve.process-started", name=child.spec.name, pid=child.process.pid)

    def _process(self, spec: ProcessSpec) -> ChildProcess:
        """A process by the fork server; where that does not answer, a new program."""
        if self._fork_server is not None and spec.module:
            try:
                return self._fork_server.start(spec.name, spec.module, spec.arguments)
            except OSError as error:
                log.warning("serve.not-forked", name=spec.name, reason=str(error))
        return subprocess.Popen(
            spec.new_program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=self._kept,
            process_group=0,
            env=self._environment,
        )

    def _read(self, child: _Child) -> None:
        if child.process is None:
            return
        with contextlib.suppress(BlockingIOError):
            said = os.read(_pipe(child.process.stdout).fileno(), OUTPUT_LIMIT)
            child.output += said
            child.silent = 0.0 if said else child.silent
        if not child.ready and READY in child.output:
            child.ready = True
            log.info(
                "serve.process-ready",
                name=child.spec.name,
                seconds=round(time.monotonic() - child.started, 2),
            )
        child.output = child.output[-len(READY) :]

    def _ended(self, child: _Child) -> None:
        if child.process is None:
            return
        for pipe in (child.process.stdin, child.process.stdout):
            with contextlib.suppress(OSError):
                _pipe(pipe).close()
        if self._on_death is not None:
            self._on_death(child.process.pid)
        child.process, child.ready = None, False

    # Stopping

    def _stop_all(self) -> None:
        for last in (False, True):
            stopping = [c for c in self._children if c.spec.last is last and c.process is not None]
            for child in stopping:
                self._terminate(child)
            deadline = time.monotonic() + self._stop_patience
            for child in stopping:
                self._wait(child, deadline)
        if self._fork_server is not None:
            self._fork_server.close()

    @staticmethod
    def _terminate(child: _Child) -> None:
        if child.process is not None:
            with contextlib.suppress(OSError):
                _pipe(child.process.stdin).close()
            child.process.terminate()

    def _wait(self, child: _Child, deadline: float) -> None:
        process = child.process
        if process is None:
            return
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.error(  # noqa: TRY400 - the exception says no more
                "serve.process-killed", name=child.spec.name, pid=process.pid
            )
            process.kill()
            process.wait()
        log.info("serve.process-stopped", name=child.spec.name, pid=process.pid, code=process.returncode)
        self._ended(child)

    def _kill(self) -> None:
        for child in self._children:
            if child.process is not None:
                child.process.kill()


def _tell_ready(on_ready: Callable[[], None]) -> None:
    try:
        on_ready()
    except Exception:
        log.exception("serve.bug")  # what is only told must not end what serves


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # noqa: S101 - `_start` asks for both
    return pipe


# The child's side


def tell_ready() -> None:
    """Tell the supervisor that this process serves."""
    with contextlib.suppress(OSError):
        os.write(sys.stdout.fileno(), READY)


def beat() -> None:
    """Tell the supervisor that this process' loop still turns; to be called every `BEAT_EVERY` seconds."""
    with contextlib.suppress(OSError):
        os.set_blocking(sys.stdout.fileno(), False)  # a supervisor that does not read must not stop us
        os.write(sys.stdout.fileno(), BEAT)


def when_orphaned(stop: Callable[[], None]) -> None:
    """Call `stop` once the supervisor has closed our standard input, or has died."""

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(sys.stdin.fileno(), 1):
                pass
        stop()

    threading.Thread(target=watch, name="watch-supervisor", daemon=True).start()
