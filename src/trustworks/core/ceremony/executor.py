"""Carries out a script: step by step, each told durably before and after.

What happens to a step: `prepare` says what is to be made (an identifier that is drawn, the key that is to
go), and that is written with `begun`; `perform` does it; `done` is written with what came of it. A process
that ends in between leaves a step that was begun. The next run asks the action to `look` whether the step's
result is there already, by what was prepared, and so nothing is made twice.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol

from trustworks.core.errors import Refused, Rejected, TrustworksError, Unavailable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trustworks.core.ceremony.steps import AnyStep
    from trustworks.core.ceremony.transcript import Happened, Transcript

Facts = dict[str, Any]


class Action(ABC):
    """What is done for one kind of step. Facts are JSON values; secrets never are among them."""

    def prepare(self, step: Any) -> Facts:
        """What is to be known of the step before it changes anything. Raises what would keep it from it."""
        del step
        return {}

    def look(self, step: Any, prepared: Facts) -> Facts | None:
        """What an interrupted run left of the step, where it is whole; None: it is still to be done."""
        del step, prepared
        return None

    @abstractmethod
    def perform(self, step: Any, prepared: Facts) -> Facts:
        """Do it, and say what came of it."""


class Journal(Protocol):
    """Where a ceremony is written down, durably, entry by entry."""

    def transcript(self) -> Transcript:
        """What is written so far."""

    def write(
        self, event: Happened, *, step: int | None = None, facts: Mapping[str, Any] | None = None
    ) -> None:
        """Write what happened; durable when this returns.

        Raises `Unavailable`, and `Rejected` (ceremony.running) when somebody else has written meanwhile.
        """


class Executor:
    """Runs one plan over its journal. `tell` is called with each step that begins, for the people."""

    def __init__(
        self,
        journal: Journal,
        actions: Mapping[str, Action],
        *,
        tell: Callable[[int, AnyStep], None] = lambda _number, _step: None,
    ) -> None:
        self._journal = journal
        self._actions = actions
        self._tell = tell

    def run(self, opening: Mapping[str, Any]) -> Transcript:
        """Carry out what is left of the plan, and answer the transcript.

        `opening` is what the first entry says; of a run that goes on, what it would say now. Raises what a
        step raises, after that was written down; and `Rejected` (ceremony.over) for a plan that was carried
        out or abandoned before.
        """
        found = self._journal.transcript()
        check_not_over(found)
        missing = {step.kind for step in found.plan.plan.steps} - self._actions.keys()
        if missing:
            raise Rejected(
                "ceremony.step",
                f"Nothing here carries out steps of the kind {', '.join(sorted(missing))}; use other steps.",
            )
        if found.entries:
            # By whose approval it goes on: they are looked at again, and may be others than at its opening.
            again = {name: opening[name] for name in ("approvals",) if opening.get(name)}
            self._journal.write("resumed", facts={"before": found.how_far(), **again})
        else:
            self._journal.write("opened", facts=opening)
        for number, step in enumerate(found.plan.plan.steps, 1):
            if number not in found.done:
                self._tell(number, step)
                self._carry_out(number, step, found.began.get(number))
        self._journal.write("closed")
        return self._journal.transcript()

    @implements(
        "TRUSTWORKS:CEREMONY-ONCE",
        disabled=lambda self, number, step, _begun: self._carry_out_afresh(number, step),
    )
    def _carry_out(self, number: int, step: AnyStep, begun: Mapping[str, Any] | None) -> None:
        """One step; `begun` are the facts that an interrupted run had prepared for it."""
        if begun is None:
            self._carry_out_afresh(number, step)
            return
        prepared = dict(begun)
        with _failures(self._journal, number):
            left = self._actions[step.kind].look(step, prepared)
        if left is not None:
            self._journal.write("done", step=number, facts={**left, "before_interruption": True})
            return
        self._perform(number, step, prepared)

    def _carry_out_afresh(self, number: int, step: AnyStep) -> None:
        with _failures(self._journal, number):
            prepared = self._actions[step.kind].prepare(step)
        self._journal.write("begun", step=number, facts=prepared)
        self._perform(number, step, prepared)

    def _perform(self, number: int, step: AnyStep, prepared: Facts) -> None:
        with _failures(self._journal, number):
            facts = self._actions[step.kind].perform(step, prepared)
        self._journal.write("done", step=number, facts=facts)


class _failures:  # noqa: N801 - read as a word of the with statement
    """Writes down why a step failed, and lets the error go on."""

    def __init__(self, journal: Journal, number: int) -> None:
        self._journal = journal
        self._number = number

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        del kind, trace
        if isinstance(error, TrustworksError):
            code = error.requirement if isinstance(error, Refused) else getattr(error, "code", "malformed")
            facts = {"code": code, "why": str(error)}
            try:
                self._journal.write("failed", step=self._number, facts=facts)
            except (Unavailable, Rejected):
                return  # the step's own error is what tells the people what to do


@implements("TRUSTWORKS:CEREMONY-ONCE")
def check_not_over(found: Transcript) -> None:
    """Refuse to carry out again what was carried out or abandoned; `Rejected` (ceremony.over)."""
    if found.ended:
        raise Rejected(
            "ceremony.over",
            f"The plan {found.plan.plan.name} is not run again. {found.how_far()} Write a new plan with "
            "another name; `trustworks keys ceremony show` shows this one's transcript.",
        )
