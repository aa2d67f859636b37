"""What has to be in a termination plan before it may be carried out: pure functions over the plan."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Refused
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from trustworks.app.termination.plan import Plan

REVIEWED_WITHIN: Final = timedelta(days=730)
_TOLD: Final = ("supervisory-body", "trusted-list-operator", "subscribers", "relying-parties")
_DOCUMENTED: Final = (
    "termination-procedures",
    "review-records",
    "audit-reports",
    "third-party-arrangements",
    "terms",
    "practice-statement",
)


@implements("EU2025-2530:3.4", disabled=())
def review_objections(plan: Plan, today: date) -> tuple[str, ...]:
    """A plan counts for two years after its last review."""
    if plan.reviewed > today:
        return (f"it was reviewed on {plan.reviewed}, which is still to come",)
    if today - plan.reviewed > REVIEWED_WITHIN:
        return (f"its last review ({plan.reviewed}) is more than two years ago",)
    return ()


@implements("EU2025-2530:3.7-i", "EN319411-1:OVR-6.4.8-11", disabled=())
def notice_objections(plan: Plan) -> tuple[str, ...]:
    """Whoever is affected is told: authorities, subscribers, relying parties; each by its own name."""
    kinds = {one.kind for one in plan.parties}
    names = [one.name for one in plan.parties]
    twice = sorted({name for name in names if names.count(name) > 1})
    return (
        *(
            f"nobody of the kind {kind} is among the parties that are told"
            for kind in _TOLD
            if kind not in kinds
        ),
        *(f"two parties are called {name}" for name in twice),
    )


@implements("EU2025-2530:3.9", disabled=())
def document_objections(plan: Plan) -> tuple[str, ...]:
    """The documents that belong to a plan go into its export."""
    kinds = {one.kind for one in plan.documents}
    return tuple(f"no document of the kind {kind} is named" for kind in _DOCUMENTED if kind not in kinds)


@implements("EU2025-2530:3.7-e", disabled=())
def custody_objections(plan: Plan) -> tuple[str, ...]:
    """Records stay accessible after the end."""
    if plan.custodian.until <= plan.day:
        return (f"the custodian keeps the records until {plan.custodian.until}, before the end itself",)
    return ()


@implements("EU2025-2530:3.7-f", disabled=())
def extent_objections(plan: Plan, parents: Mapping[str, str | None]) -> tuple[str, ...]:
    """What ends exists, once, those below before those above; with a complete end nothing is left out.

    `parents` are the authorities that there are, each with the one above it.
    """
    found = [f"there is no authority {name}" for name in plan.authorities if name not in parents]
    order = {name: number for number, name in enumerate(plan.authorities)}
    if len(order) != len(plan.authorities):
        found.append("an authority is named twice")
    for name, number in order.items():
        above = parents.get(name)
        if above in order and order[above] < number:
            found.append(f"{name} ends after {above}, which certified it; name it before")
    if plan.extent == "complete":
        found += [f"the end is complete, and {name} is not named" for name in parents if name not in order]
    elif found == [] and set(order) == set(parents):
        found.append("the end is partial, and every authority is named")
    for name in plan.compromised:
        if name not in order:
            found.append(f"{name} is compromised, and does not end by this plan")
        elif parents.get(name) is None:
            found.append(f"{name} is compromised, and no authority above it could revoke it")
    return tuple(found)


def objections(plan: Plan, parents: Mapping[str, str | None], today: date) -> tuple[str, ...]:
    """Everything that stands against carrying a plan out."""
    return (
        *review_objections(plan, today),
        *extent_objections(plan, parents),
        *notice_objections(plan),
        *document_objections(plan),
        *custody_objections(plan),
    )


@implements("TRUSTWORKS:TERMINATION-CHECKED")
def check_plan(wrong: Iterable[str]) -> None:
    """Refuse a plan with objections."""
    told = tuple(wrong)
    if told:
        raise Refused(
            "TRUSTWORKS:TERMINATION-CHECKED",
            f"The plan cannot be carried out: {'; '.join(told)}. Put that right, and have it approved again.",
        )


@implements("TRUSTWORKS:TERMINATION-APPROVED")
def check_approved(digest: str, missing: Iterable[str]) -> None:
    """Refuse a plan that not enough operators approved."""
    told = tuple(missing)
    if told:
        raise Refused(
            "TRUSTWORKS:TERMINATION-APPROVED",
            f"The plan is not approved: {'; '.join(told)}. To be approved: `trustworks roles approve "
            f"termination.run {digest}`.",
        )


@implements("TRUSTWORKS:TERMINATION-DAY")
def check_day(plan: Plan, today: date) -> None:
    """Refuse to begin before the day that people were told."""
    if today < plan.day:
        raise Refused(
            "TRUSTWORKS:TERMINATION-DAY",
            f"The plan begins on {plan.day}, and today is {today}. Wait, or have another plan approved.",
        )
