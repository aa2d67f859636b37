"""The tables of live evidence, as their migration makes them; all SQL on them. Every row is written once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Text, func, insert, select

from trustworks.assurance.evidence.duties import Done
from trustworks.assurance.evidence.model import Item, Kind, Outcome
from trustworks.core.audit.bound import bind
from trustworks.core.audit.canonical import canonical
from trustworks.core.store.metadata import metadata
from trustworks.core.store.types import BigInt, UtcDateTime

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

_LOOKS: Final = 500  # of a module's last items, those that are looked through

# An item is written when a look found something else than the one before; `content` is `Item.content` as
# canonical JSON, `digest` its SHA-256.
evidence = Table(
    "assurance_evidence",
    metadata,
    Column("number", BigInt, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(24), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("outcome", String(8), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Index(None, "kind", "subject", "number"),
)
bind(evidence)

# One look at everything: the numbers of the items that say what it found (a JSON array), old and new ones.
rounds = Table(
    "assurance_rounds",
    metadata,
    Column("number", BigInt, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(200), nullable=False),
    Column("items", LargeBinary, nullable=False),
)
bind(rounds)

duties_done = Table(
    "assurance_duties_done",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("duty", String(40), nullable=False),
    Column("done_on", String(10), nullable=False),
    Column("document", String(64), nullable=False),
    Column("persons", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("entered_at", UtcDateTime, nullable=False),
    Column("entered_by", String(200), nullable=False),
)
bind(duties_done)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An item with its number. `at` of the item is when this was found first."""

    number: int
    item: Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One look at everything: when, by whom, and what it found, the items that were found before among it."""

    number: int
    at: datetime
    by: str
    items: tuple[Kept, ...]


def put(connection: Connection, item: Item) -> tuple[Kept, bool]:
    """Keep an item; answers the one that was kept before where that says the same, and whether it is new."""
    last = newest(connection, item.kind, item.subject)
    if last is not None and last.item.digest == item.digest:
        return last, False
    number = _next(connection, evidence)
    connection.execute(
        insert(evidence).values(
            number=number,
            at=item.at,
            kind=item.kind.value,
            subject=item.subject,
            outcome=item.outcome.value,
            digest=item.digest,
            content=canonical(item.content),
        )
    )
    return Kept(number=number, item=item), True


def newest(connection: Connection, kind: Kind, subject: str) -> Kept | None:
    """What was found last of a subject."""
    return next(iter(listing(connection, kind=kind, subject=subject, limit=1)), None)


def listing(
    connection: Connection,
    *,
    kind: Kind | None = None,
    subject: str | None = None,
    outcome: Outcome | None = None,
    limit: int,
) -> list[Kept]:
    """What was found, the newest first."""
    c = evidence.c
    query = select(evidence).order_by(c.number.desc()).limit(limit)
    for column, value in ((c.kind, kind), (c.subject, subject), (c.outcome, outcome)):
        if value is not None:
            query = query.where(column == str(value))
    return [_kept(row) for row in connection.execute(query)]


def one(connection: Connection, number: int) -> Kept | None:
    """The item of that number."""
    row = connection.execute(select(evidence).where(evidence.c.number == number)).one_or_none()
    return None if row is None else _kept(row)


def add_round(connection: Connection, items: Sequence[Kept], *, at: datetime, by: str) -> Round:
    """Write what a look at everything found."""
    number = _next(connection, rounds)
    numbers = canonical([kept.number for kept in items])
    connection.execute(insert(rounds).values(number=number, at=at, by=by, items=numbers))
    return Round(number=number, at=at, by=by, items=tuple(items))


def last_round(connection: Connection) -> Round | None:
    """The last look at everything."""
    row = connection.execute(select(rounds).order_by(rounds.c.number.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    numbers = json.loads(row.items)
    found = {
        kept.number: kept
        for kept in map(_kept, connection.execute(select(evidence).where(evidence.c.number.in_(numbers))))
    }
    items = tuple(found[number] for number in numbers if number in found)
    return Round(number=row.number, at=row.at, by=row.by, items=items)


def rounds_of_others(connection: Connection, by: str) -> int:
    """How many looks somebody else than `by` made."""
    found: int = connection.execute(
        select(func.count()).select_from(rounds).where(rounds.c.by != by)
    ).scalar_one()
    return found


def last_looks(connection: Connection) -> dict[str, datetime]:
    """When each module of a product, or token without one, said last what it is.

    A look that could not be made tells nothing: before it, the round that went before was the last that did.
    """
    last = last_round(connection)
    found: dict[str, datetime] = {}
    for kept in () if last is None else last.items:
        item = kept.item
        if item.kind is Kind.IDENTITY and last is not None:
            seen = last.at if item.outcome is not Outcome.FAILED else _before(connection, item.subject)
            if seen is not None:
                found[item.subject] = seen
    return found


def _before(connection: Connection, subject: str) -> datetime | None:
    """The last round before the looks at a module began to fail; None where none ever succeeded."""
    failing: Item | None = None
    for kept in listing(connection, kind=Kind.IDENTITY, subject=subject, limit=_LOOKS):
        if kept.item.outcome is not Outcome.FAILED:
            break
        failing = kept.item
    else:
        return None
    if failing is None:
        return None
    found: datetime | None = connection.execute(
        select(func.max(rounds.c.at)).where(rounds.c.at < failing.at)
    ).scalar_one()
    return found


def add_done(connection: Connection, done: Done, *, at: datetime, by: str) -> int:
    """Enter that a duty was done; answers the entry's number."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer anyway
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("assurance-duties"))))
    number = _next(connection, duties_done)
    connection.execute(
        insert(duties_done).values(
            number=number,
            duty=done.duty,
            done_on=done.on.isoformat(),
            document=done.document,
            persons=json.dumps(done.persons),
            note=done.note,
            entered_at=at,
            entered_by=by,
        )
    )
    return number


def all_done(connection: Connection) -> list[Done]:
    """All entries of duties that were done, in their order."""
    return [
        Done(
            duty=row.duty,
            on=date.fromisoformat(row.done_on),
            document=row.document,
            persons=tuple(json.loads(row.persons)),
            note=row.note,
        )
        for row in connection.execute(select(duties_done).order_by(duties_done.c.number))
    ]


def _next(connection: Connection, table: Table) -> int:
    last: int | None = connection.execute(select(func.max(table.c.number))).scalar_one()
    return (last or 0) + 1


def _kept(row: Row[Any]) -> Kept:
    content = json.loads(row.content)
    item = Item(
        kind=Kind(content["kind"]),
        subject=content["subject"],
        at=row.at,
        outcome=Outcome(content["outcome"]),
        sentence=content["sentence"],
        values=content["values"],
        requirements=tuple(content["requirements"]),
    )
    return Kept(number=row.number, item=item)
