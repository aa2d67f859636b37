"""Planned changes over the audit log: each step in one transaction with its event.

Life of a change: planned, a month ahead; seen by the collector, when the module says just what was announced;
done, which brings the register up to date. Or cancelled.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from trustworks.assurance.changes import records
from trustworks.assurance.changes.model import ChangeAct, ChangeState
from trustworks.assurance.changes.rules import check_ahead, check_done, check_step
from trustworks.assurance.service import Register, product_of
from trustworks.core.audit import Event
from trustworks.core.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from trustworks.assurance.changes.model import Change, ChangePlan, Incident
    from trustworks.core.audit import JSON, Recorder

_EVENTS: Final = {
    ChangeState.PLANNED: "assurance.change-planned",
    ChangeState.OBSERVED: "assurance.change-observed",
    ChangeState.DONE: "assurance.change-done",
    ChangeState.CANCELLED: "assurance.change-cancelled",
}


class Changes:
    """The planned changes of one provider; `by` is who acts."""

    def __init__(
        self, recorder: Recorder, *, by: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._recorder = recorder
        self._by = by
        self._now = now

    def plan(self, plan: ChangePlan) -> Change:
        """Enter a planned change.

        Raises `Refused` (TRUSTWORKS:ASSURANCE-CHANGE-AHEAD) for one that comes too soon, and `Rejected`
        (assurance.product) for a product that the register does not have.
        """
        now = self._now()
        check_ahead(plan, now)
        act = self._act(ChangeState.PLANNED, "")

        def action(connection: Connection) -> Change:
            records.take_turn(connection)
            if plan.product:
                product_of(connection, plan.product)
            return records.add_change(connection, plan, act)

        return self._recorder.transact(
            lambda change: self._event(change, {"planned": act.at.isoformat()}), action
        )

    def cancel(self, number: int, *, reason: str) -> Change:
        """End a change that will not be. Raises `Rejected` (assurance.change, assurance.change-state)."""
        return self._step(number, ChangeState.CANCELLED, reason)

    def done(self, number: int, *, reason: str) -> Change:
        """Enter a change as done; the register holds from then on what the module was announced to say.

        Raises as `cancel`, and `Rejected` (assurance.change-not-seen).
        """

        def look(connection: Connection) -> Change:
            change = change_of(connection, number)
            check_step(change, ChangeState.DONE)
            check_done(change)
            return change

        change = self._recorder.transact_all(lambda _: (), look)
        if change.plan.expected:
            # First, so that an interruption leaves a change that is still to be entered as done.
            register = Register(self._recorder, by=self._by, now=self._now)
            register.change_product(change.plan.product, **change.plan.expected)
        return self._step(number, ChangeState.DONE, reason)

    def _step(self, number: int, to: ChangeState, reason: str) -> Change:
        def action(connection: Connection) -> Change:
            records.take_turn(connection)
            change = change_of(connection, number)
            check_step(change, to)
            if to is ChangeState.DONE:
                check_done(change)
            return records.add_act(connection, change, self._act(to, reason))

        return self._recorder.transact(lambda change: self._event(change, {"reason": reason}), action)

    def _act(self, state: ChangeState, reason: str) -> ChangeAct:
        return ChangeAct(state=state, at=self._now(), by=self._by, reason=reason)

    def _event(self, change: Change, detail: dict[str, JSON]) -> Event:
        return change_event(change, by=self._by, at=self._now(), detail=detail)


def change_event(change: Change, *, by: str, at: datetime, detail: dict[str, JSON]) -> Event:
    """The event of a change's last step."""
    return Event(
        type=_EVENTS[change.state],
        outcome="success",
        actor=by,
        subject={"change": change.number, "product": change.plan.product},
        detail=detail,
        time=at,
    )


def change_of(connection: Connection, number: int) -> Change:
    """A change. Raises `Rejected` (assurance.change) where there is none of that number."""
    found = records.change(connection, number)
    if found is None:
        raise Rejected(
            "assurance.change",
            f"There is no change {number}; `trustworks assurance change list` shows all.",
        )
    return found


def incident_of(connection: Connection, number: int) -> Incident:
    """An incident. Raises `Rejected` (assurance.incident) where there is none of that number."""
    found = records.incident(connection, number)
    if found is None:
        raise Rejected(
            "assurance.incident",
            f"There is no incident {number}; `trustworks assurance incident list` shows all.",
        )
    return found
