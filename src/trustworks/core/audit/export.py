"""A log as one file, which is verified anywhere: JSON lines with a beginning and an end.

First a line that says what the file is and how many events it has; then the checkpoints with their numbers;
then every event with its place and hash; last a line with the counts, the root of the Merkle tree, and the
hash of the lines that it does not cover: those of checkpoints, which have parts that nobody signed, and of
events that were not in the tree yet. A file that was cut, added to or changed, at whichever byte, is not
sound.
"""

from __future__ import annotations

import json
import stat
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any, BinaryIO

from trustworks.core.audit.checkpoint import as_document, from_document
from trustworks.core.audit.merkle import Growing
from trustworks.core.audit.reading import loads, whole_number
from trustworks.core.audit.report import Finding
from trustworks.core.audit.stored import Entry, StoredCheckpoint
from trustworks.core.errors import Malformed
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trustworks.core.audit.completeness import StreamRow
    from trustworks.core.audit.entries import Source
    from trustworks.core.audit.report import Report

KIND = "trustworks.audit.export"
VERSION = 3

_EVENT = b'{"event":'
_CHECKPOINT = b'{"checkpoint":'
_END = b'{"end":'


class Uncovered:
    """What the lines that the Merkle root does not cover come to, and how many of them are checkpoints."""

    def __init__(self) -> None:
        self.checkpoints = 0
        self.digest = sha256()

    def checkpoint(self, line: bytes) -> None:
        """The line of a checkpoint."""
        self.checkpoints += 1
        self.digest.update(line)

    def event(self, line: bytes, position: int | None) -> None:
        """The line of an event; one in the Merkle tree is under its root."""
        if position is None:
            self.digest.update(line)


class ExportSource:
    """An exported file, opened as `content`, which can be read from its beginning more than once.

    Raises `Malformed` for what is none, or cannot be read; all else that is wrong with it is a finding.
    """

    has_tiles = False

    def __init__(self, file: Path, content: BinaryIO) -> None:
        self._file = file
        self._content = content
        self._uncovered = Uncovered()
        self._ended: bytes | None = None
        _, self._head = next(self._lines(), (1, b""))
        try:
            head = loads(self._head)
        except Malformed as error:
            raise Malformed(f"{file} is no export of an audit log.") from error
        if not isinstance(head, dict) or head.get("type") != KIND:
            raise Malformed(f"{file} is no export of an audit log.")
        if head.get("version") != VERSION:
            raise Malformed(
                f"{file} is an export of an audit log of version {head.get('version')!a:.20}, and this "
                f"release reads version {VERSION}. Export the log again, or verify the file by the release "
                "that wrote it."
            )
        self._told = whole_number(head.get("events"), f"number of events in the first line of {file}")

    def total(self) -> int:
        """As many as the first line says."""
        return self._told

    def checkpoints(self) -> Iterator[StoredCheckpoint]:
        """The lines of checkpoints; they stand before the events."""
        self._uncovered = Uncovered()
        for number, line in self._lines():
            if number > 1 and not line.startswith(_CHECKPOINT):
                break
            if number > 1:
                self._uncovered.checkpoint(line)
                yield _checkpoint(line, number)

    def streams(self) -> list[StreamRow] | None:
        """An export has the events alone."""
        return None

    def entries(self) -> Iterator[Entry | Finding]:
        """The lines of events; a finding for each line that has no business to be where it is."""
        events = waiting = False
        for number, line in self._lines():
            if number == 1:
                continue
            if self._ended is not None:
                yield _damaged(number, "it comes after the end")
            elif line.startswith(_EVENT):
                events = True
                entry = _entry(line, number)
                if isinstance(entry, Entry):
                    self._uncovered.event(line, entry.position)
                    if waiting and entry.position is not None:
                        yield _damaged(number, "it is in the Merkle log, and comes after events that are not")
                    waiting = entry.position is None
                yield entry
            elif line.startswith(_END):
                self._ended = line
            elif events or not line.startswith(_CHECKPOINT):
                yield _damaged(number, "it is no line that an export has there")

    def tile(self, level: int, tile: int) -> tuple[bytes, bytes] | None:
        """An export has none."""
        del level, tile
        return None

    def closing(self, report: Report) -> tuple[Finding, ...]:
        """Where the first and the last line say something else than the lines between them."""
        return end_findings(self._head, self._told, self._uncovered, self._ended, report)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """The numbered lines from the first on. One at a time may be going through them."""
        try:
            self._content.seek(0)
            yield from enumerate(self._content, 1)
        except OSError as error:
            raise _unreadable(self._file, error) from error


@contextmanager
def opened_export(file: Path) -> Iterator[ExportSource]:
    """An exported file, open while the block runs. Raises `Malformed` for what is none, or cannot be read."""
    try:
        # Before it is opened: a pipe has no beginning to come back to, and may wait for its writer for ever.
        if not stat.S_ISREG(file.stat().st_mode):
            raise Malformed(
                f"{file} is no regular file, and an export is read more than once: write it to a file first."
            )
        content = file.open("rb")
    except OSError as error:
        raise _unreadable(file, error) from error
    with content:
        yield ExportSource(file, content)


def _unreadable(file: Path, error: OSError) -> Malformed:
    return Malformed(f"{file} cannot be read: {error.strerror}.")


def _entry(line: bytes, number: int) -> Entry | Finding:
    # The event's bytes are taken as they stand: they are what was hashed.
    body, mark, rest = line[len(_EVENT) :].rpartition(b',"place":')
    try:
        place = loads(rest[:-2]) if mark else None
        if not isinstance(place, list) or len(place) != 4:
            return _damaged(number, "the event has no place")
        stream, sequence, position, digest = place
        leaf = bytes.fromhex(digest)
        whole_number(sequence, "number of the event")
        if position is not None:
            whole_number(position, "position of the event")
    except (Malformed, TypeError, ValueError):
        return _damaged(number, "the event has no place")
    # One way of writing a place, so that no byte of a line can be changed unnoticed.
    if not isinstance(stream, str) or len(leaf) != 32 or _place(stream, sequence, position, leaf) != rest:
        return _damaged(number, "the event has no place")
    return Entry(stream, sequence, body, leaf, position, None if position is None else leaf, None, None)


@implements("TRUSTWORKS:AUDIT-15", "CENTS419261:ARCHIVE", disabled=())
def end_findings(
    head: bytes, told: int, uncovered: Uncovered, ended: bytes | None, report: Report
) -> tuple[Finding, ...]:
    """Where an export is not whole.

    `head` is the first line and `told` its count, `uncovered` what the lines come to that the root does not
    cover, `ended` the last line, if any.
    """
    found = []
    if head != _head(told):
        found.append("The first line is not as an export has it.")
    if report.events != told:
        found.append(f"The first line says that there are {told} events; {report.events} are there.")
    if ended is None:
        found.append("The file has no end: it was cut, or was never written to its end.")
    elif ended != _end(uncovered, report.events, report.root):
        found.append("The last line is not about the events and checkpoints before it.")
    return tuple(Finding(kind="export", message=message) for message in found)


def export_lines(source: Source) -> Iterator[bytes]:
    """The lines of an export. Raises `Malformed` where the log has a hole, which an export would hide.

    A line of an event ends with its place ``[stream, sequence, position or null, hash]``.
    """
    yield _head(source.total())
    uncovered = Uncovered()
    for number, one, wrong in source.checkpoints():
        if one is None:
            raise Malformed(f"Checkpoint {number} cannot be exported. {wrong} Run `trustworks audit verify`.")
        line = _line(as_document(one) | {"number": number})
        uncovered.checkpoint(line)
        yield line
    tree, events = Growing(), 0
    for entry in source.entries():
        if isinstance(entry, Finding) or entry.body is None:
            raise Malformed(
                f"Event {entry.sequence} of stream {entry.stream} is missing or damaged: run `trustworks "
                "audit verify`."
            )
        leaf = entry.leaf or entry.hash or b""
        if entry.position is not None:
            tree.append(leaf)
        events += 1
        line = _EVENT + entry.body + b',"place":' + _place(entry.stream, entry.sequence, entry.position, leaf)
        uncovered.event(line, entry.position)
        yield line
    yield _end(uncovered, events, tree.root().hex())


def _checkpoint(line: bytes, number: int) -> StoredCheckpoint:
    try:
        document = loads(line)
        own = whole_number(document.get("number"), "number of the checkpoint")
        return StoredCheckpoint(own, from_document(document))
    except Malformed as error:
        return StoredCheckpoint(None, None, f"Line {number} is damaged: {error}")


def _damaged(number: int, why: str) -> Finding:
    return Finding(kind="export", message=f"Line {number} of the file is damaged: {why}.")


def _line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _head(events: int) -> bytes:
    return _line({"events": events, "type": KIND, "version": VERSION})


def _end(uncovered: Uncovered, events: int, root: str) -> bytes:
    end = {
        "checkpoints": uncovered.checkpoints,
        "events": events,
        "root": root,
        "uncovered_sha256": uncovered.digest.hexdigest(),
    }
    return _line({"end": end})


def _place(stream: str, sequence: int, position: int | None, leaf: bytes) -> bytes:
    """The end of an event's line."""
    return json.dumps([stream, sequence, position, leaf.hex()]).encode() + b"}\n"
