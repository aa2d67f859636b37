"""How old what a source said, what persons looked at and what a module said may be."""

from __future__ import annotations

import calendar
import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from trustworks.assurance.model.certificates import Provenance
    from trustworks.assurance.model.statements import Check

DAYS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """How old something may be, in months or else in days, and whose choice that is."""

    months: int
    days: int
    source: str

    def last_day(self, seen: date) -> date:
        """The last day on which what was seen on a day still holds."""
        return later(seen, self.months) if self.months else seen + timedelta(days=self.days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ages:
    """The ages that hold where nobody wrote another: of kinds of checks, and of what runs."""

    edition: date
    check: Mapping[str, Age]
    live: Mapping[str, Age]


@cache
def ages() -> Ages:
    """The ages that are shipped, from ``ages.toml`` beside this file."""
    data = tomllib.loads(resources.files(__package__).joinpath("ages.toml").read_text("utf-8"))
    check, live = (
        {
            name: Age(months=one.get("months", 0), days=one.get("days", 0), source=one["source"])
            for name, one in data[group].items()
        }
        for group in ("check", "live")
    )
    return Ages(edition=data["edition"], check=check, live=live)


def later(day: date, months: int) -> date:
    """The same day so many months later; the last of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _only_its_own(check: Check) -> date | None:
    return check.due


@implements("TRUSTWORKS:ASSURANCE-AGES", disabled=_only_its_own)
def due_of(check: Check) -> date | None:
    """The last day on which a check holds: its own, else by its kind; None for what is looked at once."""
    if check.due is not None:
        return check.due
    age = ages().check.get(check.kind)
    return None if age is None else age.last_day(check.on)


def _never(_: datetime, __: str) -> date:
    return date.max


@implements("TRUSTWORKS:ASSURANCE-AGES", disabled=_never)
def live_until(seen: datetime, what: str) -> date:
    """The last day on which a look at what runs holds: `identity`, `health`, `installation`."""
    return ages().live[what].last_day(seen.date())


@implements("TRUSTWORKS:ASSURANCE-SOURCE-AGE", disabled=False)
def stale(provenance: Provenance, at: date, days: int = DAYS) -> bool:
    """Whether a source was retrieved more than so many days before a day."""
    return (at - provenance.retrieved.date()).days > days
