"""Enters keys in the register as they are made and destroyed: with their audit event, in one transaction."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from trustworks.core.account import account
from trustworks.core.audit.model import Event
from trustworks.core.audit.module import module_events
from trustworks.core.errors import Unavailable
from trustworks.core.keys import records
from trustworks.core.keys.model import KeyEntry, nothing_against
from trustworks.core.keys.register import KeyRegister, enter, order_removal
from trustworks.core.module.states import KeyState

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from trustworks.core.audit import Recorder
    from trustworks.core.keys.model import LossCheck
    from trustworks.core.module import Pkcs11Uri
    from trustworks.core.module.events import OnEvent


def registered_events(
    recorder: Recorder, *, by: str | None = None, may_go: LossCheck = nothing_against
) -> OnEvent:
    """As `module_events`; a key that is made is entered in the register, and one that is destroyed noted.

    A new key is operational, unless the event's detail names another `state`. What the register knows already
    is not entered twice, so that who finds a key made or gone after an interruption may tell of it again. The
    actor is `by`, the operator who was authenticated; absent, the account in which this program runs. What
    `may_go` raises when a key's destruction is ordered is raised here, and nothing is ordered then.
    """
    actor = by or account()
    plain = module_events(recorder, by=actor)

    def on_event(kind: str, token: Pkcs11Uri, detail: dict[str, Any]) -> None:
        if kind == "module.key-generated":
            _made(recorder, token, detail, actor)
            return
        if kind == "module.key-destruction-ordered":
            _ordered(recorder, token, detail, actor, may_go)
            return
        plain(kind, token, detail)
        if kind == "module.key-destroyed":
            _removed(recorder, token, detail, actor)

    return on_event


def _made(recorder: Recorder, token: Pkcs11Uri, detail: dict[str, Any], by: str) -> None:
    moment = datetime.now(UTC)

    def action(connection: Connection) -> None:
        if records.key(connection, detail["spki_sha256"]) is not None:
            return
        entry = KeyEntry(
            spki_sha256=detail["spki_sha256"],
            label=detail["label"],
            key_id=detail["id"],
            algorithm=detail["algorithm"],
            entered_at=moment,
            state=KeyState(detail.get("state", KeyState.OPERATIONAL.value)),
        )
        enter(connection, entry, token=token, by=by)

    recorder.transact(_event("module.key-generated", token, detail, by, moment), action)


def _ordered(
    recorder: Recorder, token: Pkcs11Uri, detail: dict[str, Any], by: str, may_go: LossCheck
) -> None:
    """Enter that the copy on a token is about to go, when nothing is against it in that transaction."""
    moment, named = datetime.now(UTC), detail["spki_sha256"]

    def action(connection: Connection) -> None:
        reason = str(detail.get("reason", ""))
        order_removal(connection, named, token=token, at=moment, by=by, reason=reason)
        may_go(connection, named, token=token.serial)

    recorder.transact(_event("module.key-destruction-ordered", token, detail, by, moment), action)


def _event(kind: str, token: Pkcs11Uri, detail: dict[str, Any], by: str, time: datetime) -> Event:
    return Event(
        type=kind,
        outcome="success",
        actor=by,
        subject={"kind": "module", "token": str(token)},
        detail=detail,
        time=time,
    )


def _removed(recorder: Recorder, token: Pkcs11Uri, detail: dict[str, Any], by: str) -> None:
    """Note that a key is gone from a token; of one that the register does not know there is the event."""
    register = KeyRegister(recorder, by=by)
    try:
        register.removed(detail["spki_sha256"], token=token, reason=str(detail.get("reason", "")))
    except Unavailable as error:
        if error.code not in {"keys.unknown", "keys.not-there"}:
            raise
