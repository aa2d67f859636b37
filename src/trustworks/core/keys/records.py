"""The tables of the register of keys, and all SQL on them. Every row is written once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import (
    Column,
    ForeignKey,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
)

from trustworks.core.audit.bound import bind
from trustworks.core.keys.model import Act, BackupEntry, HistoryEntry, KeyEntry, Succession
from trustworks.core.module.states import KeyState
from trustworks.core.store.metadata import metadata
from trustworks.core.store.prepared import PreparedSelect
from trustworks.core.store.types import UtcDateTime

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Connection, Row

keys = Table(
    "module_keys",
    metadata,
    Column("spki_sha256", String(64), primary_key=True),
    Column("label", String(64), nullable=False),
    Column("key_id", String(128), nullable=False),
    Column("algorithm", String(32), nullable=False),
    Column("entered_at", UtcDateTime, nullable=False),
)
bind(keys)
backups = Table(
    "module_key_backups",
    metadata,
    Column("backup", String(64), primary_key=True),
    Column("spki_sha256", String(64), ForeignKey("module_keys.spki_sha256"), nullable=False),
    Column("threshold", Integer, nullable=False),
    Column("custodians", Text, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
)
bind(backups)
history = Table(
    "module_key_history",
    metadata,
    Column("spki_sha256", String(64), ForeignKey("module_keys.spki_sha256"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("act", String(20), nullable=False),
    Column("state", String(16), nullable=False),
    Column("token", String(64), nullable=False),
    Column("serial", String(64), nullable=False),
    Column("backup", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(200), nullable=False),
    Column("reason", Text, nullable=False),
)
bind(history)
# Which key or authority follows which: a use's first generation is the configuration's, and has no row.
key_successions = Table(
    "key_successions",
    metadata,
    Column("use", String(100), nullable=False),
    Column("generation", Integer, nullable=False, autoincrement=False),
    Column("name", String(64), nullable=False),
    Column("spki_sha256", String(64), nullable=False),
    Column("from_at", UtcDateTime, nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("decided_by", String(200), nullable=False),
    PrimaryKeyConstraint("use", "generation"),
)
bind(key_successions)

_OF_USE = PreparedSelect(
    select(key_successions)
    .where(key_successions.c.use == bindparam("of"))
    .order_by(key_successions.c.generation)
)
_LAST = (
    select(history.c.spki_sha256, func.max(history.c.number).label("number"))
    .group_by(history.c.spki_sha256)
    .subquery()
)


def state(connection: Connection, spki_sha256: str) -> KeyState | None:
    """The present state of a key; None for one that the register does not know."""
    found = connection.execute(
        select(history.c.state)
        .where(history.c.spki_sha256 == spki_sha256)
        .order_by(history.c.number.desc())
        .limit(1)
    ).scalar_one_or_none()
    return None if found is None else KeyState(found)


def key(connection: Connection, spki_sha256: str) -> KeyEntry | None:
    """One key; None for one that the register does not know."""
    return next(iter(_keys(connection, keys.c.spki_sha256 == spki_sha256)), None)


def keys_with(connection: Connection, *, label: str | None = None) -> list[KeyEntry]:
    """All keys, or those with a label, in the order of their labels."""
    return _keys(connection, True if label is None else keys.c.label == label)


def keys_that_were_on(connection: Connection, serial: str) -> list[KeyEntry]:
    """The keys that are or once were on the token with this serial number."""
    there = select(history.c.spki_sha256).where(history.c.serial == serial)
    return _keys(connection, keys.c.spki_sha256.in_(there))


def _keys(connection: Connection, condition: Any) -> list[KeyEntry]:
    statement = (
        select(keys, history.c.state)
        .join(_LAST, _LAST.c.spki_sha256 == keys.c.spki_sha256)
        .join(
            history,
            (history.c.spki_sha256 == keys.c.spki_sha256) & (history.c.number == _LAST.c.number),
        )
        .where(condition)
        .order_by(keys.c.label, keys.c.entered_at)
    )
    return [
        KeyEntry(
            spki_sha256=row.spki_sha256,
            label=row.label,
            key_id=row.key_id,
            algorithm=row.algorithm,
            entered_at=row.entered_at,
            state=KeyState(row.state),
        )
        for row in connection.execute(statement)
    ]


def lock(connection: Connection, spki_sha256: str) -> None:
    """Let no other act on this key in until the transaction ends; SQLite has one writer at a time anyway."""
    connection.execute(select(keys.c.spki_sha256).where(keys.c.spki_sha256 == spki_sha256).with_for_update())


def history_of(connection: Connection, spki_sha256: str) -> list[HistoryEntry]:
    """What was done with a key, the oldest first."""
    return [
        _history_entry(row)
        for row in connection.execute(
            select(history).where(history.c.spki_sha256 == spki_sha256).order_by(history.c.number)
        )
    ]


def _history_entry(row: Row[Any]) -> HistoryEntry:
    return HistoryEntry(
        spki_sha256=row.spki_sha256,
        number=row.number,
        act=Act(row.act),
        state=KeyState(row.state),
        token=row.token,
        serial=row.serial,
        backup=row.backup,
        at=row.at,
        by=row.by,
        reason=row.reason,
    )


def histories(connection: Connection) -> dict[str, list[HistoryEntry]]:
    """What was done with all keys, the oldest first, by the SHA-256 of their public keys."""
    found: dict[str, list[HistoryEntry]] = {}
    for row in connection.execute(select(history).order_by(history.c.spki_sha256, history.c.number)):
        found.setdefault(row.spki_sha256, []).append(_history_entry(row))
    return found


def backups_of(connection: Connection, spki_sha256: str | None = None) -> list[BackupEntry]:
    """The backups of one key, or of all, the oldest first."""
    condition = True if spki_sha256 is None else backups.c.spki_sha256 == spki_sha256
    return [
        BackupEntry(
            backup=row.backup,
            spki_sha256=row.spki_sha256,
            threshold=row.threshold,
            custodians=tuple(json.loads(row.custodians)),
            made_at=row.made_at,
        )
        for row in connection.execute(
            select(backups).where(condition).order_by(backups.c.made_at)  # type: ignore[arg-type]
        )
    ]


def add_key(connection: Connection, entry: KeyEntry) -> None:
    """Enter a key. Its first act has to follow in the same transaction."""
    connection.execute(
        keys.insert().values(
            spki_sha256=entry.spki_sha256,
            label=entry.label,
            key_id=entry.key_id,
            algorithm=entry.algorithm,
            entered_at=entry.entered_at,
        )
    )


def add_act(connection: Connection, entry: HistoryEntry) -> None:
    """Write an act. A number that is taken by another's act at the same time is refused by the database."""
    connection.execute(
        history.insert().values(
            spki_sha256=entry.spki_sha256,
            number=entry.number,
            act=entry.act.value,
            state=entry.state.value,
            token=entry.token,
            serial=entry.serial,
            backup=entry.backup,
            at=entry.at,
            by=entry.by,
            reason=entry.reason,
        )
    )


def add_backup(connection: Connection, entry: BackupEntry) -> None:
    """Enter a backup."""
    connection.execute(
        backups.insert().values(
            backup=entry.backup,
            spki_sha256=entry.spki_sha256,
            threshold=entry.threshold,
            custodians=json.dumps(entry.custodians),
            made_at=entry.made_at,
        )
    )


def successions(connection: Connection, use: str) -> list[Succession]:
    """The generations of a use after its first, in their order, whether their time has come or not."""
    return [Succession(**_OF_USE.mapping(row)) for row in _OF_USE.all(connection, of=use)]


def all_successions(connection: Connection) -> list[Succession]:
    """The generations of all uses, by use."""
    c = key_successions.c
    rows = connection.execute(select(key_successions).order_by(c.use, c.generation))
    return [Succession(**row._mapping) for row in rows]  # noqa: SLF001 - the public name of the library


def add_succession(connection: Connection, entry: Succession) -> None:
    """Write that a generation follows."""
    values = {column.name: getattr(entry, column.name) for column in key_successions.columns}
    connection.execute(insert(key_successions).values(values))
