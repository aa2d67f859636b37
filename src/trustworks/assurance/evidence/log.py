"""The audit log: its last signed checkpoint, whether that verifies, and what it does not cover yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from trustworks.assurance.evidence.model import Item, Kind, judged
from trustworks.core.audit.checkpoint import certificate_is_the_signers, signature_is_valid
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.audit.checkpoint import Checkpoint

COVERED: Final = "TRUSTWORKS:ASSURANCE-EVIDENCE-LOG"
LATE: Final = timedelta(minutes=15)
_SERVE: Final = "`trustworks serve`, where it runs, takes events into the log and signs its checkpoints"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Events of the streams that the log has not taken in yet: how many, and when the oldest was written."""

    events: int
    since: datetime


@implements("TRUSTWORKS:ASSURANCE-EVIDENCE-LOG", disabled=())
def log_findings(
    newest: Checkpoint | None,
    stamped: Checkpoint | None,
    size: int,
    at: datetime,
    *,
    stamps: bool,
    waiting: Waiting | None = None,
) -> tuple[str, ...]:
    """What is wrong with the checkpoints of a log of `size` events; `stamps`: they get time-stamps.

    `waiting` is what the streams have and the log has not: no checkpoint covers it.
    """
    left = 0 if waiting is None else waiting.events
    if newest is None:
        if not size + left:
            return ()
        told = f"the log has no signed checkpoint of {size + left} events"
        return (f"{told}, of which {left} are not in it yet; {_SERVE}" if left else f"{told}; {_SERVE}",)
    found = []
    if not signature_is_valid(newest):
        found.append("the signature of the last checkpoint is not valid")
    if not certificate_is_the_signers(newest):
        found.append("the certificate beside the last checkpoint is of another key")
    if newest.size > size:
        found.append(f"the log has {size} events and had {newest.size}: some were removed")
    if size > newest.size and at - newest.moment > LATE:
        found.append(f"{size - newest.size} events wait for a checkpoint, the last is of {newest.time}")
    if waiting is not None and at - waiting.since > LATE:
        told = f"{left} events are not in the log yet, the oldest since {waiting.since:%Y-%m-%d %H:%M:%S} UTC"
        found.append(f"{told}; {_SERVE}")
    if stamps and stamped is None:
        found.append("no checkpoint has a time-stamp")
    elif stamps and stamped is not None and newest.size > stamped.size and at - stamped.moment > 4 * LATE:
        found.append(f"the last time-stamped checkpoint is of {stamped.time}")
    return tuple(found)


def log_item(
    newest: Checkpoint | None,
    stamped: Checkpoint | None,
    size: int,
    at: datetime,
    *,
    stamps: bool,
    waiting: Waiting | None = None,
) -> Item:
    """The evidence of the audit log: its newest checkpoint and the newest that is time-stamped."""
    return judged(
        Kind.LOG,
        "checkpoints",
        at,
        findings=log_findings(newest, stamped, size, at, stamps=stamps, waiting=waiting),
        well="The log has no events yet." if newest is None else "The last checkpoint is signed and valid.",
        values={
            "events": size,
            "events_waiting": 0 if waiting is None else waiting.events,
            "checkpoint": None if newest is None else {"size": newest.size, "root": newest.root.hex()},
            "checkpoint_at": None if newest is None else newest.time,
            "signer_spki_sha256": None if newest is None else newest.key,
            "time_stamped_at": None if stamped is None else stamped.time,
        },
        requirements=(COVERED,),
    )
