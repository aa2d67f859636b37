"""What the tables of the log hold, read as it stands there, whoever wrote it.

SQLite takes any kind of value in any column, so values come raw, and are judged before they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import BigInteger, select, type_coerce

from trustworks.core.audit import checkpoint as checkpoints
from trustworks.core.audit import records
from trustworks.core.errors import Malformed
from trustworks.core.store.types import microseconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Select, Table

    from trustworks.core.audit.checkpoint import Checkpoint

ODD = "A column holds a value of a kind that the log does not write."


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

    @property
    def is_plain(self) -> bool:
        """Whether all values are of the kinds that the log writes."""
        searched = type(self.time) is int and type(self.type) is str
        return self.is_bound and (self.body is None or searched)

    @property
    def is_bound(self) -> bool:
        """Whether the values are of the kinds that the log writes, but for the columns for searching."""
        return (
            type(self.stream) is str
            and type(self.sequence) is int
            and (self.position is None or (type(self.position) is int and type(self.leaf) is bytes))
            and (self.body is None or (type(self.body) is bytes and type(self.hash) is bytes))
        )


def entries(place: Table) -> Select[Any]:
    """The columns of `Entry`, without what they are selected from; `place` has stream and number."""
    e, log = records.events.c, records.log.c
    time = type_coerce(e.time, BigInteger)
    return select(place.c.stream, place.c.sequence, e.body, e.hash, log.position, log.hash, time, e.type)


def logged_entries() -> Select[Any]:
    """What is in the Merkle log, each with its event where that is there."""
    return entries(records.log).select_from(records.log.outerjoin(records.events, _SAME))


def event_entries() -> Select[Any]:
    """All events, each with its place in the Merkle log where it has one."""
    return entries(records.events).select_from(records.events.outerjoin(records.log, _SAME))


_SAME = (records.events.c.stream == records.log.c.stream) & (
    records.events.c.sequence == records.log.c.sequence
)


class StoredCheckpoint(NamedTuple):
    """A checkpoint with its number. `checkpoint` is None where it cannot be read.

    `wrong` says why, or which of the table's columns are not those of the checkpoint.
    """

    number: int | None
    checkpoint: Checkpoint | None
    wrong: str = ""


def all_checkpoints(connection: Connection) -> Iterator[StoredCheckpoint]:
    """All checkpoints, oldest first; a few at a time are in memory."""
    query = _CHECKPOINTS.order_by(_C.number).execution_options(yield_per=100)
    with connection.execute(query) as result:
        for row in result:
            yield _checkpoint(*row)


def newest_checkpoint(
    connection: Connection, *, stamped: bool = False, above: int = -1
) -> StoredCheckpoint | None:
    """The newest checkpoint, or the newest with a time-stamp; None where there is none.

    Only those are looked at that have a number `above` the given one: no index leads to the time-stamps.
    """
    query = _CHECKPOINTS.where(_C.number > above).order_by(_C.number.desc()).limit(1)
    if stamped:
        query = query.where(_C.time_stamp.is_not(None))
    row = connection.execute(query).first()
    return None if row is None else _checkpoint(*row)


_C = records.checkpoints.c
_CHECKPOINTS = select(
    _C.number,
    _C.size,
    type_coerce(_C.time, BigInteger),
    _C.body,
    _C.signature,
    _C.spki,
    _C.certificate,
    _C.time_stamp,
)


def _checkpoint(number: int, size: Any, time: Any, *parts: Any) -> StoredCheckpoint:
    body, signature, spki, certificate, time_stamp = parts
    if not all(type(one) is bytes for one in (body, signature, spki, certificate or b"", time_stamp or b"")):
        return StoredCheckpoint(number, None, ODD)
    try:
        one = checkpoints.read(body, signature, spki, certificate, time_stamp)
    except Malformed as error:
        return StoredCheckpoint(number, None, str(error))
    columns = (("size", size, one.size), ("time", time, microseconds(one.moment)))
    wrong = ", ".join(name for name, stored, told in columns if stored != told)
    return StoredCheckpoint(number, one, f"Its table says another {wrong}." if wrong else "")
