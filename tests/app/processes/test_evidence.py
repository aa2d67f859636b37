"""The task that collects evidence: when it looks, and what it tells the heartbeat."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from trustworks.app.health.heartbeat import TaskState
from trustworks.app.processes import evidence
from trustworks.assurance.collecting import Collected, Collector
from trustworks.assurance.evidence import Item, Kind, Outcome
from trustworks.assurance.evidence.records import Kept, Round

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.app.wiring import Wiring


class Clock:
    """A monotonic clock that the test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("trustworks.app.processes.evidence.monotonic", lambda: self.now)


class Bench:
    """As much of the wiring as the task needs."""

    def __init__(self, every: float) -> None:
        self.config = SimpleNamespace(assurance=SimpleNamespace(evidence_every=every))

    @contextmanager
    def open_database(self) -> Iterator[Any]:
        yield SimpleNamespace(read=nullcontext)

    @contextmanager
    def open_recorder(self, role: str, *, database: Any) -> Iterator[Any]:
        del role, database
        yield None

    def open_clock(self) -> Any:
        return None

    def evidence_sources(self) -> Any:
        return None


def found(*differences: Any, at: datetime) -> Collected:
    item = Item(
        kind=Kind.IDENTITY,
        subject="hsm-1",
        at=at,
        outcome=Outcome.FINDING if differences else Outcome.OK,
        sentence="The serial number is S2, expected was S1." if differences else "As expected.",
        values={"differences": list(differences)},
    )
    return Collected(round=Round(number=1, at=at, by="jobs", items=(Kept(number=1, item=item),)))


@pytest.mark.req("TRUSTWORKS:ASSURANCE-EVIDENCE-KEPT")
def test_it_looks_when_it_is_due_and_an_unplanned_difference_is_no_good_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = datetime(2026, 6, 1, tzinfo=UTC)
    clock = Clock(monkeypatch)
    answers = [
        found(at=at),
        found({"field": "serial"}, at=at),
        found({"field": "serial"}, at=at),
        found(at=at),
    ]
    traces: list[bool] = []

    def run(self: Collector, *, trace: bool) -> Collected:
        del self
        traces.append(trace)
        return answers.pop(0)

    acts = 0
    monkeypatch.setattr(Collector, "run", run)
    monkeypatch.setattr("trustworks.assurance.collecting.acts_of_others", lambda *_: acts)
    wiring: Wiring = Bench(every=400.0)  # type: ignore[assignment]
    with ExitStack() as stack:
        look = evidence.collector(wiring, stack)
        assert look() == "Evidence is collected soon."
        clock.now += evidence.START
        assert look() == "1 items of evidence were looked at, 0 with findings."
        clock.now += 399.0
        look()
        assert len(answers) == 3
        clock.now += 1.0
        state = look()
        assert isinstance(state, TaskState)
        assert state.code == "assurance.identity"
        assert not state.ok
        assert "hsm-1: The serial number is S2" in state.sentence
        assert "trustworks assurance incident close" in state.sentence  # what to do
        assert look() is state  # until the next look
        clock.now += 400.0
        state = look()
        assert isinstance(state, TaskState)
        assert look() is state
        acts += 1  # somebody closed the incident, corrected the register, or looked
        assert isinstance(look(), str)
        acts += 1
        assert isinstance(look(), str)  # where nothing differs it waits until it is due
    assert traces == [False, False, True, False]
