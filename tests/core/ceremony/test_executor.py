"""What an interruption leaves, and what the next run makes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from ceremony_plans import UNATTENDED, changed

from trustworks.core.ceremony.executor import Action, Executor
from trustworks.core.ceremony.transcript import Transcript, chain_objections, following
from trustworks.core.errors import Rejected, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.core.ceremony.transcript import Happened

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


class _KilledError(BaseException):
    """Stands for the end of the process."""


class Memory:
    """A journal that ends the process at a given write: before it, or after."""

    def __init__(self) -> None:
        self.plan = changed(UNATTENDED)
        self.entries: list[Any] = []
        self.kill_before: int | None = None
        self.kill_after: int | None = None

    def transcript(self) -> Transcript:
        return Transcript(plan=self.plan, entries=tuple(self.entries))

    def write(
        self, event: Happened, *, step: int | None = None, facts: Mapping[str, Any] | None = None
    ) -> None:
        if self.kill_before == len(self.entries):
            self.kill_before = None
            raise _KilledError
        self.entries.append(following(self.plan, self.entries, event, at=NOW, step=step, facts=facts))
        if self.kill_after == len(self.entries) - 1:
            self.kill_after = None
            raise _KilledError


class Making(Action):
    """Makes one thing for each step, and counts."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.drawn = 0
        self.fails: Exception | None = None

    def prepare(self, step: Any) -> dict[str, Any]:
        del step
        self.drawn += 1
        return {"id": f"thing {self.drawn}"}

    def look(self, step: Any, prepared: dict[str, Any]) -> dict[str, Any] | None:
        del step
        return prepared if prepared["id"] in self.made else None

    def perform(self, step: Any, prepared: dict[str, Any]) -> dict[str, Any]:
        del step
        if self.fails is not None:
            raise self.fails
        assert prepared["id"] not in self.made, "made twice"
        self.made.append(prepared["id"])
        return prepared


KINDS = ("inspect-module", "generate-key", "make-authority", "publish-crl")


def run(journal: Memory, making: Making, kinds: tuple[str, ...] = KINDS) -> Transcript:
    return Executor(journal, dict.fromkeys(kinds, making)).run({"mode": "unattended"})


@pytest.mark.req("TRUSTWORKS:CEREMONY-ONCE")
@pytest.mark.parametrize("when", ["kill_before", "kill_after"])
@pytest.mark.parametrize("entry", range(10))
def test_whatever_entry_a_run_is_killed_at_the_next_one_makes_nothing_twice(when: str, entry: int) -> None:
    journal, making = Memory(), Making()
    setattr(journal, when, entry)
    with pytest.raises(_KilledError):
        run(journal, making)
    if not journal.transcript().ended:
        found = run(journal, making)
        assert found.ended
    found = journal.transcript()
    assert len(making.made) == len(set(making.made)) == len(found.done) == 4
    assert chain_objections(found.plan, found.entries) == ()
    with pytest.raises(Rejected, match="is not run again"):
        run(journal, making)
    assert journal.transcript() == found


def test_how_far_it_came_is_told() -> None:
    journal, making = Memory(), Making()
    assert journal.transcript().how_far() == "It has not begun."
    journal.kill_before = 4  # step 2 was done, and that was not written
    with pytest.raises(_KilledError):
        run(journal, making)
    assert journal.transcript().how_far() == (
        "1 of 4 steps are carried out; step 2 was begun and is not finished. "
        "Run the same plan again to go on."
    )
    found = run(journal, making)
    resumed = [one for one in found.entries if one.event == "resumed"]
    assert len(resumed) == 1
    assert "step 2 was begun" in resumed[0].facts["before"]
    assert found.done[2]["before_interruption"] is True
    assert "before_interruption" not in found.done[3]
    assert found.how_far().endswith("with 4 of 4 steps carried out.")


def test_a_step_that_fails_is_written_down_and_tried_again_by_the_next_run() -> None:
    journal, making = Memory(), Making()
    making.fails = Unavailable("module.failed", "The module does not answer. Look after it.")
    with pytest.raises(Unavailable, match="does not answer"):
        run(journal, making)
    failed = journal.entries[-1]
    assert (failed.event, failed.step, failed.facts["code"]) == ("failed", 1, "module.failed")
    making.fails = None
    assert run(journal, making).ended
    assert making.drawn == 4


def test_a_step_that_nothing_here_carries_out_is_refused_before_anything_is_done() -> None:
    journal, making = Memory(), Making()
    with pytest.raises(Rejected, match="publish-crl") as error:
        run(journal, making, KINDS[:3])
    assert error.value.code == "ceremony.step"
    assert (journal.entries, making.made) == ([], [])
