"""Planned changes over the audit log: each step in one transaction with its event.

Life of a change: planned, a month ahead; seen by the collector, when the module says just what was announced;
done, which brings the register up to date. Or cancelled.

Life of an incident: drafted by the collector; closed by a person as settled, accepted or superseded, as far
as what the last look found bears that out. Its draft stays as it was.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from trustworks.assurance.changes import records
from trustworks.assurance.changes.model import ChangeAct, ChangeState, End, IncidentOutcome
from trustworks.assurance.changes.rules import (
    check_ahead,
    check_done,
    check_end_day,
    check_open,
    check_outcome,
    check_step,
)
from trustworks.assurance.evidence import Kind
from trustworks.assurance.evidence import records as evidence_records
from trustworks.assurance.evidence.identity import sentences
from trustworks.assurance.registered import product_of
from trustworks.assurance.service import Register
from trustworks.core.audit import Event
from trustworks.core.errors import Malformed, Refused, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

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
        act = self._act(ChangeState.PLANNED, "")

        def action(connection: Connection) -> Change:
            records.take_turn(connection)
            _check_plan(connection, plan, now)
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
        if change.plan.announced:
            # First, so that an interruption leaves a change that is still to be entered as done.
            self._register.change_product(change.plan.product, **change.plan.announced)
        return self._step(number, ChangeState.DONE, reason)

    def close(self, number: int, outcome: IncidentOutcome, *, on: date, reason: str) -> Incident:
        """Close an incident. Where it is accepted, the register holds from then on what was found.

        The verdicts follow what the register says then; nothing that stopped a module or a service is opened
        by it. Raises `Malformed` without a reason, `Rejected` (assurance.incident,
        assurance.incident-closed, assurance.incident-day, assurance.incident-outcome).
        """
        if not reason.strip():
            raise Malformed("Say why the incident is closed: --reason TEXT.")
        end = End(outcome=outcome, on=on, at=self._now(), by=self._by, reason=reason)

        def look(connection: Connection) -> tuple[Incident, dict[str, str]]:
            incident = incident_of(connection, number)
            check_open(incident)
            check_end_day(incident, on, end.at.date())
            found = lasting_of(connection, incident.product)
            told = None if found is None else sentences(found)
            check_outcome(incident, outcome, told, records.all_incidents(connection))
            return incident, {one["field"]: one["found"] for one in found or ()}

        incident, found = self._recorder.transact_all(lambda _: (), look)
        if outcome is IncidentOutcome.ACCEPTED:
            # First, as with a change that is done.
            self._register.change_product(incident.product, **found)

        def action(connection: Connection) -> Incident:
            records.take_turn(connection)
            incident = incident_of(connection, number)
            check_open(incident)
            records.close_incident(connection, number, end)
            return replace(incident, end=end)

        return self._recorder.transact(
            lambda closed: Event(
                type="assurance.incident-closed",
                outcome="success",
                actor=self._by,
                subject={"incident": closed.number, "product": closed.product},
                detail={"outcome": outcome.value, "on": on.isoformat(), "reason": reason},
                time=end.at,
            ),
            action,
        )

    @property
    def _register(self) -> Register:
        return Register(self._recorder, by=self._by, now=self._now)

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


def lasting_of(connection: Connection, product: str) -> Sequence[Mapping[str, str]] | None:
    """What the last look at a product found that nobody planned; None where it could not be looked at.

    Each as `evidence.identity.Difference` has it: field, expected, found.
    """
    kept = evidence_records.newest(connection, Kind.IDENTITY, product)
    if kept is None:
        return None
    found: Sequence[Mapping[str, str]] | None = kept.item.values.get("differences")
    return found


def _check_plan(connection: Connection, plan: ChangePlan, now: datetime) -> None:
    """Refuse a plan with all that is wrong with it, at once."""
    try:
        check_ahead(plan, now)
    except Refused as early:
        try:
            if plan.product:
                product_of(connection, plan.product)
        except Rejected as absent:
            raise Refused(early.requirement, f"{early} And: {absent}") from None
        raise
    if plan.product:
        product_of(connection, plan.product)


def incident_of(connection: Connection, number: int) -> Incident:
    """An incident. Raises `Rejected` (assurance.incident) where there is none of that number."""
    found = records.incident(connection, number)
    if found is None:
        raise Rejected(
            "assurance.incident",
            f"There is no incident {number}; `trustworks assurance incident list` shows all.",
        )
    return found
