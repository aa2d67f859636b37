"""Runs the jobs by a clock that hurries, and kills itself by SIGKILL at a step of a key's replacement.

Arguments: the configuration, the moment at which the clock begins, and as JSON where to stop: the task, a
function by its path, and whether before or after it. The clock's moment at the end goes into a file.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from trustworks.app.processes import jobs, tasks
from trustworks.app.wiring.resources import Resources
from trustworks.core.time.model import ClockStatus, Mode, TimeEvidence, TrustedTime

HURRY = timedelta(days=4)  # of the clock, in a second
LONGEST = 20.0  # seconds until who waits for a step that does not come gives up


class HurryingClock:
    """Of the laboratory's kind, but days pass in a second."""

    mode: Mode = "lab"

    def __init__(self, begin: datetime) -> None:
        self._begin, self._since = begin, time.monotonic()

    def now(self) -> TrustedTime:
        moment = self._begin + HURRY * (time.monotonic() - self._since)
        return TrustedTime(moment, 0, TimeEvidence("lab", "none", ("test",), None, "unchecked"))

    def status(self) -> ClockStatus:
        return ClockStatus(ok=True, mode="lab", code="ok", reason="test")


def main() -> None:
    config, begin, stop_at, left = sys.argv[1:]
    clock = HurryingClock(datetime.fromisoformat(begin))
    Resources.open_clock = lambda _: clock  # type: ignore[assignment,method-assign]
    tasks.CRL_LOOK, jobs.FIRST_PAUSE = 0.1, 0.01

    def end(how: signal.Signals) -> None:
        Path(left).write_text(clock.now().utc.isoformat(), encoding="utf-8")
        os.kill(os.getpid(), how)

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

    def give_up() -> None:
        time.sleep(LONGEST)
        end(signal.SIGTERM)

    stopping(**json.loads(stop_at))
    setattr(jobs, "when_orphaned", lambda _: None)  # noqa: B010 - no supervisor holds the standard input open
    threading.Thread(target=give_up, daemon=True).start()
    jobs.main(["--config", config])


if __name__ == "__main__":
    main()
