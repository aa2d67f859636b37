"""Proofs for others: that one event is in the log, and that one checkpoint continues another.

Both are JSON documents that are verified without the database and without this provider.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from trustworks.core.audit import checkpoint as checkpoints
from trustworks.core.audit import records
from trustworks.core.audit.merkle import consistency_path, continues, includes, inclusion_path, leaf_hash
from trustworks.core.audit.reading import loads, whole_number
from trustworks.core.audit.tree import Tree
from trustworks.core.errors import Malformed, Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from trustworks.core.audit.checkpoint import Checkpoint


def newest_checkpoint(connection: Connection, at_least: int = 0) -> Checkpoint:
    """The newest checkpoint. Raises `Rejected` (audit.no-checkpoint) unless it covers `at_least` events."""
    c = records.checkpoints
    columns = (c.c.body, c.c.signature, c.c.spki, c.c.certificate, c.c.time_stamp)
    row = connection.execute(select(*columns).order_by(c.c.number.desc()).limit(1)).one_or_none()
    found = None if row is None else checkpoints.read(*row)
    if found is None or found.size < at_least:
        raise Rejected(
            "audit.no-checkpoint",
            "There is no checkpoint yet that covers this. `trustworks serve` makes them every few seconds.",
        )
    return found


def prove_inclusion(connection: Connection, stream: str, sequence: int) -> dict[str, Any]:
    """A document that proves that an event is in the log.

    Raises `Rejected` (audit.no-event, audit.not-in-log, audit.no-checkpoint).
    """
    e, log = records.events, records.log
    body = connection.execute(
        select(e.c.body).where(e.c.stream == stream, e.c.sequence == sequence)
    ).scalar_one_or_none()
    if body is None:
        raise Rejected("audit.no-event", f"There is no event {sequence} of stream {stream}.")
    position = connection.execute(
        select(log.c.position).where(log.c.stream == stream, log.c.sequence == sequence)
    ).scalar_one_or_none()
    if position is None:
        raise Rejected("audit.not-in-log", "The event is not in the Merkle log yet: try again in a second.")
    covering = newest_checkpoint(connection, position + 1)
    path = inclusion_path(Tree(connection).node, position, covering.size)
    return {
        "type": "audit.inclusion",
        "version": 1,
        "event": base64.b64encode(body).decode(),
        "position": position,
        "path": [step.hex() for step in path],
        **checkpoints.as_document(covering),
    }


def prove_consistency(connection: Connection, older: Checkpoint) -> dict[str, Any]:
    """A document that proves that the newest checkpoint continues `older`."""
    newest = newest_checkpoint(connection, older.size)
    path = consistency_path(Tree(connection).node, older.size, newest.size)
    return {
        "type": "audit.consistency",
        "version": 1,
        "older": checkpoints.as_document(older),
        "path": [step.hex() for step in path],
        **checkpoints.as_document(newest),
    }


def check_proof(document: Mapping[str, Any]) -> tuple[Checkpoint, dict[str, Any] | None]:
    """Verify a proof; answer the checkpoint that it leads to, and the event of a proof of inclusion.

    Who signed the checkpoint is for the caller to judge by its `key`.
    Raises `Malformed`, and `Rejected` (audit.signature, audit.proof).
    """
    covering = checkpoints.from_document(document)
    _check_signature(covering)
    try:
        path = [bytes.fromhex(step) for step in document["path"]]
        match document["type"]:
            case "audit.inclusion":
                body = base64.b64decode(document["event"], validate=True)
                event = loads(body)
                position = whole_number(document["position"], "position")
                sound = includes(covering.root, covering.size, position, leaf_hash(body), path)
            case "audit.consistency":
                event = None
                older = checkpoints.from_document(document["older"])
                _check_signature(older)
                sound = older.log == covering.log and continues(
                    older.size, older.root, covering.size, covering.root, path
                )
            case kind:
                raise Malformed(f"{kind!r:.40} is no kind of proof.")
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed(f"The proof cannot be read: {error!r}.") from error
    if not sound:
        raise Rejected("audit.proof", "The proof does not lead to the root that the checkpoint signs.")
    return covering, event


def _check_signature(checkpoint: Checkpoint) -> None:
    if not checkpoints.signature_is_valid(checkpoint):
        raise Rejected(
            "audit.signature", f"The signature of the checkpoint of {checkpoint.time} is not valid."
        )
