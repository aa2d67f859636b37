"""The sequencer: appends the committed events of all streams to the one Merkle tree, and makes checkpoints.

Several may run; a lock in the database lets one work at a time, and each finds all it needs in the database.
"""

from __future__ import annotations

import heapq
import itertools
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, exc, insert, select, text, type_coerce, update

from trustworks.core.audit import checkpoint as checkpoints
from trustworks.core.audit import records, stored
from trustworks.core.audit.inserts import Plans
from trustworks.core.audit.reading import MOST
from trustworks.core.audit.stored import Entry
from trustworks.core.audit.tokens import stamp_findings, stamped_time
from trustworks.core.audit.tree import Tree
from trustworks.core.errors import TrustworksError, Unavailable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from trustworks.core.audit.checkpoint import Checkpoint, SigningKey
    from trustworks.core.audit.stored import StoredCheckpoint
    from trustworks.core.ports import Stamper
    from trustworks.core.store import Database

CLOSED = "audit.stream-closed"

_ADVISORY_LOCK = 0x7472757374776C67
# Events of one transaction: some 20 ms, so that writers hardly notice.
_CHUNK = 1000
# The fewest events of a stream that are worth a question of their own.
_PAGE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What one run did.

    `checkpoint` is the number of the checkpoint that was made; `stamped` says whether it carries a
    time-stamp, and `problem` why it does not, although it should.
    """

    appended: int
    size: int
    checkpoint: int | None = None
    stamped: bool = False
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class _Leaf:
    stream: str
    sequence: int
    type: str
    hash: bytes


class Sequencer:
    """Appends to the Merkle tree and signs it.

    `checkpoint_every` and `time_stamp_every` are in seconds. There is a checkpoint after that time when
    events were added, and a time-stamped one when the last time-stamped one is older and does not cover all
    events. `check_token` reads the time of a token over a digest.

    Raises `Unavailable` (audit.certificate) where `certificate` is not of the key: it would stand beside the
    checkpoints for ever.
    """

    def __init__(
        self,
        database: Database,
        sign: SigningKey | None,
        certificate: bytes | None = None,
        stamper: Stamper | None = None,
        *,
        checkpoint_every: float = 10.0,
        time_stamp_every: float = 300.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        check_token: Callable[[bytes, bytes], datetime] = stamped_time,
    ) -> None:
        if certificate is not None and sign is not None:
            _check_certificate(certificate, sign)
        self._database = database
        self._key = sign
        self._certificate = certificate
        self._stamper = stamper
        self._checkpoint_every = timedelta(seconds=checkpoint_every)
        self._time_stamp_every = timedelta(seconds=time_stamp_every)
        self._now = now
        self._check_token = check_token
        self._plans = Plans(database.engine.dialect)
        # The newest checkpoint with a time-stamp, among those up to this number.
        self._known_stamped: StoredCheckpoint | None = None
        self._looked_at = -1

    def run_once(self, *, checkpoint: bool = False) -> Progress:
        """Append what is new, and make a checkpoint when it is time (or, with `checkpoint`, in any case).

        Raises `Unavailable` (store.*, module.*; audit.altered when an event was changed before it was
        appended, or the tree since).
        """
        appended = size = 0
        while True:
            number, size = self._append()
            appended += number
            if number < _CHUNK:
                break
        return self._checkpoint(appended, size, forced=checkpoint)

    # ---- appending

    @implements("TRUSTWORKS:AUDIT-04", disabled=(0, 0))
    def _append(self) -> tuple[int, int]:
        """Append up to a chunk of new events; answer how many, and the tree's size.

        They are read and checked before the transaction that writes: on SQLite that one keeps all others from
        writing, and answers wait for it.
        """
        with self._database.read() as connection:
            news = _news(connection)
            if not news:
                return 0, Tree(connection).size()
            leaves = _merged(connection, news)
        with self._database.begin() as connection:
            tree = Tree(connection)
            if not self._elected(connection) or _news(connection, among=news) != news:
                return 0, tree.size()  # another sequencer appends, or has done so meanwhile
            with _as_written():
                size = tree.append(self._plans, [(one.stream, one.sequence, one.hash) for one in leaves])
            for stream, last in {one.stream: one for one in leaves}.items():
                connection.execute(
                    update(records.streams)
                    .where(records.streams.c.stream == stream)
                    .values(logged=last.sequence + 1, closed=last.type == CLOSED)
                )
            return len(leaves), size

    def _elected(self, connection: Connection) -> bool:
        """Whether this sequencer may append in this transaction. SQLite has one writer at a time anyway."""
        if self._database.dialect == "sqlite":
            return True
        query = text("SELECT pg_try_advisory_xact_lock(:key)")
        return bool(connection.execute(query, {"key": _ADVISORY_LOCK}).scalar_one())

    # ---- checkpoints

    def _checkpoint(self, appended: int, size: int, *, forced: bool) -> Progress:
        if self._key is None or size == 0:
            return Progress(appended=appended, size=size)
        now = self._now()
        with self._database.read() as connection:
            last = stored.newest_checkpoint(connection)
            stamp = self._stamper is not None and (
                forced or _due(self._newest_stamped(connection, last), size, now, self._time_stamp_every)
            )
            if not (forced or stamp or _due(last, size, now, self._checkpoint_every)):
                return Progress(appended=appended, size=size)
            tree = Tree(connection)
            size = tree.size()
            with _as_written():
                root, log = tree.root(size), tree.node(0, 0)
            body = checkpoints.make_body(size=size, root=root, log=log, time=now, key=self._key)
        number = 0 if last is None or last.number is None else last.number + 1
        if number > MOST:
            raise _altered()
        one = checkpoints.read(body, self._key.sign(body), self._key.spki, self._certificate)
        token, problem = self._stamped(number, one) if stamp else (None, None)
        values = {
            "number": number,
            "size": size,
            "time": now,
            "body": one.body,
            "signature": one.signature,
            "spki": one.spki,
            "certificate": one.certificate,
            "time_stamp": token,
        }
        try:
            with self._database.begin() as connection:
                connection.execute(insert(records.checkpoints).values(values))
        except exc.IntegrityError:  # another sequencer made this one
            return Progress(appended=appended, size=size)
        return Progress(
            appended=appended, size=size, checkpoint=number, stamped=token is not None, problem=problem
        )

    def _newest_stamped(
        self, connection: Connection, last: StoredCheckpoint | None
    ) -> StoredCheckpoint | None:
        """The newest checkpoint with a time-stamp, `last` being the newest of all.

        A checkpoint is whole when it is written, so those that were looked at before are not looked at again:
        there may be many, and this is asked twice a second.
        """
        newest = -1 if last is None or last.number is None else last.number
        if newest < self._looked_at:  # an older state of the log was put back
            self._looked_at, self._known_stamped = -1, None
        if newest > self._looked_at:
            found = stored.newest_checkpoint(connection, stamped=True, above=self._looked_at)
            self._looked_at, self._known_stamped = newest, found or self._known_stamped
        return self._known_stamped

    @implements("TRUSTWORKS:AUDIT-11", disabled=(None, None))
    def _stamped(self, number: int, one: Checkpoint) -> tuple[bytes | None, str | None]:
        """A token over the checkpoint, or why there is none: a checkpoint without one is better than none.

        One that does not hold is not kept. A clock may be wrong for a moment, or the machine stand still
        between signature and token; what is written stays, and a verification would complain of it for ever.
        """
        if self._stamper is None:
            return None, None
        try:
            token = self._stamper.stamp(one.imprint)
            found = stamp_findings(f"checkpoint {number}", one, self._check_token(token, one.imprint))
        except TrustworksError as error:
            return None, str(error)
        if found:
            return None, f"{found[0].message} It was not kept."
        return token, None


@implements("TRUSTWORKS:AUDIT-16")
def _check_certificate(certificate: bytes, key: SigningKey) -> None:
    if not checkpoints.certifies(certificate, key.spki):
        raise Unavailable(
            "audit.certificate",
            "[audit] certificate is not of the key [audit] key, which signs the checkpoints. Name the key's "
            "own certificate, or the key that it is of, and start the services again.",
        )


@contextmanager
def _as_written() -> Iterator[None]:
    """While the block uses the tree: what is not as it was written is no fault of the program."""
    try:
        yield
    except (LookupError, exc.IntegrityError) as error:
        raise _altered() from error


def _altered() -> Unavailable:
    return Unavailable(
        "audit.altered",
        "The Merkle log, its tiles or its checkpoints are not what was written. Run `trustworks audit "
        "verify`, and find out who wrote to the database.",
    )


def _due(last: StoredCheckpoint | None, size: int, now: datetime, every: timedelta) -> bool:
    """Whether there are new events since the checkpoint `last`, and it is old enough (or of the future).

    One that cannot be read covers nothing. The signed body is asked, not the columns beside it.
    """
    if last is None or last.checkpoint is None:
        return True
    one = last.checkpoint
    return one.size != size and not timedelta() <= now - one.moment < every


def _news(connection: Connection, among: list[tuple[str, int]] | None = None) -> list[tuple[str, int]]:
    """The streams (name, events in the tree) that have events which are not in the tree."""
    s, e = records.streams, records.events
    more = select(e.c.sequence).where(e.c.stream == s.c.stream, e.c.sequence == s.c.logged).exists()
    query = select(s.c.stream, s.c.logged).where(s.c.closed.is_(False), more).order_by(s.c.stream)
    if among is not None:
        query = query.where(s.c.stream.in_([stream for stream, _ in among]))
    return [(row.stream, row.logged) for row in connection.execute(query)]


def _merged(connection: Connection, news: list[tuple[str, int]]) -> list[_Leaf]:
    """Up to a chunk of new events: each stream in its order, the streams among one another by time.

    A stream is read in pages, as its turn comes: many streams together have far more than a chunk.
    """
    page = min(_CHUNK, max(_PAGE, 2 * _CHUNK // len(news)))
    runs = [_run(connection, name, logged, page) for name, logged in news]
    merged = heapq.merge(*runs, key=lambda pair: pair[0])
    return [leaf for _, leaf in itertools.islice(merged, _CHUNK)]


def _run(connection: Connection, stream: str, logged: int, page: int) -> Iterator[tuple[int, _Leaf]]:
    """New events of one stream, with their times; where a clock went back, the time before stands."""
    latest: int | None = None
    for number, (sequence, body, digest, time, kind) in enumerate(
        _pages(connection, stream, logged, page), logged
    ):
        is_plain = Entry(stream, sequence, body, digest, None, None, time, kind).is_plain
        if not is_plain or sequence != number or sha256(b"\0" + body).digest() != digest:
            raise Unavailable(
                "audit.altered",
                f"Event {sequence} of stream {stream} was altered, or one before it removed, before it "
                "came into the log. Run `trustworks audit verify`, and find out who wrote to the database.",
            )
        latest = time if latest is None else max(latest, time)
        yield latest, _Leaf(stream, sequence, kind, digest)


def _pages(connection: Connection, stream: str, first: int, page: int) -> Iterator[Any]:
    """The rows of a stream from number `first`, of which the server is asked for a page at a time."""
    e = records.events.c
    query = (
        select(e.sequence, e.body, e.hash, type_coerce(e.time, BigInteger), e.type)
        .where(e.stream == stream)
        .order_by(e.sequence)
        .limit(page)
    )
    while rows := connection.execute(query.where(e.sequence >= first)).all():
        yield from rows
        if len(rows) < page:
            return
        first = rows[-1].sequence + 1
