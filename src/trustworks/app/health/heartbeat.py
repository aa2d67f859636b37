"""How the jobs process tells that it lives and how its tasks fare: a small file, replaced every second."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trustworks.core.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

NAME = "jobs.json"
STALE_AFTER = 15.0  # seconds; the file is replaced every second, and a busy machine may be late


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState:
    """How a periodic task fared last. `code` is ``ok``, ``starting`` or that of what went wrong."""

    code: str
    sentence: str

    @property
    def ok(self) -> bool:
        """Whether the task is well."""
        return self.code in {"ok", "starting"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """What the jobs process wrote. `age` is in seconds."""

    pid: int
    age: float
    tasks: dict[str, TaskState]


def write(run: Path, tasks: dict[str, TaskState]) -> None:
    """Replace the file; a full disk is not an error here, the heartbeat merely grows old."""
    document: dict[str, Any] = {
        "pid": os.getpid(),
        "written": time.clock_gettime(time.CLOCK_MONOTONIC),
        "tasks": {name: {"code": state.code, "sentence": state.sentence} for name, state in tasks.items()},
    }
    new = run / f"{NAME}.new"
    with suppress(OSError):
        new.write_text(json.dumps(document), encoding="utf-8")
        new.replace(run / NAME)


def read(run: Path) -> Heartbeat:
    """The last heartbeat. Raises `Unavailable` (jobs.silent) when there is none, or only an old one."""
    try:
        document = json.loads((run / NAME).read_text(encoding="utf-8"))
        heartbeat = Heartbeat(
            pid=int(document["pid"]),
            age=time.clock_gettime(time.CLOCK_MONOTONIC) - float(document["written"]),
            tasks={
                str(name): TaskState(code=str(task["code"]), sentence=str(task["sentence"]))
                for name, task in document["tasks"].items()
            },
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise Unavailable(
            "jobs.silent",
            "The jobs process has not reported; `trustworks serve` runs it, see the log.",
        ) from None
    if not 0 <= heartbeat.age <= STALE_AFTER:
        raise Unavailable(
            "jobs.silent",
            f"The jobs process has not reported for {max(heartbeat.age, 0):.0f} s; "
            "audit checkpoints and revocation lists stand still. See the log.",
        )
    return heartbeat
