from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from trustworks.app.processes.supervisor import START_PATIENCE, ProcessSpec, Supervisor, only_one
from trustworks.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from trustworks.app.health.supervised import ProcessState

# A well-behaved child says ready, stops at SIGTERM or when its standard input closes, and writes that down.
CHILD = """
import pathlib, sys
from trustworks.app.processes.supervisor import tell_ready, when_orphaned
import signal, threading
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
when_orphaned(stop.set)
tell_ready()
stop.wait()
pathlib.Path(sys.argv[1]).write_text("stopped")
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""


def child(file: Path, name: str = "one", *, last: bool = False) -> ProcessSpec:
    return ProcessSpec(name=name, command=(sys.executable, "-c", CHILD, str(file)), last=last)


def until(condition: Callable[[], object], *, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


class Running:
    """A supervisor that runs in a thread."""

    def __init__(self, *specs: ProcessSpec, stop_patience: float, start_patience: float) -> None:
        self.deaths: list[int] = []
        self.ready = threading.Event()
        self.supervisor = Supervisor(
            specs,
            on_death=self.deaths.append,
            stop_patience=stop_patience,
            start_patience=start_patience,
        )
        self._thread = threading.Thread(target=self.supervisor.run, kwargs={"on_ready": self.ready.set})
        self._thread.start()

    def stop(self) -> float:
        started = time.monotonic()
        self.supervisor.stop()
        self._thread.join(20)
        assert not self._thread.is_alive()
        return time.monotonic() - started


@pytest.fixture
def run() -> Iterator[Callable[..., Running]]:
    running: list[Running] = []

    def start(
        *specs: ProcessSpec, stop_patience: float = 5.0, start_patience: float = START_PATIENCE
    ) -> Running:
        running.append(Running(*specs, stop_patience=stop_patience, start_patience=start_patience))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.mark.crash
def test_a_child_that_is_killed_is_started_again(tmp_path: Path, run: Callable[..., Running]) -> None:
    running = run(child(tmp_path / "stopped"))
    assert running.ready.wait(10)
    first = running.supervisor.pids["one"]
    os.kill(first, signal.SIGKILL)
    until(lambda: running.supervisor.pids.get("one") not in {None, first})
    assert running.deaths == [first]


def test_stopping_lets_every_child_finish_and_the_last_one_last(
    tmp_path: Path, run: Callable[..., Running]
) -> None:
    running = run(child(tmp_path / "worker"), child(tmp_path / "jobs", "jobs", last=True))
    assert running.ready.wait(10)
    running.stop()
    assert (tmp_path / "worker").stat().st_mtime_ns <= (tmp_path / "jobs").stat().st_mtime_ns
    assert running.supervisor.pids == {}


def test_a_child_that_does_not_stop_is_killed_when_the_patience_ends(run: Callable[..., Running]) -> None:
    running = run(ProcessSpec(name="stubborn", command=(sys.executable, "-c", STUBBORN)), stop_patience=0.5)
    assert running.ready.wait(10)
    assert running.stop() < 5


def test_a_child_that_cannot_live_is_started_more_and_more_seldom(run: Callable[..., Running]) -> None:
    running = run(ProcessSpec(name="broken", command=(sys.executable, "-c", "raise SystemExit(1)")))
    until(lambda: len(running.deaths) == 2)
    time.sleep(0.5)
    assert len(running.deaths) <= 3, "the pause did not grow"
    assert not running.ready.is_set()


# Says ready, beats ten times a second, and hangs when it is stopped.
BEATING = """
import time
from trustworks.app.processes.supervisor import beat, tell_ready
tell_ready()
while True:
    beat()
    time.sleep(0.1)
"""


@pytest.mark.crash
def test_a_child_that_hangs_is_killed_and_started_again(run: Callable[..., Running]) -> None:
    running = run(ProcessSpec(name="one", command=(sys.executable, "-c", BEATING), silence=2.0))
    assert running.ready.wait(10)
    first = running.supervisor.pids["one"]
    time.sleep(2.5)
    assert running.supervisor.pids["one"] == first, "a child that beats was killed"
    os.kill(first, signal.SIGSTOP)
    until(lambda: running.supervisor.pids.get("one") not in {None, first})
    assert running.deaths == [first]


def test_a_fault_in_what_is_told_does_not_end_what_serves(tmp_path: Path) -> None:
    supervisor = Supervisor([child(tmp_path / "stopped")])

    def faulty() -> None:
        supervisor.stop()
        raise ZeroDivisionError

    supervisor.run(on_ready=faulty)
    assert (tmp_path / "stopped").read_text(encoding="utf-8") == "stopped"


@pytest.mark.crash
def test_a_child_that_hangs_before_it_serves_is_killed_and_started_again(run: Callable[..., Running]) -> None:
    spec = ProcessSpec(
        name="one", command=(sys.executable, "-c", "import time; time.sleep(60)"), silence=60.0
    )
    running = run(spec, start_patience=1.0)
    until(lambda: len(running.deaths) == 1)
    assert not running.ready.is_set()


def test_a_lock_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    file = tmp_path / "serve.lock"
    file.mkdir()
    with pytest.raises(Unavailable, match="cannot be opened: Is a directory") as raised, only_one(file):
        pass
    assert raised.value.code == "serve.lock"


def test_a_child_that_beats_does_not_wait_for_a_supervisor_that_does_not_read() -> None:
    script = (
        "from trustworks.app.processes.supervisor import beat\nimport sys\n"
        "for _ in range(100_000):\n    beat()\n"
        "sys.stderr.write('done')\n"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert process.stderr.read() == b"done"


def test_how_the_children_fare_is_reported_until_it_could_be_written() -> None:
    told: list[list[ProcessState]] = []

    def report(states: Sequence[ProcessState]) -> bool:
        told.append(list(states))
        return len(told) > 2

    broken = ProcessSpec(name="broken", command=(sys.executable, "-c", "raise SystemExit(1)"))
    supervisor = Supervisor([broken], report=report)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    until(lambda: told and told[-1][0].deaths == 2)
    supervisor.stop()
    thread.join(10)
    assert (told[-1][0].name, told[-1][0].ready, told[-1][0].lately) == ("broken", False, 2)
    assert len(told) < 10, "it is reported although nothing has changed"


@pytest.mark.crash
def test_children_stop_by_themselves_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from trustworks.app.processes.supervisor import ProcessSpec, Supervisor\n"
        f"command = (sys.executable, '-c', {CHILD!r}, {str(tmp_path / 'stopped')!r})\n"
        "supervisor = Supervisor([ProcessSpec(name='one', command=command)])\n"
        "supervisor.run(on_ready=lambda: print('up', flush=True))\n"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    try:
        assert supervisor.stdout is not None
        assert b"up\n" in iter(supervisor.stdout.readline, b"")
    finally:
        supervisor.kill()
        supervisor.wait()
        if supervisor.stdout is not None:
            supervisor.stdout.close()
    until((tmp_path / "stopped").exists)


def test_a_second_supervisor_is_refused_with_a_sentence_that_names_the_first(tmp_path: Path) -> None:
    lock = tmp_path / "run" / "serve.lock"
    with only_one(lock):
        with (
            pytest.raises(
                Unavailable, match=f"process {os.getpid()} holds .*serve.lock.*Stop them first"
            ) as e,
            only_one(lock),
        ):
            pass
        assert e.value.code == "serve.running"
    with only_one(lock):
        pass


@pytest.mark.crash
def test_the_lock_outlives_a_killed_supervisor_until_its_children_have_stopped(tmp_path: Path) -> None:
    lock = tmp_path / "serve.lock"
    script = (
        "import os, subprocess, sys, pathlib\n"
        "from trustworks.app.processes.supervisor import only_one\n"
        f"with only_one(pathlib.Path({str(lock)!r})) as fd:\n"
        "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1.5)'], pass_fds=(fd,))\n"
        "    os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 9
    started = time.monotonic()
    with only_one(lock):
        assert time.monotonic() - started > 0.5, "it did not wait for the orphan"
