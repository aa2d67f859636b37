"""Checkpoints in a verification: each by itself, then against the tree when that has reached their size.

Of a checkpoint no more is kept than what it says of the tree: there is one every few seconds, for years.
"""

from __future__ import annotations

from array import array
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from trustworks.core.audit.checkpoint import certificate_is_the_signers, signature_is_valid
from trustworks.core.audit.model import time_text
from trustworks.core.audit.report import Finding
from trustworks.core.errors import TrustworksError
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trustworks.core.audit.checkpoint import Checkpoint
    from trustworks.core.audit.merkle import Growing
    from trustworks.core.audit.report import Report
    from trustworks.core.audit.stored import StoredCheckpoint

# A token cannot be older than what it is about. But its time may be in whole seconds and a second wrong
# (EN 319 421), and the checkpoint's is of a clock that nobody checks.
EARLY = timedelta(minutes=1)
# It is asked for right after the signature, once: an authority that does not answer then stamps a later
# checkpoint. Until then a module may have been waited for that was busy, and the authority after it.
LATE = timedelta(minutes=5)


class _Head(NamedTuple):
    """What a checkpoint says of the tree. `number` is None for one that was kept elsewhere, or has none."""

    size: int
    root: bytes
    log: bytes
    time: str
    number: int | None
    kept: bool

    @property
    def label(self) -> str:
        if self.kept:
            return f"the kept checkpoint of {self.time}"
        return "a checkpoint" if self.number is None else f"checkpoint {self.number}"


class Heads:
    """The checkpoints of a log, and those `against` which it is verified; what is wrong goes to `report`.

    `numbers` are those of the log's own, in their order; `covered` is the size of the largest of them, and
    `covered_at` its time; `unstamped` is the first of the newest ones that have no time-stamp that holds, and
    the time of the last.
    """

    def __init__(
        self,
        stored: Iterable[StoredCheckpoint],
        against: Iterable[Checkpoint],
        report: Report,
        *,
        trusted: frozenset[str],
        check_token: Callable[[bytes, bytes], datetime],
    ) -> None:
        self.numbers = array("q")
        self.covered = 0
        self.covered_at: str | None = None
        self.unstamped: tuple[Checkpoint, datetime] | None = None
        self._report = report
        self._trusted = trusted
        self._check_token = check_token
        self._heads: list[_Head] = []
        self._logs: dict[bytes, bytes] = {}
        self._keys: set[str] = set()
        self._next = 0
        for number, checkpoint, wrong in stored:
            self._own(number, checkpoint, wrong)
        for one in against:
            self._by_itself(self._kept(one, None, kept=True), one)
        self._heads.sort(key=lambda head: head.size)
        report.checkpoints = len(self._heads)
        report.keys = sorted(self._keys)

    def _own(self, number: int | None, checkpoint: Checkpoint | None, wrong: str) -> None:
        if number is not None:
            self.numbers.append(number)
        if wrong:
            label = "A checkpoint" if number is None else f"Checkpoint {number}"
            what = "cannot be verified" if checkpoint is None else "is not as it was written"
            self._find("checkpoint", f"{label} {what}. {wrong}")
        if checkpoint is None:
            return
        if checkpoint.size > self.covered or self.covered_at is None:
            self.covered, self.covered_at = checkpoint.size, checkpoint.time
        if self._by_itself(self._kept(checkpoint, number, kept=False), checkpoint):
            self.unstamped = None
        else:
            since, _ = self.unstamped or (checkpoint, None)
            self.unstamped = since, checkpoint.moment

    def _kept(self, one: Checkpoint, number: int | None, *, kept: bool) -> _Head:
        log = self._logs.setdefault(one.log, one.log)  # the same for all of a log
        head = _Head(one.size, one.root, log, one.time, number, kept)
        self._heads.append(head)
        return head

    # ---- by themselves

    def _by_itself(self, head: _Head, one: Checkpoint) -> bool:
        """Signature, certificate and time-stamp; answers whether there is a time-stamp that holds."""
        label = head.label
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
        while self._next < len(self._heads) and (head := self._heads[self._next]).size <= tree.size:
            self._next += 1
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
        for head in self._heads[self._next :]:
            if head.size:
                self._find(
                    "truncated",
                    f"The log has {size} events and had {head.size} at {head.label}: some were removed.",
                )

    def _find(self, kind: str, message: str) -> None:
        self._report.add(Finding(kind=kind, message=message))


@implements("TRUSTWORKS:AUDIT-16", disabled=())
def stamp_findings(label: str, one: Checkpoint, stamped: datetime) -> tuple[Finding, ...]:
    """Where a time-stamp's time is not the checkpoint's own, as far as `EARLY` and `LATE` let it differ."""
    if -EARLY <= stamped - one.moment <= LATE:
        return ()
    return (
        Finding(
            kind="time-stamp",
            message=f"The time-stamp of {label} is of {time_text(stamped)}, and the checkpoint says that it "
            f"was signed at {one.time}. Either the clock of the signer was wrong, or the checkpoint was not "
            "signed when it says, as where the log was written anew: find out which.",
        ),
    )
