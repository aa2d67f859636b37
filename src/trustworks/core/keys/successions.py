"""Decides that a key or an authority follows another from a moment on: once, with its audit event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.audit.model import Event
from trustworks.core.keys import records

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from trustworks.core.audit import Recorder
    from trustworks.core.keys.model import Succession


def decide(recorder: Recorder, succession: Succession) -> Succession:
    """Record that a generation follows, with its audit event; answers what stands.

    Where the generation was decided on before, that stands, and nothing is written. Raises what
    `Recorder.transact` raises.
    """

    def action(connection: Connection) -> tuple[Succession, bool]:
        for known in records.successions(connection, succession.use):
            if known.generation == succession.generation:
                return known, False
        records.add_succession(connection, succession)
        return succession, True

    event = Event(
        type="key.succession-decided",
        outcome="success",
        actor=succession.decided_by,
        subject={"kind": "succession", "use": succession.use, "generation": succession.generation},
        detail={
            "name": succession.name,
            "spki_sha256": succession.spki_sha256,
            "from": succession.from_at.isoformat(timespec="seconds"),
        },
        time=succession.decided_at,
    )
    stands, _ = recorder.transact_all(lambda answer: (event,) if answer[1] else (), action)
    return stands
