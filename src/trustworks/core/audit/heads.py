"""Checkpoints in a verification: each by itself, then against the tree when that has reached their size.

Of a checkpoint no more is kept than what it says of the tree: there is one every few seconds, for years.
"""

from __future__ import annotations

import heapq
from array import array
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from trustworks.core.audit.checkpoint import certificate_is_the_signers, signature_is_valid
from trustworks.core.audit.model import time_text
from trustworks.core.audit.report import Finding
from trustworks.core.audit.tokens import stamp_findings
from trustworks.core.errors import TrustworksError
from trustworks.core.store.types import from_microseconds, microseconds
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from trustworks.core.audit.checkpoint import Checkpoint
    from trustworks.core.audit.completeness import Unstamped
    from trustworks.core.audit.merkle import Growing
    from trustworks.core.audit.report import Report
    from trustworks.core.audit.stored import StoredCheckpoint

_NO_NUMBER = -(2**63)
_SIZE = attrgetter("size")


class _Head(NamedTuple):
    """What a checkpoint says of the tree, and how it is called."""

    size: int
    root: bytes
    log: bytes
    time: str
    label: str


class _TreeHeads:
    """What the log's own checkpoints say of the tree: 72 octets each."""

    def __init__(self) -> None:
        self._sizes = array("q")
        self._roots = bytearray()
        self._times = array("q")
        self._numbers = array("q")
        self._log = array("q")  # places in `_logs`, of which there is one where nobody wrote to the database
        self._logs: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._sizes)

    def append(self, one: Checkpoint, number: int | None) -> None:
        """Keep one behind the others."""
        self._sizes.append(one.size)
        self._roots += one.root
        self._times.append(microseconds(one.moment))
        self._numbers.append(_NO_NUMBER if number is None else number)
        self._log.append(self._logs.setdefault(one.log, len(self._logs)))

    def by_size(self) -> Iterator[_Head]:
        """All of them, the smallest tree first: the order that they are in, unless one was changed."""
        places: Iterable[int] = range(len(self))
        if any(before > after for before, after in pairwise(self._sizes)):
            places = sorted(places, key=self._sizes.__getitem__)
        logs = list(self._logs)
        for i in places:
            root = bytes(self._roots[32 * i : 32 * i + 32])
            number = None if self._numbers[i] == _NO_NUMBER else self._numbers[i]
            yield _Head(self._sizes[i], root, logs[self._log[i]], _time(self._times[i]), _label(number))


def _label(number: int | None) -> str:
    return "a checkpoint" if number is None else f"checkpoint {number}"


def _time(value: int) -> str:
    try:
        return time_text(from_microseconds(value))
    except OverflowError:  # it is one at the end of the calendar, in another zone
        return "a time that no calendar has"


class Heads:
    """The checkpoints of a log, and those `against` which it is verified; what is wrong goes to `report`.

    `numbers` are those of the log's own, in their order; `covered` is the size of the largest of them, and
    `covered_at` its time; `unstamped` is told which of them have a time-stamp that holds.
    """

    def __init__(
        self,
        stored: Iterable[StoredCheckpoint],
        against: Iterable[Checkpoint],
        report: Report,
        *,
        trusted: frozenset[str],
        check_token: Callable[[bytes, bytes], datetime],
        unstamped: Unstamped,
    ) -> None:
        self.numbers = array("q")
        self.covered = 0
        self.covered_at: str | None = None
        self._report = report
        self._trusted = trusted
        self._check_token = check_token
        self._unstamped = unstamped
        self._keys: set[str] = set()
        own, kept = _TreeHeads(), []
        for number, checkpoint, wrong in stored:
            self._own(own, number, checkpoint, wrong)
        for one in against:
            label = f"the kept checkpoint of {one.time}"
            self._by_itself(label, one)
            kept.append(_Head(one.size, one.root, one.log, one.time, label))
        kept.sort(key=_SIZE)
        self._following = heapq.merge(own.by_size(), kept, key=_SIZE)
        self._next = next(self._following, None)
        report.checkpoints = len(own) + len(kept)
        report.keys = sorted(self._keys)

    def _own(self, own: _TreeHeads, number: int | None, checkpoint: Checkpoint | None, wrong: str) -> None:
        if number is not None:
            self.numbers.append(number)
        if wrong:
            what = "cannot be verified" if checkpoint is None else "is not as it was written"
            self._find("checkpoint", f"{_label(number).capitalize()} {what}. {wrong}")
        if checkpoint is None:
            return
        if checkpoint.size > self.covered or self.covered_at is None:
            self.covered, self.covered_at = checkpoint.size, checkpoint.time
        own.append(checkpoint, number)
        self._unstamped.checkpoint(checkpoint, stamped=self._by_itself(_label(number), checkpoint))

    # ---- by themselves

    def _by_itself(self, label: str, one: Checkpoint) -> bool:
        """Signature, certificate and time-stamp; answers whether there is a time-stamp that holds."""
        self._keys.add(one.key)
        if not signature_is_valid(one):
            self._find("signature", f"The signature of {label} is not valid.")
        elif self._trusted and one.key not in self._trusted:
            message = f"The signer of {label} (public key {one.key}) is not one that was named as trusted."
            self._find("signer", message)
        if not certificate_is_the_signers(one):
            self._find("certificate", f"The certificate beside {label} is not of the key that signed it.")
        if one.time_stamp is None:
            return False
        try:
            stamped = self._check_token(one.time_stamp, one.imprint)
        except TrustworksError as error:
            self._find("time-stamp", f"The time-stamp of {label} is not valid: {error}")
            return False
        found = stamp_findings(label, one, stamped)
        for finding in found:
            self._report.add(finding)
        if found:
            return False
        report, moment = self._report, time_text(stamped)
        report.time_stamps += 1
        report.first_time_stamp = min(report.first_time_stamp or moment, moment)
        report.last_time_stamp = max(report.last_time_stamp or moment, moment)
        return True

    # ---- against the tree

    @implements("TRUSTWORKS:AUDIT-09")
    def compare(self, tree: Growing, first_leaf: bytes) -> None:
        """The checkpoints of the tree's present size against its root. Called at every size from 1."""
        report = self._report
        while (head := self._next) is not None and head.size <= tree.size:
            self._next = next(self._following, None)
            if head.size < tree.size:  # over nothing
                continue
            if head.root != tree.root():
                self._find(
                    "rewritten",
                    f"The first {head.size} events are not those of {head.label} ({head.time}). The last "
                    f"agreement is at {report.covered} events; what follows was rewritten.",
                )
            elif head.log != first_leaf:
                self._find("rewritten", f"{head.label} is one of another log.")
            else:
                report.covered = head.size

    def rest(self, size: int) -> None:
        """After the last event: the checkpoints over more than the `size` of the tree."""
        while (head := self._next) is not None:
            self._next = next(self._following, None)
            if head.size:
                self._find(
                    "truncated",
                    f"The log has {size} events and had {head.size} at {head.label}: some were removed.",
                )

    def _find(self, kind: str, message: str) -> None:
        self._report.add(Finding(kind=kind, message=message))
