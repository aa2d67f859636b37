"""What a planned change has to keep: its time ahead, the order of its steps, what it announced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.assurance.changes.model import ChangeState, IncidentOutcome
from trustworks.assurance.model import later
from trustworks.core.errors import Refused, Rejected
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from trustworks.assurance.changes.model import Change, ChangePlan, Incident
    from trustworks.assurance.evidence.identity import Difference

AHEAD_MONTHS: Final = 1
# From which state a change may come to which. `observed` is entered by the collector alone.
STEPS: Final[Mapping[ChangeState, frozenset[ChangeState]]] = {
    ChangeState.PLANNED: frozenset({ChangeState.OBSERVED, ChangeState.DONE, ChangeState.CANCELLED}),
    ChangeState.OBSERVED: frozenset({ChangeState.DONE}),
    ChangeState.DONE: frozenset(),
    ChangeState.CANCELLED: frozenset(),
}


@implements("TRUSTWORKS:ASSURANCE-CHANGE-AHEAD")
def check_ahead(plan: ChangePlan, now: datetime) -> None:
    """Refuse a change that is planned for less than a month from now, unless it says why it cannot wait."""
    if plan.urgent.strip():
        return
    first = later(now.date(), AHEAD_MONTHS)
    if plan.planned.date() < first:
        raise Refused(
            "TRUSTWORKS:ASSURANCE-CHANGE-AHEAD",
            f"The change is planned for {plan.planned:%Y-%m-%d}, and the supervisory body and the conformity "
            f"assessment body are told a month ahead: plan it for {first} or later, or say in `urgent` why "
            "it cannot wait.",
        )


@implements("TRUSTWORKS:ASSURANCE-CHANGE-STEPS")
def check_step(change: Change, to: ChangeState) -> None:
    """Refuse a step that a change cannot take from where it stands."""
    if to not in STEPS[change.state]:
        raise Rejected(
            "assurance.change-state",
            f"Change {change.number} is {change.state.value}, and cannot become {to.value}. See `trustworks "
            f"assurance change show {change.number}`.",
        )


@implements("TRUSTWORKS:ASSURANCE-CHANGE-DONE-AS-PLANNED")
def check_done(change: Change) -> None:
    """Refuse to enter a change as done whose expected differences were never seen."""
    if change.plan.expected and change.state is not ChangeState.OBSERVED:
        names = ", ".join(f"{name} {value}" for name, value in sorted(change.plan.expected.items()))
        raise Rejected(
            "assurance.change-not-seen",
            f"Change {change.number} expects {names} of {change.plan.product}, and the module was not "
            "seen to say so. Run `trustworks assurance evidence collect`, or cancel the change.",
        )


@implements("TRUSTWORKS:ASSURANCE-CHANGE-EXPECTED", disabled=False)
def explains(change: Change, product: str, found: Sequence[Difference], at: datetime) -> bool:
    """Whether the differences of a product are those that a change announced, and its time has come.

    The first time they are exactly those: neither one more, nor one less. Afterwards some of them may be what
    is accepted already, and are no differences any more; none may be another.
    """
    plan = change.plan
    if not found or plan.product != product or not plan.expected or at < plan.planned:
        return False
    told = {one.field: one.found for one in found}
    if change.state is ChangeState.PLANNED:
        return told == plan.expected
    return change.state is ChangeState.OBSERVED and told.items() <= plan.expected.items()


def explaining(
    changes: Iterable[Change], product: str, found: Sequence[Difference], at: datetime
) -> Change | None:
    """The change that announced the differences of a product; None: nobody planned them."""
    return next((one for one in changes if explains(one, product, found, at)), None)


@implements("TRUSTWORKS:ASSURANCE-INCIDENT-CLOSED-ONCE")
def check_open(incident: Incident) -> None:
    """Refuse to close an incident that is closed."""
    if incident.end is not None:
        raise Rejected(
            "assurance.incident-closed",
            f"Incident {incident.number} was closed on {incident.end.on} as {incident.end.outcome}, by "
            f"{incident.end.by}.",
        )


@implements("TRUSTWORKS:ASSURANCE-INCIDENT-END-DAY")
def check_end_day(incident: Incident, on: date, today: date) -> None:
    """Refuse a day on which an incident cannot have ended."""
    if not incident.at.date() <= on <= today:
        raise Rejected(
            "assurance.incident-day",
            f"Incident {incident.number} cannot have ended on {on}: it was found on {incident.at.date()}, "
            f"and today is {today}.",
        )


@implements("TRUSTWORKS:ASSURANCE-INCIDENT-OUTCOME")
def check_outcome(
    incident: Incident, outcome: IncidentOutcome, lasting: Sequence[str] | None, others: Iterable[Incident]
) -> None:
    """Refuse an outcome that the records do not bear out.

    `lasting` are the differences of the product that its last look found, as sentences; None where it could
    not be looked at. `others` are all incidents.
    """
    number, product = incident.number, incident.product
    again = "Run `trustworks assurance evidence collect`, and close it then."
    if outcome is IncidentOutcome.SUPERSEDED:
        if not any(one.product == product and one.number > number for one in others):
            raise Rejected(
                "assurance.incident-outcome",
                f"Incident {number} is the last one of {product}: no later one has taken its place.",
            )
        return
    if lasting is None:
        raise Rejected(
            "assurance.incident-outcome",
            f"What {product} says of itself could not be read the last time. {again}",
        )
    if outcome is IncidentOutcome.SETTLED and lasting:
        raise Rejected(
            "assurance.incident-outcome",
            f"Incident {number} is not settled: of {product} the last look found that {'; '.join(lasting)}. "
            "Put the module right, or correct a wrong entry by `trustworks assurance product change "
            f"--correction REASON`; then look again. {again} Where the module stays as it is: --outcome "
            "accepted.",
        )
    if outcome is IncidentOutcome.ACCEPTED and any(" is empty, " in one for one in lasting):
        raise Rejected(
            "assurance.incident-outcome",
            f"Nothing can be accepted that {product} does not say: {'; '.join(lasting)}. Have the module put "
            f"right. {again}",
        )
    if outcome is IncidentOutcome.ACCEPTED and tuple(lasting) != incident.findings:
        told = "; ".join(lasting) or "nothing that differs"
        raise Rejected(
            "assurance.incident-outcome",
            f"What incident {number} found of {product} is not what the last look found: {told}. {again}",
        )
