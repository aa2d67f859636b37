"""The recorder: events and records of one process, durable before anybody is answered.

Every process (and every role in it) writes a stream of its own, so that none waits for another one's chain.
One thread writes: what was submitted while the last transaction was under way goes into the next one, which
costs one synchronisation of the disk for all. When a write fails, the stream ends there and nothing is
taken any more, until a first event of a new stream could be written; whoever needs the log stops answering
meanwhile.
"""

from __future__ import annotations

import logging
import re
import secrets
import threading
from binascii import hexlify
from datetime import UTC, datetime
from hashlib import sha256
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from sqlalchemy import exc

from trustworks.core.audit import records
from trustworks.core.audit.inserts import Plan, Plans, insert_all
from trustworks.core.audit.model import Event, Row, encode, place
from trustworks.core.audit.submission import ActionFailedError, Stop, Submission
from trustworks.core.errors import Unavailable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection

    from trustworks.core.store import Database

logger = logging.getLogger(__name__)
T = TypeVar("T")

_ROLE = re.compile(r"[a-z][a-z0-9-]{0,39}")
_NOTHING = b"0" * 64  # what the first event of a stream follows
_EVENT_COLUMNS = ("stream", "sequence", "time", "type", "hash", "body")


class StreamTakenError(Exception):
    """Somebody else wrote into this stream."""


class Recorder:
    """One audit stream and its writer. Threads share it.

    `probe_every` is how many seconds pass between two attempts to write again after a failure; `most` how
    many events one transaction may hold. `died` says that the writer ended by a fault of the program: this
    recorder never writes again, and its process has to start anew.
    """

    def __init__(
        self,
        database: Database,
        role: str,
        *,
        now: Callable[[], datetime],
        probe_every: float,
        most: int,
    ) -> None:
        if not _ROLE.fullmatch(role):
            raise ValueError(f"{role!r} is no role of a stream: use lower-case letters, digits and hyphens")
        self.role = role
        self.stream = ""
        self._database = database
        self._now = now
        self._probe_every = probe_every
        self._most = most
        self._plans = Plans(database.engine.dialect)
        self._event_plan = self._plans.of(records.events, _EVENT_COLUMNS)
        self._queue: SimpleQueue[Submission | Stop] = SimpleQueue()
        self._gate = threading.Lock()
        self._refusal: Unavailable | None = None
        self._closed = False
        self.died = False
        self._listeners: list[Callable[[], None]] = []
        self._held: Submission | Stop | None = None
        self._in_hand: list[Submission] = []
        self._sequence = 0
        self._previous = _NOTHING
        self._thread = threading.Thread(target=self._run, name=f"audit-{role}", daemon=True)

    @classmethod
    def open(
        cls,
        database: Database,
        role: str,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        probe_every: float = 1.0,
        most: int = 256,
    ) -> Recorder:
        """Begin a new stream, whose first event is durable when this returns. Raises `Unavailable`."""
        recorder = cls(database, role, now=now, probe_every=probe_every, most=most)
        recorder._begin_stream(None)
        recorder._thread.start()
        return recorder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, event: Event, *rows: Row, released: Callable[[BaseException | None], None]) -> None:
        """Hand over an event and its rows, and return at once.

        `released` is called on the writer's thread: with None when all is durable; with `Unavailable` when
        it is not; with SQLAlchemy's error when these very rows violate a constraint (nothing of the event
        is kept then). Raises `Unavailable` when the log cannot be written, ValueError for what cannot be
        encoded.
        """
        bind = self._plans.bind
        self._enter(Submission(encode(event), [bind(row) for row in rows], released))

    def record(self, event: Event, *rows: Row) -> None:
        """Write an event and its rows, and return when they are durable. Raises what `submit` tells of."""
        self._wait(Submission(encode(event), [self._plans.bind(row) for row in rows], None))

    def transact(self, event: Event | Callable[[T], Event], action: Callable[[Connection], T]) -> T:
        """Run `action` and write the event about it in one transaction; answer what `action` answered.

        `action` runs on the writer's thread, with everybody else waiting: SQL alone, and short. When it
        raises, nothing is written and the error is raised here. `event` may be a function of what `action`
        answered.
        """
        made = (lambda _: event) if isinstance(event, Event) else event
        return self.transact_all(lambda answer: (made(answer),), action)

    def transact_all(self, events: Callable[[T], Iterable[Event]], action: Callable[[Connection], T]) -> T:
        """As `transact`, with any number of events, made of what `action` answered."""
        entry = Submission(None, [], None)
        entry.action = action
        entry.events_of = events
        self._wait(entry)
        return cast("T", entry.value)

    @implements("TRUSTWORKS:AUDIT-08")
    def ping(self) -> None:
        """Answer when the log can be written, as far as is known. Raises `Unavailable` (audit.unwritable)."""
        if self._refusal is not None:
            raise self._refusal.with_traceback(None)  # else it would grow with every raise
        if self._closed:
            raise Unavailable("audit.closed", "The audit log is closed: this process is ending.")

    def on_batch(self, listener: Callable[[], None]) -> None:
        """Call `listener` on the writer's thread after the `released` of each batch."""
        self._listeners.append(listener)

    def close(self) -> None:
        """Write what is waiting and the stream's last event, and end the writer."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
            self._queue.put(Stop())
        self._thread.join()

    # ---- the callers' side

    def _enter(self, entry: Submission) -> None:
        with self._gate:
            self.ping()
            self._queue.put(entry)

    def _wait(self, entry: Submission) -> None:
        if threading.current_thread() is self._thread:
            raise RuntimeError("the writer cannot wait for itself: do not record inside an action")
        done = threading.Event()
        answers: list[BaseException | None] = []

        def released(error: BaseException | None) -> None:
            answers.append(error)
            done.set()

        entry.released = released
        self._enter(entry)
        done.wait()
        if answers[0] is not None:
            raise answers[0]

    # ---- the writer's side

    def _run(self) -> None:
        try:
            while True:
                if self._refusal is None:
                    if self._write_until_failure():
                        return
                elif self._refuse_until_written():
                    return
        except BaseException as error:
            logger.exception("the writer of the audit log failed")
            with self._gate:  # whoever enters after this is refused, whoever entered before is released below
                self._refuse(error)
                self.died = True
            held = [self._held] if isinstance(self._held, Submission) else []
            self._release([*self._in_hand, *held, *self._drain()], self._refusal)
            raise

    def _write_until_failure(self) -> bool:
        """Write batch after batch on one connection; answer whether the recorder was closed."""
        try:
            with self._database.connect() as connection:
                while True:
                    batch, stop = self._next_batch()
                    if batch:
                        self._in_hand = batch
                        self._write(connection, batch)
                        self._in_hand = []
                    if self._refusal is not None:
                        return stop
                    if stop:
                        self._say(connection, "audit.stream-closed", {})
                        return True
        except Unavailable as error:
            self._refuse(error)
            return self._closed and self._queue.empty()

    def _next_batch(self) -> tuple[list[Submission], bool]:
        """Wait for an entry, take what else is there; also answer whether the recorder is to stop.

        An entry with an action makes a batch of its own.
        """
        batch: list[Submission] = []
        get = self._queue.get
        first = self._held or get()
        self._held = None
        if isinstance(first, Stop):
            return batch, True
        batch.append(first)
        if first.action is not None:
            return batch, False
        try:
            while len(batch) < self._most:
                entry = get(block=False)
                if isinstance(entry, Stop) or entry.action is not None:
                    self._held = entry
                    break
                batch.append(entry)
        except Empty:
            pass
        return batch, False

    def _write(self, connection: Connection, batch: list[Submission]) -> None:
        """Write a batch in one transaction and release it; when one entry spoils it, each by itself."""
        try:
            self._commit(connection, batch)
        except Unavailable as error:
            self._refuse(error)
            self._release(batch, self._refusal)
        except StreamTakenError as error:
            self._refuse(error)
            self._release(batch, self._refusal)
        except ActionFailedError as error:
            self._release(batch, error.cause)
        except Exception as error:  # noqa: BLE001 - a caller's rows or action: it gets its own error
            if len(batch) == 1:
                self._release(batch, error)
                return
            for number, entry in enumerate(batch):
                if self._refusal is not None:
                    self._release(batch[number:], self._refusal)
                    return
                self._write(connection, [entry])
        else:
            self._release(batch, None)

    @implements("TRUSTWORKS:AUDIT-03")
    def _commit(self, connection: Connection, batch: list[Submission]) -> None:
        """Records and events of a batch, in one transaction. The chain moves on only when it is durable."""
        sequence, previous, stream = self._sequence, self._previous, self.stream.encode()
        with self._database.transaction(connection):
            groups: dict[Plan, list[list[Any]]] = {}
            rows = []
            for entry in batch:
                entry.act(connection)
                for plan, values in entry.rows:
                    groups.setdefault(plan, []).append(values)
                for encoded in entry.encoded:
                    body = place(encoded, previous, sequence, stream)
                    digest = sha256(b"\0" + body)
                    rows.append([self.stream, sequence, encoded.time, encoded.type, digest.digest(), body])
                    previous = hexlify(digest.digest())
                    sequence += 1
            if groups:
                insert_all(connection, groups.items())
            try:
                self._event_plan.insert(connection, rows)
            except exc.IntegrityError as error:
                raise StreamTakenError(
                    f"Another writer wrote event {self._sequence} of stream {self.stream}."
                ) from error
        self._sequence, self._previous = sequence, previous

    def _release(self, batch: list[Submission], error: BaseException | None) -> None:
        for entry in batch:
            try:
                entry.released(error)
            except Exception:
                logger.exception("a caller of the audit log failed when it was told the outcome")
        for listener in self._listeners:
            try:
                listener()
            except Exception:
                logger.exception("a listener of the audit log failed")

    def _refuse(self, cause: BaseException) -> None:
        logger.error("the audit log cannot be written: %s", cause)
        self._refusal = Unavailable(
            "audit.unwritable",
            f"The audit log cannot be written, so nothing is served that must be recorded. {cause}",
        )
        self._refusal.__cause__ = cause

    def _refuse_until_written(self) -> bool:
        """Give back what comes in; try to begin a new stream now and then. Answer whether to stop."""
        held, self._held = self._held, None
        try:
            entry = held or self._queue.get(timeout=self._probe_every)
        except Empty:
            try:
                self._begin_stream(self.stream)
            except Unavailable as error:
                self._refuse(error)
            else:
                logger.warning("the audit log is written again, in stream %s", self.stream)
                self._refusal = None
            return False
        if isinstance(entry, Stop):
            return True
        self._release([entry, *self._drain()], self._refusal)
        return self._closed

    def _drain(self) -> list[Submission]:
        found: list[Submission] = []
        try:
            while True:
                entry = self._queue.get(block=False)
                if isinstance(entry, Submission):
                    found.append(entry)
        except Empty:
            return found

    def _begin_stream(self, after: str | None) -> None:
        """A new stream and its first event. `after` names the stream whose writing failed."""
        stream = f"{self.role}-{secrets.token_hex(8)}"
        before = self.stream, self._sequence, self._previous
        detail: dict[str, Any] = {"role": self.role}
        if after is not None and self._refusal is not None:
            detail |= {"after": after, "events": self._sequence, "reason": str(self._refusal.__cause__)}
        self.stream, self._sequence, self._previous = stream, 0, _NOTHING
        opened = self._now()
        row = {"stream": stream, "role": self.role, "opened": opened, "logged": 0, "closed": False}
        try:
            with self._database.connect() as connection:
                self._say(connection, "audit.stream-opened", detail, Row(records.streams, row), time=opened)
        except BaseException:
            self.stream, self._sequence, self._previous = before
            raise

    def _say(
        self,
        connection: Connection,
        kind: str,
        detail: dict[str, Any],
        *rows: Row,
        time: datetime | None = None,
    ) -> None:
        """Write an event of the log about itself."""
        event = Event(
            type=kind,
            outcome="success",
            actor=self.role,
            subject={"stream": self.stream},
            detail=detail,
            time=time or self._now(),
        )
        self._commit(connection, [Submission(encode(event), [self._plans.bind(row) for row in rows], None)])
