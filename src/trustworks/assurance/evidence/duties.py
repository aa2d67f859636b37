"""What has to be done again and again: scans, tests, training, reviews, assessments, with their due dates."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from trustworks.assurance.evidence.model import Item, Kind, judged
from trustworks.assurance.model import due_of, later
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from trustworks.assurance.model import Check

KEPT: Final = "TRUSTWORKS:ASSURANCE-DUTIES"
CHECKED: Final = "TRUSTWORKS:ASSURANCE-CHECKS-DUE"
SOON: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """What comes again: at least every so many `months`, by the `clauses` of the law."""

    id: str
    title: str
    months: int
    clauses: tuple[str, ...]
    source_status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """That a duty was done: on which day, shown by which document (SHA-256), by whom (pseudonyms)."""

    duty: str
    on: date
    document: str
    persons: tuple[str, ...] = ()
    note: str = ""


@cache
def duties() -> Mapping[str, Duty]:
    """The duties, by their ids, from ``duties.toml`` beside this file."""
    data = tomllib.loads(resources.files(__package__).joinpath("duties.toml").read_text("utf-8"))
    return {
        name: Duty(
            id=name,
            title=entry["title"],
            months=entry["months"],
            clauses=tuple(entry["clauses"]),
            source_status=entry["source_status"],
        )
        for name, entry in data.items()
    }


@implements("TRUSTWORKS:ASSURANCE-DUTIES", disabled=())
def overdue(duty: Duty, last: Done | None, today: date) -> tuple[str, ...]:
    """Why a duty is overdue, as a sentence: it was never done, or its time is over."""
    if last is None:
        return (f"{duty.title}: nobody has entered that it was ever done",)
    due = later(last.on, duty.months)
    return (f"{duty.title}: it was due by {due}, and was done last on {last.on}",) if today > due else ()


def duty_items(done: Iterable[Done], at: datetime) -> tuple[Item, ...]:
    """One item for each duty, with the last time that it was done and when it is due again."""
    today = at.date()
    entered = [one for one in done if one.on <= today]
    items = []
    for duty in duties().values():
        last = max((one for one in entered if one.duty == duty.id), key=lambda one: one.on, default=None)
        due = None if last is None else later(last.on, duty.months)
        soon = " It is due soon." if due is not None and due - today <= SOON else ""
        items.append(
            judged(
                Kind.DUTY,
                duty.id,
                at,
                findings=overdue(duty, last, today),
                well=f"{duty.title}: due again by {due}.{soon}",
                values={
                    "title": duty.title,
                    "months": duty.months,
                    "clauses": list(duty.clauses),
                    "clauses_source_status": duty.source_status,
                    "done_on": None if last is None else last.on.isoformat(),
                    "document_sha256": None if last is None else last.document,
                    "persons": [] if last is None else list(last.persons),
                    "due": None if due is None else due.isoformat(),
                },
                requirements=(KEPT,),
            )
        )
    return tuple(items)


@implements("TRUSTWORKS:ASSURANCE-CHECKS-DUE", disabled=())
def check_findings(check: Check, today: date) -> tuple[str, ...]:
    """Why the last check of its kind of a product does not hold: it found something, or is due again."""
    if not check.passed:
        return (f"the {check.kind.value} check of {check.on} found something wrong",)
    due = due_of(check)
    if due is not None and today > due:
        return (f"the {check.kind.value} check was due again by {due}, and was made on {check.on}",)
    return ()


def check_items(checks: Iterable[Check], at: datetime) -> tuple[Item, ...]:
    """One item for each kind of check of each product, of the last one that was made."""
    last: dict[tuple[str, str], Check] = {}
    for check in sorted(checks, key=lambda one: one.on):
        if check.on <= at.date():
            last[check.product, check.kind.value] = check
    return tuple(
        judged(
            Kind.CHECK,
            f"{product}: {kind}",
            at,
            findings=check_findings(check, at.date()),
            well=f"Made on {check.on}" + (f", due again by {due_of(check)}." if due_of(check) else "."),
            values={
                "product": product,
                "kind": kind,
                "on": check.on.isoformat(),
                "passed": check.passed,
                "persons": list(check.persons),
                "seals": list(check.seals),
                "due": None if (due := due_of(check)) is None else due.isoformat(),
            },
            requirements=(CHECKED,),
        )
        for (product, kind), check in sorted(last.items())
    )
