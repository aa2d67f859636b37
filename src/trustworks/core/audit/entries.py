"""Where a log is read from for verification: the database, or an exported file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from sqlalchemy import BigInteger, func, select, type_coerce

from trustworks.core.audit import checkpoint as checkpoints
from trustworks.core.audit import records
from trustworks.core.audit.completeness import StreamRow
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from trustworks.core.audit.checkpoint import Checkpoint

EXPORT_KIND = "trustworks.audit.export"


class Entry(NamedTuple):
    """An event as it is stored.

    `position` and `leaf` are its place and hash in the Merkle log, None before it comes there. `body` is
    None when the log has the place and the event is gone. `time` (microseconds) and `type` are the table's
    columns for searching, None in an export.
    """

    stream: str
    sequence: int
    body: bytes | None
    hash: bytes | None
    position: int | None
    leaf: bytes | None
    time: int | None
    type: str | None


class Source(Protocol):
    """A log to verify."""

    def total(self) -> int:
        """How many entries there are, about."""

    def checkpoints(self) -> list[Checkpoint]:
        """All checkpoints, oldest first."""

    def checkpoint_numbers(self) -> list[int]:
        """The numbers of the checkpoints in their order, for sources that number them."""

    def streams(self) -> list[StreamRow] | None:
        """The streams that the source knows besides their events; None when it knows of none."""

    def entries(self) -> Iterator[Entry]:
        """The Merkle log in its order, then the events that are not in it, stream by stream."""

    def tile(self, level: int, tile: int) -> tuple[bytes, bytes] | None:
        """A full tile's root and hashes, for sources that have tiles; None when it is missing."""

    @property
    def has_tiles(self) -> bool:
        """Whether `tile` answers."""


class DatabaseSource:
    """The log as one transaction sees it."""

    has_tiles = True

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def total(self) -> int:
        """All events."""
        return int(self._connection.execute(select(func.count()).select_from(records.events)).scalar_one())

    def checkpoints(self) -> list[Checkpoint]:
        """The table of checkpoints."""
        c = records.checkpoints
        columns = (c.c.body, c.c.signature, c.c.spki, c.c.certificate, c.c.time_stamp)
        rows = self._connection.execute(select(*columns).order_by(c.c.number))
        return [checkpoints.read(*row) for row in rows]

    def checkpoint_numbers(self) -> list[int]:
        """The primary key of the table of checkpoints."""
        number = records.checkpoints.c.number
        return list(self._connection.scalars(select(number).order_by(number)))

    def streams(self) -> list[StreamRow] | None:
        """The table of streams."""
        s = records.streams.c
        return [StreamRow(*row) for row in self._connection.execute(select(s.stream, s.logged, s.closed))]

    def entries(self) -> Iterator[Entry]:
        """The log joined with the events, then the events that are not in the log."""
        e, log = records.events, records.log
        event = (e.c.body, e.c.hash)
        columns = (type_coerce(e.c.time, BigInteger), e.c.type)
        both = (e.c.stream == log.c.stream) & (e.c.sequence == log.c.sequence)
        logged = (
            select(log.c.stream, log.c.sequence, *event, log.c.position, log.c.hash, *columns)
            .select_from(log.outerjoin(e, both))
            .order_by(log.c.position)
        )
        waiting = (
            select(e.c.stream, e.c.sequence, *event, log.c.position, log.c.hash, *columns)
            .select_from(e.outerjoin(log, both))
            .where(log.c.position.is_(None))
            .order_by(e.c.stream, e.c.sequence)
        )
        for query in (logged, waiting):
            with self._connection.execute(query.execution_options(yield_per=1000)) as result:
                for part in result.partitions():
                    yield from map(Entry._make, part)

    def tile(self, level: int, tile: int) -> tuple[bytes, bytes] | None:
        """The row of `audit_tiles`."""
        t = records.tiles
        row = self._connection.execute(
            select(t.c.root, t.c.hashes).where(t.c.level == level, t.c.tile == tile)
        ).one_or_none()
        return None if row is None else (bytes(row.root), bytes(row.hashes))


class ExportSource:
    """An exported file: JSON lines, of which the first says what it is. See `write_export`."""

    has_tiles = False

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            with file.open("rb") as lines:
                head = json.loads(lines.readline())
        except OSError as error:
            raise Malformed(f"{file} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise Malformed(f"{file} is no export of an audit log.") from error
        if not isinstance(head, dict) or head.get("type") != EXPORT_KIND or head.get("version") != 1:
            raise Malformed(f"{file} is no export of an audit log, or one of a version that is not known.")
        self._head = head

    def total(self) -> int:
        """As many as the first line says."""
        return int(self._head.get("events", 0))

    def checkpoints(self) -> list[Checkpoint]:
        """The lines of checkpoints; they stand before the events."""
        found = []
        with self._file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.startswith(b'{"event":'):
                    break
                if number > 1:
                    found.append(checkpoints.from_document(self._loads(line, number)))
        return found

    def checkpoint_numbers(self) -> list[int]:
        """An export has none."""
        return []

    def streams(self) -> list[StreamRow] | None:
        """An export has the events alone."""
        return None

    def entries(self) -> Iterator[Entry]:
        """The lines of events."""
        with self._file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.startswith(b'{"event":'):
                    yield self._entry(line, number)

    def tile(self, level: int, tile: int) -> tuple[bytes, bytes] | None:
        """An export has none."""
        del level, tile
        return None

    def _entry(self, line: bytes, number: int) -> Entry:
        # The event's bytes are taken as they stand: they are what was hashed.
        body, mark, rest = line[len(b'{"event":') :].rpartition(b',"place":')
        place = self._loads(rest[:-2], number) if mark else None
        try:
            stream, sequence, position, digest = place  # type: ignore[misc]
            leaf = bytes.fromhex(digest)
            known = isinstance(stream, str) and type(sequence) is int and len(leaf) == 32
            # One way of writing a place, so that no byte of a line can be changed unnoticed.
            if not known or _place(stream, sequence, position, leaf) != rest:
                raise ValueError  # noqa: TRY301 - one complaint for all that is wrong with a place
        except (TypeError, ValueError):
            raise Malformed(f"Line {number} of {self._file} is damaged: the event has no place.") from None
        in_log = position is not None
        return Entry(stream, sequence, body, leaf, position, leaf if in_log else None, None, None)

    def _loads(self, data: bytes, number: int) -> Any:
        try:
            return json.loads(data)
        except ValueError as error:
            raise Malformed(f"Line {number} of {self._file} is damaged: {error}.") from error


def export_lines(source: Source) -> Iterator[bytes]:
    """The lines of an export: what it is, the checkpoints, then every event with its place and hash.

    A line of an event ends with its place ``[stream, sequence, position or null, hash]``.
    """
    head = {"events": source.total(), "type": EXPORT_KIND, "version": 1}
    yield json.dumps(head).encode() + b"\n"
    for one in source.checkpoints():
        yield json.dumps(checkpoints.as_document(one)).encode() + b"\n"
    for entry in source.entries():
        if entry.body is None:
            raise Malformed(
                f"Event {entry.sequence} of stream {entry.stream} is missing: run `trustworks audit verify`."
            )
        leaf = entry.leaf or entry.hash or b""
        place = _place(entry.stream, entry.sequence, entry.position, leaf)
        yield b'{"event":' + entry.body + b',"place":' + place


def _place(stream: str, sequence: int, position: int | None, leaf: bytes) -> bytes:
    """The end of an event's line."""
    return json.dumps([stream, sequence, position, leaf.hex()]).encode() + b"}\n"
