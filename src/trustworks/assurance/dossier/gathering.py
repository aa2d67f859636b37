"""What the register has for a dossier: facts, verdicts of both rule sets, kept files, live evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustworks.assurance import records
from trustworks.assurance.dossier.model import Profile
from trustworks.assurance.dossier.persons import kept, without_names
from trustworks.assurance.engine import Index, evaluate, forecast
from trustworks.assurance.rulesets import SHIPPED, load
from trustworks.assurance.service import facts_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from sqlalchemy import Connection

    from trustworks.assurance.dossier.model import Kept
    from trustworks.assurance.engine import Forecast
    from trustworks.assurance.model import Facts, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What the register has, as it goes into a dossier: with the profile's pseudonyms."""

    facts: Facts
    reports: tuple[Report, ...]
    forecasts: tuple[Forecast, ...]
    files: tuple[Kept, ...]


def registered(
    connection: Connection, day: date, *, profile: Profile, of: Callable[[str], str]
) -> Registered:
    """Everything of the register on a day; `of` answers pseudonyms."""
    full = profile is Profile.FULL
    facts = facts_of(connection)
    facts = facts if full else without_names(facts, of)
    index, sets = Index(facts), tuple(load(name) for name in SHIPPED)
    found = [records.file(connection, one.sha256) for one in records.files(connection)]
    return Registered(
        facts=facts,
        reports=tuple(evaluate(index, one, day) for one in sets),
        forecasts=tuple(forecast(facts, one, day) for one in sets),
        files=tuple(kept(one, full=full) for one in found if one is not None),
    )
