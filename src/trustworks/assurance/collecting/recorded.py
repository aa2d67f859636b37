"""What is recorded here already, as evidence: keys, ceremonies, log, roles, clock, duties, checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from trustworks.assurance import records as register_records
from trustworks.assurance.changes import records as change_records
from trustworks.assurance.evidence import Item, Kind, records
from trustworks.assurance.evidence.ceremonies import SHOWN, ceremony_item
from trustworks.assurance.evidence.clock import KEPT, SAMPLES, Sample, clock_item
from trustworks.assurance.evidence.custody import KeyRecord, custody_items, inventory_item
from trustworks.assurance.evidence.duties import check_items, duty_items
from trustworks.assurance.evidence.log import COVERED, Waiting, log_item
from trustworks.assurance.evidence.model import failed
from trustworks.assurance.evidence.modules import Use, algorithm_items
from trustworks.assurance.evidence.people import SEPARATED, roles_item
from trustworks.assurance.records import EntryKind
from trustworks.core.audit import records as audit_records
from trustworks.core.audit.stored import newest_checkpoint
from trustworks.core.ceremony import records as ceremony_records
from trustworks.core.ceremony.ceremonies import find_transcript
from trustworks.core.ceremony.verify import verify
from trustworks.core.errors import Malformed, TrustworksError
from trustworks.core.keys import records as key_records
from trustworks.core.module.states import KeyState
from trustworks.core.roles import list_operators

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.assurance.collecting.sources import Sources
    from trustworks.assurance.model import Facts
    from trustworks.core.keys.model import BackupEntry

_IN_USE: Final = frozenset({KeyState.OPERATIONAL})


def recorded_items(connection: Connection, sources: Sources, facts: Facts, at: datetime) -> list[Item]:
    """What the records say at `at`; what of them cannot be read is an item that says why."""
    keys = _keys(connection)
    serials = {one.serial: one for one in facts.products if one.serial}
    serials |= {one.observed.serial: one for one in facts.products if one.observed is not None}
    items: list[Item] = [inventory_item(keys, at)]
    items += custody_items(keys, serials, at)
    items += algorithm_items(_uses(sources, keys), at)
    items += attempt(Kind.CEREMONY, "ceremonies", (SHOWN,), lambda: _ceremonies(connection, at), at)
    items += attempt(Kind.LOG, "checkpoints", (COVERED,), lambda: [_log(connection, sources, at)], at)
    items += attempt(
        Kind.ROLES, "operators", (SEPARATED,), lambda: [roles_item(list_operators(connection), at)], at
    )
    items += attempt(Kind.CLOCK, "clock", (KEPT,), lambda: _clocks(connection, sources, at), at)
    items += duty_items(records.all_done(connection), at)
    items += check_items(facts.checks, at)
    return items


def acts_of_others(connection: Connection, by: str) -> int:
    """How often somebody else than `by` changed a product, closed an incident or looked.

    Where a module differs, what was done since may have put it right: it is worth another look.
    """
    return (
        register_records.written_by_others(connection, EntryKind.PRODUCT, by)
        + change_records.closed(connection)
        + records.rounds_of_others(connection, by)
    )


def attempt(
    kind: Kind, subject: str, requirements: tuple[str, ...], look: Callable[[], list[Item]], at: datetime
) -> list[Item]:
    """What a look found; where it could not be made, an item that says why."""
    try:
        return look()
    except TrustworksError as error:
        return [failed(kind, subject, at, error, requirements)]


def _uses(sources: Sources, keys: Iterable[KeyRecord]) -> list[Use]:
    schemes = sources.schemes
    return [
        Use(subject=one.entry.label, algorithm=one.entry.algorithm, scheme=schemes.get(one.entry.label))
        for one in keys
        if one.entry.state in _IN_USE
    ]


def _log(connection: Connection, sources: Sources, at: datetime) -> Item:
    newest = newest_checkpoint(connection)
    stamped = newest_checkpoint(connection, stamped=True) if sources.stamps else None
    if newest is not None and newest.checkpoint is None:
        raise Malformed(f"The last checkpoint cannot be read: {newest.wrong}")
    last = connection.execute(select(func.max(audit_records.log.c.position))).scalar_one()
    return log_item(
        None if newest is None else newest.checkpoint,
        None if stamped is None else stamped.checkpoint,
        0 if last is None else int(last) + 1,
        at,
        stamps=sources.stamps,
        waiting=_waiting(connection),
    )


def _waiting(connection: Connection) -> Waiting | None:
    """What the streams have and the log has not, by their keys: no scan of the whole log."""
    streams, events = audit_records.streams, audit_records.events
    row = connection.execute(
        select(func.count(), func.min(events.c.time))
        .select_from(events.join(streams, events.c.stream == streams.c.stream))
        .where(streams.c.closed.is_(False), events.c.sequence >= streams.c.logged)
    ).one()
    return Waiting(events=int(row[0]), since=row[1]) if row[0] else None


def _clocks(connection: Connection, sources: Sources, at: datetime) -> list[Item]:
    if not sources.units:
        return []
    status = sources.clock()
    items = []
    for unit in sources.units:
        before = records.listing(connection, kind=Kind.CLOCK, subject=unit.name, limit=SAMPLES)
        samples = [
            Sample(at=one.item.at, bound_us=one.item.values["bound_us"])
            for one in reversed(before)
            if "bound_us" in one.item.values
        ]
        items.append(clock_item(unit, status, samples, at))
    return items


def _keys(connection: Connection) -> list[KeyRecord]:
    histories = key_records.histories(connection)
    backups: dict[str, list[BackupEntry]] = {}
    for one in key_records.backups_of(connection):
        backups.setdefault(one.spki_sha256, []).append(one)
    return [
        KeyRecord(
            entry=entry,
            history=tuple(histories.get(entry.spki_sha256, ())),
            backups=tuple(backups.get(entry.spki_sha256, ())),
        )
        for entry in key_records.keys_with(connection)
    ]


def _ceremonies(connection: Connection, at: datetime) -> list[Item]:
    items = []
    for row in ceremony_records.listing(connection):
        found = find_transcript(connection, row["plan"])
        if found is not None:
            items.append(ceremony_item(found, verify(found), at))
    return items
