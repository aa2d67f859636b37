"""The cryptographic module's events in the audit log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from trustworks.core.account import account
from trustworks.core.audit.model import Event

if TYPE_CHECKING:
    from trustworks.core.audit.recorder import Recorder
    from trustworks.core.module import Pkcs11Uri
    from trustworks.core.module.events import OnEvent


def module_events(recorder: Recorder, *, by: str | None = None) -> OnEvent:
    """What is called with each thing that is done to a token: writes it to the audit log, durably.

    The actor is `by`, the operator who was authenticated; absent, the account in which this program runs.
    """

    def on_event(kind: str, token: Pkcs11Uri, detail: dict[str, Any]) -> None:
        recorder.record(
            Event(
                type=kind,
                outcome="success",
                actor=by or account(),
                subject={"kind": "module", "token": str(token)},
                detail=detail,
                time=datetime.now(UTC),
            )
        )

    return on_event
