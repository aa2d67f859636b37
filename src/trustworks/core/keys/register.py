"""Writes the register of keys: each act in one transaction with its audit event."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from trustworks.core.audit.model import Event
from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.keys import records
from trustworks.core.keys.model import (
    Act,
    BackupEntry,
    HistoryEntry,
    KeyEntry,
    living_backups,
    nothing_against,
    places,
)
from trustworks.core.keys.transitions import (
    after_removal,
    after_return,
    check_backup_lives,
    check_has_backup,
    check_returnable,
    unchanged,
)
from trustworks.core.module import Pkcs11Uri
from trustworks.core.module.states import KeyState, check_transition

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from trustworks.core.audit import Recorder
    from trustworks.core.audit.canonical import JSON
    from trustworks.core.keys.model import LossCheck
    from trustworks.core.module import Key
    from trustworks.core.module.backup import Backup
    from trustworks.core.module.openings import Opening, Request

NOWHERE = Pkcs11Uri()  # the token of a key that has not come to one yet


class KeyRegister:
    """The register of keys over an open audit log. `by` is who acts: an account, a role, an operator.

    `may_go` objects to the loss of a key's copy. It is asked in the transaction in which that is ordered, or
    entered where nothing was ordered before.

    Every method names a key by the SHA-256 of its public key in hexadecimal, and raises `Unavailable`
    (keys.unknown) for one that the register does not have, and what `Recorder.transact` raises.
    """

    def __init__(
        self,
        recorder: Recorder,
        *,
        by: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        may_go: LossCheck = nothing_against,
    ) -> None:
        self._recorder = recorder
        self._by = by
        self._now = now
        self._may_go = may_go

    # What is done

    def enter(
        self,
        key: Key,
        *,
        state: KeyState = KeyState.OPERATIONAL,
        reason: str = "",
        backup: Backup | None = None,
    ) -> None:
        """Enter a key that was made, with its backup; nothing where it is entered already."""
        token, moment = key.uri, self._now()

        def action(connection: Connection) -> None:
            if records.key(connection, key.spki_sha256.hex()) is None:
                enter(
                    connection,
                    KeyEntry(
                        spki_sha256=key.spki_sha256.hex(),
                        label=key.label,
                        key_id=key.key_id.hex(),
                        algorithm=key.algorithm.value,
                        entered_at=moment,
                        state=state,
                    ),
                    token=token,
                    by=self._by,
                    reason=reason,
                )
            if backup is not None and not _knows(connection, backup):
                self._add_backup(connection, backup, token, moment)

        detail: dict[str, JSON] = {"state": state.value}
        if backup is not None:
            detail |= _backup_facts(backup)
        self._recorder.transact(self._event(Act.ENTERED, key.spki_sha256.hex(), key.label, detail), action)

    def order_return(self, request: Request, backup: Backup, opening: Opening, *, token: Pkcs11Uri) -> None:
        """Tell that a key is about to come to a token, so that it is known of whatever ends this process.

        A key that this register does not know is entered, with the backup by which it comes, as
        pre-operational. Raises `Rejected` (keys.state) for one that is deactivated or destroyed, which does
        not come back, and (keys.backup-destroyed) for a backup that was entered as destroyed; a drill is
        refused, too.
        """
        spki_sha256, moment = backup.key.spki_sha256, self._now()

        def action(connection: Connection) -> None:
            known = records.key(connection, spki_sha256)
            if known is None:
                entry = KeyEntry(
                    spki_sha256=spki_sha256,
                    label=backup.key.label,
                    key_id=backup.key.key_id.hex(),
                    algorithm=backup.key.algorithm.value,
                    entered_at=moment,
                    state=KeyState.PRE_OPERATIONAL,
                )
                enter(connection, entry, token=NOWHERE, by=self._by, reason="made by another installation")
            else:
                check_returnable(known)
                check_backup_lives(records.history_of(connection, spki_sha256), backup.digest)
            if not _knows(connection, backup):
                self._add_backup(connection, backup, NOWHERE, moment)

        detail: dict[str, JSON] = {
            "backup": backup.digest,
            "request": request.fingerprint,
            "custodians": list(opening.opened_by),
            "token": str(token),
        }
        event = self._event(Act.ENTERED, spki_sha256, backup.key.label, detail)
        self._recorder.transact(replace(event, type=f"key.{request.purpose}-ordered"), action)

    def set_state(
        self,
        spki_sha256: str,
        state: KeyState,
        *,
        reason: str,
        approvals: Sequence[str] = (),
        number: int | None = None,
        also: Callable[[Connection], None] = lambda _: None,
    ) -> HistoryEntry:
        """Change a key's state. Raises `Rejected` (keys.transition).

        `destroyed` comes by destroying copies alone: `removed` and `backup_destroyed`.
        `approvals` are the ids of those that were verified for it; they go into the audit log. `number` is
        the place in the history that was approved: when something else was entered there, nothing is changed.
        `also` is done in the same transaction, and may object.
        """
        if state is KeyState.DESTROYED:
            raise Rejected(
                "keys.transition",
                "A key is destroyed when its last copy is: destroy it on its tokens (`trustworks module "
                "destroy-key`) and its backups (`trustworks keys backup destroy`).",
            )

        def check(entry: KeyEntry, history: Sequence[HistoryEntry]) -> KeyState:
            if number is not None and number != len(history) + 1:
                raise Rejected(
                    "keys.transition",
                    f"Something else was done with the key {entry.label!r} meanwhile. Look, then ask again.",
                )
            check_transition(entry.state, state, entry.label)
            return state

        return self._act(
            Act.STATE,
            spki_sha256,
            check,
            reason=reason,
            detail={"approvals": list(approvals)},
            also=also,
        )

    def in_use(self, spki_sha256: str, *, reason: str) -> HistoryEntry:
        """A service's file has the key's certificate from now on; its state is as before."""
        return self._act(Act.IN_USE, spki_sha256, unchanged, reason=reason)

    def drilled(self, backup: Backup, *, token: Pkcs11Uri, custodians: Sequence[str], nonce: bytes) -> None:
        """A backup was shown to bring the key back: its drill is dated in the register."""
        self._act(
            Act.DRILLED,
            backup.key.spki_sha256,
            unchanged,
            token=token,
            backup=backup.digest,
            detail={"custodians": list(custodians), "nonce": nonce.hex()},
        )

    def restored(
        self, backup: Backup, *, token: Pkcs11Uri, custodians: Sequence[str], transfer: bool = False
    ) -> HistoryEntry:
        """A key came to a token from its backup; one that was suspended because it was lost signs again."""
        return self._act(
            Act.TRANSFERRED if transfer else Act.RESTORED,
            backup.key.spki_sha256,
            after_return,
            token=token,
            backup=backup.digest,
            detail={"custodians": list(custodians)},
        )

    def removed(self, spki_sha256: str, *, token: Pkcs11Uri, reason: str) -> HistoryEntry:
        """The key was destroyed on one token.

        Where it is on no token any more it is suspended, as long as there is a backup; without one it is
        destroyed, whatever its state was. Raises `Unavailable` (keys.not-there) where the register does not
        have it on that token.
        """
        return self._act(Act.REMOVED, spki_sha256, after_removal(token), token=token, reason=reason)

    def order_backup_end(self, spki_sha256: str, backup: str, *, reason: str) -> HistoryEntry:
        """The copies of a backup's file are about to be destroyed; from now on no other act counts on them.

        Raises as `backup_destroyed`.
        """

        def check(entry: KeyEntry, history: Sequence[HistoryEntry]) -> KeyState:
            check_has_backup(entry, history, backup)
            return entry.state

        return self._act(
            Act.BACKUP_END_ORDERED,
            spki_sha256,
            check,
            backup=backup,
            reason=reason,
            also=lambda connection: self._may_go(connection, spki_sha256, backup=backup),
        )

    def backup_destroyed(
        self,
        spki_sha256: str,
        backup: str,
        *,
        reason: str,
        also: Callable[[Connection], None] = lambda _: None,
    ) -> HistoryEntry:
        """All copies of a backup's file were destroyed; the last copy of a key ends its life.

        `also` is done in the same transaction, and may object.

        Raises `Rejected` (keys.unknown-backup) for a backup that the key does not have (any more), and what
        `may_go` raises.
        """

        def check(entry: KeyEntry, history: Sequence[HistoryEntry]) -> KeyState:
            check_has_backup(entry, history, backup)
            left = places(history) or len(living_backups(history)) > 1
            return entry.state if left else KeyState.DESTROYED

        def and_also(connection: Connection) -> None:
            self._may_go(connection, spki_sha256, backup=backup)
            also(connection)

        return self._act(
            Act.BACKUP_DESTROYED, spki_sha256, check, backup=backup, reason=reason, also=and_also
        )

    # How it is written

    def _act(
        self,
        act: Act,
        spki_sha256: str,
        after: Callable[[KeyEntry, Sequence[HistoryEntry]], KeyState],
        *,
        token: Pkcs11Uri | None = None,
        backup: str = "",
        reason: str = "",
        detail: dict[str, JSON] | None = None,
        also: Callable[[Connection], None] = lambda _: None,
    ) -> HistoryEntry:
        moment = self._now()

        def action(connection: Connection) -> tuple[KeyEntry, HistoryEntry]:
            records.lock(connection, spki_sha256)
            entry = records.key(connection, spki_sha256)
            if entry is None:
                raise Unavailable(
                    "keys.unknown",
                    f"The register has no key {spki_sha256[:16]}. `trustworks keys states list` shows "
                    "those that "
                    "it has.",
                )
            history = records.history_of(connection, spki_sha256)
            written = HistoryEntry(
                spki_sha256=spki_sha256,
                number=len(history) + 1,
                act=act,
                state=after(entry, history),
                token=(token.token or "") if token else "",
                serial=(token.serial or "") if token else "",
                backup=backup,
                at=moment,
                by=self._by,
                reason=reason,
            )
            records.add_act(connection, written)
            also(connection)
            return entry, written

        def event(answer: tuple[KeyEntry, HistoryEntry]) -> Event:
            entry, written = answer
            facts: dict[str, JSON] = {"before": entry.state.value, "state": written.state.value}
            facts |= {"token": str(token)} if token else {}
            facts |= {"backup": backup} if backup else {}
            facts |= {"reason": reason} if reason else {}
            return self._event(act, spki_sha256, entry.label, facts | (detail or {}))

        return self._recorder.transact(event, action)[1]

    def _add_backup(self, connection: Connection, backup: Backup, token: Pkcs11Uri, moment: datetime) -> None:
        history = records.history_of(connection, backup.key.spki_sha256)
        records.add_backup(
            connection,
            BackupEntry(
                backup=backup.digest,
                spki_sha256=backup.key.spki_sha256,
                threshold=backup.threshold,
                custodians=tuple(one.name for one in backup.custodians),
                made_at=backup.made_at,
            ),
        )
        records.add_act(
            connection,
            HistoryEntry(
                spki_sha256=backup.key.spki_sha256,
                number=len(history) + 1,
                act=Act.BACKED_UP,
                state=history[-1].state,
                token=token.token or "",
                serial=token.serial or "",
                backup=backup.digest,
                at=moment,
                by=self._by,
                reason="",
            ),
        )

    def _event(self, act: Act, spki_sha256: str, label: str, detail: dict[str, JSON]) -> Event:
        return Event(
            type=f"key.{act.value}",
            outcome="success",
            actor=self._by,
            subject={"kind": "key", "spki_sha256": spki_sha256, "label": label},
            detail=detail,
            time=self._now(),
        )


def enter(connection: Connection, entry: KeyEntry, *, token: Pkcs11Uri, by: str, reason: str = "") -> None:
    """Enter a key and its first act, in the caller's transaction."""
    records.add_key(connection, entry)
    records.add_act(
        connection,
        HistoryEntry(
            spki_sha256=entry.spki_sha256,
            number=1,
            act=Act.ENTERED,
            state=entry.state,
            token=token.token or "",
            serial=token.serial or "",
            backup="",
            at=entry.entered_at,
            by=by,
            reason=reason,
        ),
    )


def order_removal(
    connection: Connection, spki_sha256: str, *, token: Pkcs11Uri, at: datetime, by: str, reason: str
) -> None:
    """Enter that a key is about to be destroyed on a token, in the caller's transaction.

    Nothing is entered of a key that the register does not have there.
    """
    records.lock(connection, spki_sha256)
    history = records.history_of(connection, spki_sha256)
    if (token.serial or "") not in places(history):
        return
    records.add_act(
        connection,
        HistoryEntry(
            spki_sha256=spki_sha256,
            number=len(history) + 1,
            act=Act.REMOVAL_ORDERED,
            state=history[-1].state,
            token=token.token or "",
            serial=token.serial or "",
            backup="",
            at=at,
            by=by,
            reason=reason,
        ),
    )


def _knows(connection: Connection, backup: Backup) -> bool:
    known = records.backups_of(connection, backup.key.spki_sha256)
    return any(one.backup == backup.digest for one in known)


def _backup_facts(backup: Backup) -> dict[str, JSON]:
    return {
        "backup": backup.digest,
        "threshold": backup.threshold,
        "custodians": [one.name for one in backup.custodians],
    }
