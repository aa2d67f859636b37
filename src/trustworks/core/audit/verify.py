"""Verification of a whole log: every event, every stream, the Merkle tree, and its checkpoints.

One pass over the entries in their order. What was altered is told event by event: an event's hash stands
beside it, in the next event of its stream, in the Merkle log and its tiles, and under the signed roots, so
that a change shows where it was made unless all of these were changed alike; then the first signed root
that differs shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from trustworks.core.audit.completeness import (
    Seen,
    Unstamped,
    number_findings,
    stream_findings,
    succession_findings,
    unsigned_findings,
)
from trustworks.core.audit.heads import Heads
from trustworks.core.audit.merkle import Growing, fold
from trustworks.core.audit.model import time_text
from trustworks.core.audit.reading import loads
from trustworks.core.audit.report import Finding, Report
from trustworks.core.audit.sequencer import CLOSED
from trustworks.core.audit.tokens import stamped_time
from trustworks.core.audit.tree import WIDTH
from trustworks.core.errors import Malformed
from trustworks.core.store.types import microseconds
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import timedelta

    from trustworks.core.audit.checkpoint import Checkpoint
    from trustworks.core.audit.completeness import RecordChecker
    from trustworks.core.audit.entries import Source
    from trustworks.core.audit.stored import Entry

OPENED = "audit.stream-opened"

_NOTHING = "0" * 64


@dataclass(slots=True)
class _Stream:
    """Where a stream is: what comes next, and what it must follow. `doubtful`: the last event was altered."""

    sequence: int = 0
    previous: str = _NOTHING
    closed: bool = False
    doubtful: bool = False
    logged: int = 0
    logged_closed: bool | None = False


def verify(
    source: Source,
    *,
    against: Iterable[Checkpoint] = (),
    trusted: frozenset[str] = frozenset(),
    check_token: Callable[[bytes, bytes], datetime] = stamped_time,
    checkers: Sequence[RecordChecker] = (),
    checkpoint_every: timedelta | None = None,
    time_stamp_every: timedelta | None = None,
    now: datetime | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Report:
    """Verify the log in `source`.

    `check_token` verifies a time-stamp token over a digest (raising one of the four families), by default
    no more than the digest. `against` are checkpoints that were kept elsewhere; `trusted` the fingerprints
    (SHA-256 of the public key, in hexadecimal) that checkpoints may be signed by, empty to accept any.
    `checkers` compare the records of services with their events. `checkpoint_every` is how often checkpoints
    are made, and `time_stamp_every` how often one is time-stamped, None where nobody does. `progress` is
    called with the number of entries read.
    """
    unstamped = Unstamped(time_stamp_every)
    verification = _Verification(
        source, against, trusted, check_token, checkers=checkers, unstamped=unstamped
    )
    report = verification.run(progress)
    for finding in unsigned_findings(*verification.unsigned(now or datetime.now(UTC)), checkpoint_every):
        report.add(finding)
    report.notices.extend(unstamped.notices())
    return report


class _Verification:
    def __init__(
        self,
        source: Source,
        against: Iterable[Checkpoint],
        trusted: frozenset[str],
        check_token: Callable[[bytes, bytes], datetime],
        *,
        checkers: Sequence[RecordChecker],
        unstamped: Unstamped,
    ) -> None:
        self.report = Report(keys_compared=bool(trusted))
        self._source = source
        self._tree = Growing()
        self._streams: dict[str, _Stream] = {}
        self._checkers = {kind: one for one in checkers for kind in one.types or ()}
        self._of_all = [one for one in checkers if one.types is None]
        self._services = checkers
        self._after: dict[str, int] = {}
        self._first_leaf: bytes | None = None
        self._levels: list[list[bytes]] = [[]]
        self._written: list[int] = [0]
        self._unsigned: tuple[str, str] | None = None
        self._heads = Heads(
            source.checkpoints(),
            against,
            self.report,
            trusted=trusted,
            check_token=check_token,
            unstamped=unstamped,
        )

    def unsigned(self, now: datetime) -> tuple[str | None, str]:
        """From when until when the log went on without a checkpoint; None where all of it is covered.

        Only what is in the Merkle log counts: who appends to it signs it too, while an event that waits may
        be one of a day without services. It went on from the newest checkpoint, by that one's own time: an
        event's may be of a clock that nobody checked. `now` bounds those that such a clock set ahead, and a
        log without any checkpoint.
        """
        if self._unsigned is None:
            return None, ""
        oldest, newest = self._unsigned
        if self._heads.covered_at is None:
            return oldest, time_text(now)
        return self._heads.covered_at, min(newest, time_text(now))

    def run(self, progress: Callable[[int], None]) -> Report:
        report = self.report
        for entry in self._source.entries():
            if isinstance(entry, Finding):
                report.add(entry)
                continue
            if entry.position is None:
                report.waiting += 1
                self._event(entry)
            else:
                self._logged(entry)
            report.events += entry.body is not None
            if report.events & 1023 == 0:
                progress(report.events)
        report.size = self._tree.size
        report.root = self._tree.root().hex()
        self._heads.rest(report.size)
        self._complete()
        report.streams = len(self._streams)
        report.open_streams = sum(not stream.closed for stream in self._streams.values())
        progress(report.events)
        return report

    def _complete(self) -> None:
        """What is gone beside the events."""
        seen = {
            name: Seen(events=one.sequence, logged=one.logged, closed=one.logged_closed)
            for name, one in self._streams.items()
        }
        rows = self._source.streams()
        for finding in (
            *self._source.closing(self.report),
            *number_findings(self._heads.numbers),
            *(() if rows is None else stream_findings(rows, seen)),
            *succession_findings(self._after, seen),
            *(Finding(kind="record", message=text) for one in self._services for text in one.rest()),
        ):
            self.report.add(finding)

    # ---- events and streams

    def _logged(self, entry: Entry) -> None:
        """An entry of the Merkle log: its place, the event, the tree."""
        if entry.position != self._tree.size:
            self._find(
                "log-gap",
                f"The Merkle log has no position {self._tree.size}: its next is {entry.position}.",
                entry,
                None,
            )
        leaf = entry.leaf or b""
        self._event(entry)
        stream = self._streams[entry.stream]
        stream.logged, stream.logged_closed = stream.sequence, None if stream.doubtful else stream.closed
        if self._first_leaf is None:
            self._first_leaf = leaf
        self._tree.append(leaf)
        if self._source.has_tiles:
            self._tile(leaf)
        self._heads.compare(self._tree, self._first_leaf)

    @implements("TRUSTWORKS:AUDIT-01", "TRUSTWORKS:AUDIT-02")
    def _event(self, entry: Entry) -> None:
        """One event: its hash, its columns, and that it follows the one before it in its stream."""
        stream = self._streams.get(entry.stream)
        if stream is None:
            stream = self._streams[entry.stream] = _Stream()
        if entry.body is None:
            self._find("missing", "The event is gone; the Merkle log still has its hash.", entry, None)
            self._step(stream, entry, doubtful=True)
            return
        leaf = sha256(b"\0" + entry.body).digest()
        try:
            value = loads(entry.body)
        except Malformed:
            value = None
        if not isinstance(value, dict):
            value = None
        if leaf != entry.hash or (entry.leaf is not None and leaf != entry.leaf):
            self._find("altered", _altered(leaf, entry), entry, value)
            self._step(stream, entry, doubtful=True)
            return
        if value is None:
            self._find("altered", "The event is no JSON object, or none that can be read.", entry, value)
            self._step(stream, entry, doubtful=True)
            return
        self._chain(stream, entry, value)
        if stream.closed:
            self._find("after-close", "The event comes after the last one of its stream.", entry, value)
        self._columns(entry, value)
        self._step(stream, entry, doubtful=False)
        stream.closed = value.get("type") == CLOSED
        self._beside(entry, value)
        time = value.get("time")
        if isinstance(time, str):
            report = self.report
            report.first_time = time if report.first_time is None else min(report.first_time, time)
            report.last_time = time if report.last_time is None else max(report.last_time, time)
            if entry.position is not None and entry.position >= self._heads.covered:
                oldest, newest = self._unsigned or (time, time)
                self._unsigned = min(oldest, time), max(newest, time)

    def _beside(self, entry: Entry, value: dict[str, Any]) -> None:
        """What a sound event tells of things beside it: the record it is about, the stream before its own."""
        kind = str(value.get("type"))
        own = self._checkers.get(kind)
        for checker in self._of_all if own is None else (own, *self._of_all):
            wrong = checker.event(value)
            if wrong is not None:
                self._find("record", wrong, entry, value)
        if kind == OPENED:
            detail = value.get("detail")
            if isinstance(detail, dict) and isinstance(detail.get("events"), int):
                self._after[str(detail.get("after"))] = detail["events"]

    def _chain(self, stream: _Stream, entry: Entry, value: dict[str, Any]) -> None:
        if entry.sequence != stream.sequence:
            first, last = stream.sequence, entry.sequence - 1
            which = f"{first} to {last} are" if last > first else f"{first} is"
            message = (
                f"Before this event, {which} missing."
                if last >= first
                else f"The event is out of order: {first} comes next."
            )
            self._find("missing", message, entry, value)
        elif value.get("previous") != stream.previous and not stream.doubtful:
            self._find(
                "chain",
                "The event does not follow the one before it in its stream: one of the two was replaced.",
                entry,
                value,
            )

    def _columns(self, entry: Entry, value: dict[str, Any]) -> None:
        """The columns that events are searched by must say what the event says."""
        wrong = [
            name
            for name, stored in (("stream", entry.stream), ("sequence", entry.sequence), ("type", entry.type))
            if stored is not None and value.get(name) != stored
        ]
        if entry.time is not None:
            try:
                if microseconds(datetime.fromisoformat(value["time"])) != entry.time:
                    wrong.append("time")
            except (KeyError, TypeError, ValueError):
                wrong.append("time")
        if wrong:
            names = ", ".join(wrong)
            self._find("altered", f"The event is sound, but its table says another {names}.", entry, value)

    def _step(self, stream: _Stream, entry: Entry, *, doubtful: bool) -> None:
        known = entry.leaf or entry.hash
        stream.sequence = entry.sequence + 1
        stream.previous = "" if known is None else known.hex()
        stream.doubtful = doubtful

    # ---- the tree

    def _tile(self, leaf: bytes) -> None:
        """Compare the stored tiles with what the leaves make."""
        value = leaf
        for level in range(64):
            if level == len(self._levels):
                self._levels.append([])
                self._written.append(0)
            hashes = self._levels[level]
            hashes.append(value)
            if len(hashes) < WIDTH:
                return
            number, value = self._written[level], fold(hashes)
            if self._source.tile(level, number) != (value, b"".join(hashes)):
                self.report.add(
                    Finding(
                        kind="tile",
                        message=f"Tile {number} of level {level} is not what the leaves make.",
                    )
                )
            self._written[level] += 1
            hashes.clear()

    def _find(self, kind: str, message: str, entry: Entry, value: dict[str, Any] | None) -> None:
        value = value or {}
        self.report.add(
            Finding(
                kind=kind,
                message=message,
                stream=entry.stream,
                sequence=entry.sequence,
                position=entry.position,
                time=str(value["time"]) if "time" in value else None,
                type=entry.type or (str(value["type"]) if "type" in value else None),
            )
        )


def _altered(leaf: bytes, entry: Entry) -> str:
    if entry.leaf is None or entry.hash == entry.leaf:
        return "The event was altered: it has not the hash that was recorded for it."
    if leaf == entry.leaf:
        return "The hash beside the event was altered; the event itself is as it came into the Merkle log."
    if leaf == entry.hash:
        return "The event and the hash beside it were altered, or its hash in the Merkle log was."
    return "The event was altered, and so was one of its recorded hashes."
