"""Proofs for others: that one event is in the log, and that one checkpoint continues another.

Both are JSON documents that are verified without the database and without this provider.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from trustworks.core.audit import checkpoint as checkpoints
from trustworks.core.audit import stored
from trustworks.core.audit.merkle import consistency_path, continues, includes, inclusion_path, leaf_hash
from trustworks.core.audit.reading import loads, whole_number
from trustworks.core.audit.search import one
from trustworks.core.audit.tree import Tree
from trustworks.core.errors import Malformed, Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from trustworks.core.audit.checkpoint import Checkpoint


def newest_checkpoint(connection: Connection, at_least: int = 0) -> Checkpoint:
    """The newest checkpoint.

    Raises `Rejected` (audit.no-checkpoint unless it covers `at_least` events, audit.signature,
    audit.certificate), and `Malformed` where it cannot be read.
    """
    row = stored.newest_checkpoint(connection)
    if row is not None and row.checkpoint is None:
        raise Malformed(
            f"Checkpoint {row.number} cannot be read. {row.wrong} Run `trustworks audit verify`, and find "
            "out who wrote to the database; `trustworks serve` makes the next one."
        )
    if row is None or row.checkpoint is None or row.checkpoint.size < at_least:
        raise Rejected(
            "audit.no-checkpoint",
            "There is no checkpoint yet that covers this. `trustworks serve` makes them every few seconds.",
        )
    _check_signature(row.checkpoint)
    return row.checkpoint


def prove_inclusion(connection: Connection, stream: str, sequence: int) -> dict[str, Any]:
    """A document that proves that an event is in the log.

    Raises `Malformed` where event or checkpoint cannot be read, and `Rejected` (audit.no-event,
    audit.not-in-log, audit.no-checkpoint; audit.proof, audit.signature, audit.certificate where the proof
    would not hold).
    """
    found = one(connection, stream, sequence)
    if found is None:
        raise Rejected("audit.no-event", f"There is no event {sequence} of stream {stream}.")
    body, position = found.body, found.entry.position
    if position is None:
        raise Rejected("audit.not-in-log", "The event is not in the Merkle log yet: try again in a second.")
    covering = newest_checkpoint(connection, position + 1)
    try:
        path = inclusion_path(Tree(connection).node, position, covering.size)
        document = {
            "type": "audit.inclusion",
            "version": 1,
            "event": base64.b64encode(body).decode(),
            "position": position,
            "path": [step.hex() for step in path],
            **checkpoints.as_document(covering),
        }
        check_proof(document)
    except _NOT_AS_SIGNED as error:
        raise Rejected(
            "audit.proof",
            "The event cannot be proven: the log is not what was signed. Run `trustworks audit verify`.",
        ) from error
    return document


def prove_consistency(connection: Connection, older: Checkpoint) -> dict[str, Any]:
    """A document that proves that the newest checkpoint continues `older`.

    Raises `Malformed` where the newest one cannot be read, and `Rejected` (audit.no-checkpoint; audit.proof,
    audit.signature, audit.certificate where the proof would not hold).
    """
    newest = newest_checkpoint(connection)
    _check_signature(older)
    if older.log != newest.log:
        raise Rejected("audit.proof", "The older checkpoint is of another log. Name one of this log.")
    if older.size == 0:
        raise Rejected("audit.proof", "The older checkpoint covers no event: there is nothing to continue.")
    if older.size > newest.size:
        raise Rejected(
            "audit.proof",
            f"The log was cut: its newest checkpoint covers {newest.size} events, the older one "
            f"{older.size}. If no old backup was restored, run `trustworks audit verify --against` the older "
            "one, and find out who wrote to the database.",
        )
    try:
        path = consistency_path(Tree(connection).node, older.size, newest.size)
        document = {
            "type": "audit.consistency",
            "version": 1,
            "older": checkpoints.as_document(older),
            "path": [step.hex() for step in path],
            **checkpoints.as_document(newest),
        }
        check_proof(document)
    except _NOT_AS_SIGNED as error:
        raise Rejected(
            "audit.proof",
            "The log is not what was signed, or does not continue the older checkpoint. Run `trustworks "
            "audit verify --against` that one.",
        ) from error
    return document


# A path that cannot be made, or a proof that does not hold: what was signed is not what is there.
_NOT_AS_SIGNED = (LookupError, ValueError, Malformed, Rejected)


def check_proof(document: Mapping[str, Any]) -> tuple[Checkpoint, dict[str, Any] | None]:
    """Verify a proof; answer the checkpoint that it leads to, and the event of a proof of inclusion.

    Who signed the checkpoint is for the caller to judge by its `key`.
    Raises `Malformed`, and `Rejected` (audit.signature, audit.certificate, audit.proof).
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
    if not checkpoints.certificate_is_the_signers(checkpoint):
        raise Rejected(
            "audit.certificate",
            f"The certificate beside the checkpoint of {checkpoint.time} is not of the key that signed it. "
            "Run `trustworks audit verify` over its log, and find out who changed it.",
        )
