"""What the register has for a dossier: facts, verdicts of both rule sets, kept files, live evidence."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustworks.assurance import records
from trustworks.assurance.dossier.model import Profile
from trustworks.assurance.dossier.persons import (
    Hiding,
    kept,
    names_of,
    said_of,
    without_names,
    without_names_in,
    without_people,
)
from trustworks.assurance.engine import Index, evaluate, forecast
from trustworks.assurance.evidence import records as evidence
from trustworks.assurance.registered import facts_of, papers_of
from trustworks.assurance.rulesets import SHIPPED, load
from trustworks.assurance.sources import Download, read_any
from trustworks.assurance.sources.trusted_list import is_list
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from sqlalchemy import Connection

    from trustworks.assurance.dossier.model import Kept
    from trustworks.assurance.engine import Forecast
    from trustworks.assurance.evidence import Item
    from trustworks.assurance.model import Facts, ProviderPaper, Report
    from trustworks.assurance.records import File
    from trustworks.assurance.sources import Imported


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What the register has, as it goes into a dossier: with the profile's pseudonyms.

    `items` is the last look at what runs; `hiding` is None where persons are told in full.
    """

    facts: Facts
    reports: tuple[Report, ...]
    forecasts: tuple[Forecast, ...]
    files: tuple[Kept, ...]
    handed_in: tuple[ProviderPaper, ...]
    items: tuple[Item, ...]
    lists: tuple[Imported, ...]
    hiding: Hiding | None


def registered(
    connection: Connection, day: date, *, profile: Profile, of: Callable[[str], str]
) -> Registered:
    """Everything of the register on a day; `of` answers pseudonyms."""
    facts, papers, items = facts_of(connection), papers_of(connection), _live(connection)
    names = (*names_of(facts, items), *_dutiful(connection))
    hiding = None if profile is Profile.FULL else Hiding(of, names)
    said = said_of(facts, papers)
    if hiding is not None:
        facts, papers = without_names(facts, hiding), without_names_in(papers, hiding)
        items = without_people(items, hiding)
    index, sets = Index(facts), tuple(load(name) for name in SHIPPED)
    found = [one for name in records.files(connection) if (one := records.file(connection, name.sha256))]
    return Registered(
        facts=facts,
        reports=tuple(evaluate(index, one, day) for one in sets),
        forecasts=tuple(forecast(facts, one, day) for one in sets),
        lists=_lists([one for one in found if is_list(one.content)]),
        handed_in=papers,
        items=items,
        files=tuple(kept(one, hiding=hiding, said=said) for one in found),
        hiding=hiding,
    )


def _live(connection: Connection) -> tuple[Item, ...]:
    """What the last look at everything found."""
    found = evidence.last_round(connection)
    return () if found is None else tuple(one.item for one in found.items)


def _dutiful(connection: Connection) -> Iterator[str]:
    """Who did what comes again."""
    for one in evidence.all_done(connection):
        yield from one.persons


def _lists(found: list[File]) -> tuple[Imported, ...]:
    """The services of the kept trusted lists, of each territory those of the newest list."""
    newest: dict[str, Imported] = {}
    for one in sorted(found, key=lambda one: one.retrieved_at):
        with suppress(Malformed):
            read = read_any(one.content, Download(name=one.name, retrieved=one.retrieved_at))
            for service in read.services[:1]:
                newest[service.territory] = read
    return tuple(newest.values())
