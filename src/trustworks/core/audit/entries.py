"""Where a log is read from for verification: the database. An exported file is `export`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sqlalchemy import and_, false, func, not_, or_, select

from trustworks.core.audit import records, stored
from trustworks.core.audit.completeness import StreamRow
from trustworks.core.audit.report import Finding
from trustworks.core.audit.tree import full_tiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from trustworks.core.audit.report import Report
    from trustworks.core.audit.stored import Entry, StoredCheckpoint


class Source(Protocol):
    """A log to verify."""

    def total(self) -> int:
        """How many entries there are, about."""

    def checkpoints(self) -> Iterator[StoredCheckpoint]:
        """All checkpoints, oldest first; to be gone through before `entries`."""

    def streams(self) -> list[StreamRow] | None:
        """The streams that the source knows besides their events; None when it knows of none."""

    def entries(self) -> Iterator[Entry | Finding]:
        """The Merkle log in its order, then the events that are not in it, stream by stream.

        What cannot be read as an entry comes as a finding in its place, or before it where the event can be.
        """

    def tile(self, level: int, tile: int) -> tuple[bytes, bytes] | None:
        """A full tile's root and hashes, for sources that have tiles; None when it is missing."""

    @property
    def has_tiles(self) -> bool:
        """Whether `tile` answers."""

    def closing(self, report: Report) -> tuple[Finding, ...]:
        """After the last entry: where the source says of itself something else than was read."""


class DatabaseSource:
    """The log as one transaction sees it."""

    has_tiles = True

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def total(self) -> int:
        """All events."""
        return int(self._connection.execute(select(func.count()).select_from(records.events)).scalar_one())

    def checkpoints(self) -> Iterator[StoredCheckpoint]:
        """The table of checkpoints."""
        return stored.all_checkpoints(self._connection)

    def streams(self) -> list[StreamRow] | None:
        """The table of streams."""
        s = records.streams.c
        return [StreamRow(*row) for row in self._connection.execute(select(s.stream, s.logged, s.closed))]

    def entries(self) -> Iterator[Entry | Finding]:
        """The log joined with the events, then the events that are not in the log."""
        e, log = records.events.c, records.log.c
        logged = stored.logged_entries().order_by(log.position)
        waiting = stored.event_entries().where(log.position.is_(None)).order_by(e.stream, e.sequence)
        for query in (logged, waiting):
            with self._connection.execute(query.execution_options(yield_per=1000)) as result:
                for part in result.partitions():
                    for entry in map(stored.Entry._make, part):
                        if entry.is_plain:
                            yield entry
                            continue
                        yield _odd(entry)
                        if entry.is_bound:  # the event itself may be sound
                            yield entry._replace(time=None, type=None)

    def tile(self, level: int, tile: int) -> tuple[bytes, bytes] | None:
        """The row of `audit_tiles`."""
        t = records.tiles
        row = self._connection.execute(
            select(t.c.root, t.c.hashes).where(t.c.level == level, t.c.tile == tile)
        ).one_or_none()
        return None if row is None else (row.root, row.hashes)

    def closing(self, report: Report) -> tuple[Finding, ...]:
        """Tiles that the leaves do not make, whom the next ones would find in their place."""
        t = records.tiles.c
        made = [
            and_(t.level == level, t.tile >= 0, t.tile < number)
            for level, number in enumerate(full_tiles(report.size))
        ]
        surplus = select(t.level, t.tile).where(not_(or_(false(), *made))).order_by(t.level, t.tile)
        return tuple(
            Finding(
                kind="tile",
                message=f"There is a tile {tile} of level {level}, and {report.size} leaves make none.",
            )
            for level, tile in self._connection.execute(surplus)
        )


def _odd(entry: Entry) -> Finding:
    return Finding(
        kind="altered",
        message=stored.ODD,
        stream=str(entry.stream),
        sequence=entry.sequence if type(entry.sequence) is int else None,
        position=entry.position if type(entry.position) is int else None,
        type=None if entry.type is None else str(entry.type),
    )
