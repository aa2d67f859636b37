"""The jobs process: `python -m trustworks.app.processes.jobs --config FILE`.

Runs what is done by the clock and not by a request: the time collector, the audit log's sequencer and its
checkpoints, the publication of revocation lists, the health probe of the tokens that only this process opens.
Each task has a thread of its own; one that fails says so in the heartbeat and is tried again.
"""

from __future__ import annotations

import argparse
import signal
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from trustworks.app import logs
from trustworks.app.health import heartbeat, metrics
from trustworks.app.health.heartbeat import TaskState
from trustworks.app.opening import is_hopeless
from trustworks.app.processes.supervisor import beat, tell_ready, when_orphaned
from trustworks.app.web.checks import waits_for_the_clock
from trustworks.app.wiring import Wiring
from trustworks.core.errors import TrustworksError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

log = structlog.get_logger(__name__)

BEAT = 1.0  # seconds
LOOK = 3.0  # seconds between two looks whether the operator has put something right
FIRST_PAUSE = 1.0  # seconds between two tries of a task that fails; doubled up to the longest
LONGEST_PAUSE = 30.0
NO_TIME = "It needs the clock, which gives no time; `trustworks time status` says why."


class Task:
    """Something that is done again and again, in a thread of its own.

    `work` gets an `ExitStack` that stays open between the rounds, so that what the first round opened is
    used by the next; after a failure it is closed, and the next round opens anew. `work` answers what the
    heartbeat tells. `finish` is done once at the very end, when all other tasks have ended. A failure that
    trying again would make worse ends the task, unless `watch` is given: then the task goes on once that
    answers something else, such as another state of the PIN file.
    """

    def __init__(
        self,
        name: str,
        every: float,
        work: Callable[[ExitStack], str | TaskState],
        finish: Callable[[], None] | None = None,
        watch: Callable[[], object] | None = None,
    ) -> None:
        self.name = name
        self.state = TaskState(code="starting", sentence="The task has not run yet.")
        self.finishes = finish is not None
        self._every = every
        self._work = work
        self._finish = finish
        self._watch = watch
        self._stack = ExitStack()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set."""
        failures = 0
        while not stop.is_set():
            seen = None if self._watch is None else self._watch()
            try:
                done = self._work(self._stack)
                self.state = done if isinstance(done, TaskState) else TaskState(code="ok", sentence=done)
                failures = 0
                pause = self._every
            except Exception as error:  # noqa: BLE001 - logged in `_failed`
                self._stack.close()
                self._stack = ExitStack()
                failures += 1
                pause = min(FIRST_PAUSE * 2 ** (failures - 1), LONGEST_PAUSE)
                self._failed(error)
                if is_hopeless(error):
                    if self._watch is None:
                        break
                    while self._watch() == seen and not stop.wait(LOOK):
                        pass
                    continue
            stop.wait(pause)

    def end(self) -> None:
        """Finish, and close what the rounds have opened."""
        try:
            if self._finish is not None and self.state.ok:
                self._finish()
        except Exception as error:  # noqa: BLE001 - logged in `_failed`
            self._failed(error)
        self._stack.close()

    def _failed(self, error: Exception) -> None:
        if isinstance(error, TrustworksError):
            code = error.code if isinstance(error, Unavailable) else type(error).__name__.lower()
            state = TaskState(code=code, sentence=str(error))
            if state != self.state:
                # The clock's reasons are long and the same for every task; what collects them tells them.
                reason = NO_TIME if waits_for_the_clock(self.name, code) else str(error)
                log.error("jobs.task-failed", task=self.name, code=code, reason=reason)
        else:
            state = TaskState(code="bug", sentence="The task failed; the reason is in the log.")
            log.error("jobs.task-bug", task=self.name, exc_info=error)
        self.state = state


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the tasks until the supervisor says stop."""
    parser = argparse.ArgumentParser(
        prog="python -m trustworks.app.processes.jobs", description="The jobs process."
    )
    parser.add_argument("--config", type=Path, required=True)
    given = parser.parse_args(arguments)
    wiring = Wiring.lazy(given.config)
    wiring.watching = True
    logs.configure(wiring.config.log, process="jobs")
    metrics.prepare(wiring.run_dir / "metrics")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    when_orphaned(stop.set)
    run(wiring, stop)
    log.info("jobs.stopped")


def run(wiring: Wiring, stop: threading.Event) -> None:
    """Run all tasks that the configuration asks for, and beat."""
    from trustworks.app.processes.tasks import tasks  # noqa: PLC0415 - loads what the tasks need

    work = tasks(wiring, stop)
    threads = [
        threading.Thread(target=task.run, args=(stop,), name=f"jobs-{task.name}", daemon=True)
        for task in work
    ]
    for thread in threads:
        thread.start()
    tell_ready()
    while not stop.is_set():
        heartbeat.write(wiring.run_dir, {task.name: task.state for task in work})
        beat()
        stop.wait(BEAT)
    deadline = time.monotonic() + STOP_PATIENCE
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    ended = [task for task, thread in zip(work, threads, strict=True) if not thread.is_alive()]
    for task in sorted(ended, key=lambda task: task.finishes):
        task.end()
    for task in work:
        if task not in ended:  # what it has opened is in use: the end of this process closes that
            log.warning("jobs.task-did-not-stop", task=task.name, seconds=STOP_PATIENCE)


STOP_PATIENCE = 4.0  # seconds for the last rounds of all tasks; the supervisor waits a little longer


if __name__ == "__main__":
    main()
