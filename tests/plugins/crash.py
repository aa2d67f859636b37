"""Processes that are killed with SIGKILL at a random moment, and what they had acknowledged until then.

`TRUSTWORKS_CRASH_POINTS=1000 pytest -m crash` makes a longer session than the tests' own few points. The
moments come from `TRUSTWORKS_CRASH_SEED`, by default from the clock; a failing test prints it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    # Writes one line to the parent, whole: at most 4,000 characters.
    Say = Callable[[str], None]

_FIRST_WITHIN = 60.0


class Worker(Protocol):
    """A function at the top of a module: works for ever, and says what is done."""

    def __call__(self, say: Say, *arguments: Any) -> None: ...


def points(default: int) -> int:
    """How many kills a test makes."""
    return int(os.environ.get("TRUSTWORKS_CRASH_POINTS", default))


def randomness() -> random.Random:
    """The moments of the kills."""
    seed = os.environ.get("TRUSTWORKS_CRASH_SEED") or str(time.time_ns())
    print(f"TRUSTWORKS_CRASH_SEED={seed}")  # noqa: T201 - pytest shows it when the test fails
    return random.Random(seed)  # noqa: S311 - moments, no secrets


class Victim:
    """A process that works until it is killed; forked from a server that imported the program already."""

    def __init__(self, worker: Worker, *arguments: Any) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["__main__", worker.__module__])
        reading, writing = context.Pipe(duplex=False)
        self._process = context.Process(target=_run, args=(writing, worker, arguments))
        # The server finds the modules to import beforehand on PYTHONPATH alone.
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
            self._process.start()
        writing.close()
        self._pipe = reading
        self._begun = threading.Event()
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                self.lines.append(self._pipe.recv_bytes(10_000).decode())
                self._begun.set()
        self._begun.set()

    def wait_until_it_works(self) -> None:
        """Wait until something is done: on a busy machine that may come long after the start."""
        assert self._begun.wait(_FIRST_WITHIN), "the process did nothing"
        assert self._process.is_alive(), "the process ended by itself"

    def kill(self) -> list[str]:
        """Kill it, and answer every line that it had said."""
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.join(30)
        assert self._process.exitcode == -signal.SIGKILL, "the process ended by itself"
        self._reader.join(30)
        self._pipe.close()
        self._process.close()
        return self.lines


def _run(pipe: Any, worker: Worker, arguments: tuple[Any, ...]) -> None:
    lock = threading.Lock()
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def say(line: str) -> None:
        with lock:
            pipe.send_bytes(line.encode())

    worker(say, *arguments)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def kill_at_random(
    rounds: int, at_once: int, start: Callable[[int], Victim], check: Callable[[list[str]], None]
) -> None:
    """Start `at_once` victims, kill each at a random moment, `check` what it had said; `rounds` kills in all.

    Some are killed while they start, most while they work.
    """
    moments = randomness()
    done = 0
    while done < rounds:
        victims = [start(done + number) for number in range(min(at_once, rounds - done))]
        said = []
        for victim in victims:
            if moments.random() < 0.85:
                victim.wait_until_it_works()
                time.sleep(moments.uniform(0, 0.12))
            else:
                time.sleep(moments.uniform(0, 0.1))
            said.append(victim.kill())
        for lines in said:
            check(lines)
        done += len(victims)
