"""Runs the jobs by a clock that hurries, and kills itself by SIGKILL at a step of a key's replacement.

Arguments: the configuration, the moment at which the clock begins, and as JSON where to stop: the task, a
function by its path, and whether before or after it; or `days`, after which the jobs stop as when they are
told to. The clock's moment at the end goes into a file.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trustworks.app.processes import jobs, tasks
from trustworks.app.wiring.resources import Resources
from trustworks.core.time.model import ClockStatus, Mode, TimeEvidence, TrustedTime

if TYPE_CHECKING:
    from collections.abc import Callable

STEP = timedelta(hours=12)  # of the clock, when every task that goes by it has looked at it
ENOUGH = 1000  # steps until who waits for a step that does not come gives up


class SteppingClock:
    """Of the laboratory's kind, but it moves on once every task that replaces keys has read it.

    So none of them is left behind, however quick the machine is.
    """

    mode: Mode = "lab"

    def __init__(self, begin: datetime, readers: frozenset[str], end: Callable[[int], None]) -> None:
        self.moment, self._readers, self._end = begin, readers, end
        self._missing, self._steps = set(readers), 0
        self._lock = threading.Lock()

    def now(self) -> TrustedTime:
        with self._lock:
            self._missing.discard(threading.current_thread().name)
            if not self._missing:
                self.moment += STEP
                self._missing = set(self._readers)
                self._steps += 1
                self._end(self._steps)
            return TrustedTime(self.moment, 0, TimeEvidence("lab", "none", ("test",), None, "unchecked"))

    def status(self) -> ClockStatus:
        return ClockStatus(ok=True, mode="lab", code="ok", reason="test")


def main() -> None:
    config, begin, stop_at, left = sys.argv[1:]
    stop: dict[str, Any] = json.loads(stop_at)
    most = stop.pop("days", None)

    def end(how: signal.Signals) -> None:
        Path(left).write_text(clock.moment.isoformat(), encoding="utf-8")
        os.kill(os.getpid(), how)

    def moved(steps: int) -> None:
        if most is not None and steps * STEP >= timedelta(days=most):
            end(signal.SIGTERM)
        elif steps == ENOUGH:
            end(signal.SIGABRT)

    readers = frozenset({"jobs-rollover", "jobs-rollover.tsu", "jobs-rollover.authority"})
    clock = SteppingClock(datetime.fromisoformat(begin), readers, moved)
    Resources.open_clock = lambda _: clock  # type: ignore[assignment,method-assign]
    tasks.CRL_LOOK, jobs.FIRST_PAUSE, jobs.STOP_PATIENCE = 0.1, 0.01, 600.0

    def stopping(task: str, target: str, *, after: bool) -> None:
        place, _, name = target.rpartition(".")
        module, _, holder = place.rpartition(".")
        of: Any = (
            getattr(importlib.import_module(module), holder)
            if holder[:1].isupper()
            else importlib.import_module(place)
        )
        function = getattr(of, name)

        def instead(*given: Any, **named: Any) -> Any:
            if threading.current_thread().name != f"jobs-{task}":
                return function(*given, **named)
            if not after:
                end(signal.SIGKILL)
            done = function(*given, **named)
            end(signal.SIGKILL)
            return done

        setattr(of, name, instead)

    if most is None:
        stopping(**stop)
    setattr(jobs, "when_orphaned", lambda _: None)  # noqa: B010 - no supervisor holds the standard input open
    jobs.main(["--config", config])


if __name__ == "__main__":
    main()
