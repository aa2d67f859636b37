"""The task that collects evidence of what runs here, by the clock."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final

from trustworks.app.health.heartbeat import TaskState

if TYPE_CHECKING:
    from contextlib import ExitStack

    from trustworks.app.processes.rounds import Round
    from trustworks.app.wiring import Wiring

_BY: Final = "jobs"
LOOK: Final = 5.0  # seconds between two looks whether evidence is due
START: Final = 20.0  # seconds after the start before the first look: what is looked at is starting, too
TRACE_AFTER: Final = 600.0  # seconds after the start before the table of requirements is read
_TO_DO: Final = (
    "`trustworks assurance incident list` tells more. Put the module right; or accept it as it is by "
    "`trustworks assurance incident close`; or correct a wrong entry by `trustworks assurance product change "
    "--correction`."
)
TRACE_EVERY: Final = 86_400.0  # it takes seconds of a processor, and changes with the software alone


def collector(wiring: Wiring, stack: ExitStack) -> Round:
    """Collects evidence when it is due; a module that differs unplanned is told until it is put right."""
    from trustworks.assurance.collecting import Collector, acts_of_others  # noqa: PLC0415 - loads the register
    from trustworks.core.time import any_time  # noqa: PLC0415 - as above

    database = stack.enter_context(wiring.open_database())
    recorder = stack.enter_context(wiring.open_recorder("jobs-evidence", database=database))
    clock = wiring.open_clock()
    every = wiring.config.assurance.evidence_every
    collecting = Collector(
        wiring.evidence_sources(),
        database=database,
        recorder=recorder,
        by=_BY,
        now=lambda: any_time(clock).utc,
    )
    due = monotonic() + min(START, every)
    trace_due = monotonic() + TRACE_AFTER
    state: str | TaskState = "Evidence is collected soon."
    acted = 0

    def acts() -> int:
        with database.read() as connection:
            return acts_of_others(connection, _BY)

    def look() -> str | TaskState:
        nonlocal due, trace_due, state, acted
        if monotonic() < due and (isinstance(state, str) or acted == acts()):
            return state
        due = monotonic() + every
        trace = monotonic() >= trace_due
        if trace:
            trace_due = monotonic() + TRACE_EVERY
        # Before the look: what is done while it lasts is looked at the next time.
        acted = acts()
        found = collecting.run(trace=trace)
        if found.unexpected:
            told = " ".join(f"{one.subject}: {one.sentence}" for one in found.unexpected)
            state = TaskState(code="assurance.identity", sentence=f"{told} {_TO_DO}")
        else:
            wrong = sum(one.item.outcome.value != "ok" for one in found.round.items)
            state = f"{len(found.round.items)} items of evidence were looked at, {wrong} with findings."
        return state

    return look
