"""What several have approved, for one act: used up with it, or given back when nothing was done.

An act that is a record uses its approvals up in the transaction of that record (`Approved.use`): when it
fails, or the process ends before, they are as they were. An act outside the database, such as making a key,
holds them first (`hold`); its end says whether they are used up or given back. A process that ends in between
leaves the hold: who tries the same act again looks what was done, and ends it, or goes on by it (`resume`).
"""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias

from trustworks.core.audit import Event
from trustworks.core.errors import Refused
from trustworks.core.roles import records
from trustworks.core.roles.approvals import digest_of
from trustworks.core.roles.model import Approved, Hold
from trustworks.core.roles.rules.quorum import check_all_count, check_met
from trustworks.core.roles.standing import quorum_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from trustworks.core.audit import JSON
    from trustworks.core.roles.model import OpenHold
    from trustworks.core.roles.office import Moment, Office

Outcome: TypeAlias = Literal["used", "returned"]


class Approving:
    """Lets acts that no operator does alone be done by their approvals. Threads share it."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def approved(self, what: str, about: dict[str, JSON], *, by: str) -> Approved:
        """The approvals by which an act that is a record may be done; nothing is used up yet.

        `about` says which act it is, and all that matters of it: its SHA-256 is what is approved. Raises
        `Refused` (TRUSTWORKS:ROLES-QUORUM) with what is missing. Either is audited.
        """
        sha256, now = digest_of(about), self._office.now()

        def action(connection: Connection) -> list[str]:
            return self._judged(connection, what, sha256, now)

        ids = self._told_of_quorum(what, about, action, by=by, now=now)
        return Approved(ids=tuple(ids), use=partial(self._use, what, sha256, by))

    def hold(self, what: str, about: dict[str, JSON], *, by: str) -> Hold:
        """Hold the approvals of an act outside the database, which begins then. Raises as `approved`."""
        sha256, now, hold_id = digest_of(about), self._office.now(), secrets.token_hex(20)

        def action(connection: Connection) -> list[str]:
            ids = self._judged(connection, what, sha256, now)
            records.hold_approvals(connection, hold_id, ids, at=now.utc, by=by)
            return ids

        ids = self._told_of_quorum(what, about, action, by=by, now=now, hold=hold_id)
        return Hold(hold_id=hold_id, ids=tuple(ids))

    def open_holds(self, what: str, about: dict[str, JSON]) -> list[OpenHold]:
        """The holds of this act that did not end: it is being done, or its process ended in between."""
        with self._office.database.read() as connection:
            return records.open_holds(connection, what, digest_of(about))

    def resume(self, left: OpenHold, about: dict[str, JSON], *, by: str) -> Hold | None:
        """Hold what a process left, to finish its act; None where its approvals do not suffice any more.

        They are judged as on the day they were held: their age, their operators, the roles. Exactly those
        that were held must count. The hold that was left ends, and a new one begins, in one transaction.
        """
        now, ids = self._office.now(), left.hold.ids
        made = Hold(hold_id=secrets.token_hex(20), ids=ids)

        def action(connection: Connection) -> None:
            records.lock_approvals(connection, left.what, left.sha256)
            if left not in records.open_holds(connection, left.what, left.sha256):
                raise _overtaken()
            records.end_hold(connection, left.hold.hold_id, "returned", at=now.utc)
            settings = self._office.settings
            verdict = quorum_of(connection, settings, left.what, left.sha256, now.utc, only=ids)
            check_met(verdict, left.what, left.sha256)
            check_all_count(verdict, ids)
            records.hold_approvals(connection, made.hold_id, ids, at=now.utc, by=by)

        event = Event(
            type="roles.quorum-met",
            outcome="success",
            actor=by,
            subject={"kind": "approval", "what": left.what, "sha256": left.sha256},
            detail={
                "about": about,
                "approvals": list(ids),
                "hold": made.hold_id,
                "resumes": left.hold.hold_id,
                **now.mark,
            },
            time=now.utc,
        )
        try:
            self._office.recorder.transact(event, action)
        except Refused:
            return None  # how the hold ends instead is in the log
        return made

    def end(self, hold: Hold, outcome: Outcome, *, by: str, why: str) -> None:
        """Say what became of the act: its approvals are used up, or given back as nothing was done."""
        now = self._office.now()

        def action(connection: Connection) -> None:
            records.end_hold(connection, hold.hold_id, outcome, at=now.utc)
            if outcome == "used" and not records.use_approvals(connection, hold.ids, at=now.utc, by=by):
                raise _overtaken()

        self._office.recorder.transact(
            Event(
                type=f"roles.approvals-{outcome}",
                outcome="success",
                actor=by,
                subject={"kind": "hold", "hold": hold.hold_id},
                detail={"approvals": list(hold.ids), "why": why, **now.mark},
                time=now.utc,
            ),
            action,
        )

    def _judged(self, connection: Connection, what: str, sha256: str, now: Moment) -> list[str]:
        records.lock_approvals(connection, what, sha256)  # of two acts at once one gets them
        verdict = quorum_of(connection, self._office.settings, what, sha256, now.utc)
        check_met(verdict, what, sha256, used=records.used_approvals(connection, what, sha256))
        return [one.approval_id for one in verdict.counted]

    def _use(self, what: str, sha256: str, by: str, connection: Connection) -> None:
        now = self._office.now()
        ids = self._judged(connection, what, sha256, now)
        if not records.use_approvals(connection, ids, at=now.utc, by=by):
            raise _overtaken()

    def _told_of_quorum(
        self,
        what: str,
        about: dict[str, JSON],
        action: Callable[[Connection], list[str]],
        *,
        by: str,
        now: Moment,
        hold: str | None = None,
    ) -> list[str]:
        subject: dict[str, JSON] = {"kind": "approval", "what": what, "sha256": digest_of(about)}
        held: dict[str, JSON] = {} if hold is None else {"hold": hold}

        def event(ids: list[str]) -> Event:
            return Event(
                type="roles.quorum-met",
                outcome="success",
                actor=by,
                subject=subject,
                detail={"about": about, "approvals": list(ids), **held, **now.mark},
                time=now.utc,
            )

        try:
            return self._office.recorder.transact(event, action)
        except Refused as error:
            about_him: dict[str, JSON] = {"kind": "operator", "operator": by}
            self._office.tell_refused(
                f"{what} {digest_of(about)}", error, actor=by, subject=about_him, now=now
            )
            raise


def _overtaken() -> Refused:
    return Refused(
        "TRUSTWORKS:ROLES-QUORUM",
        "Another command used these approvals up at this moment: look what it did, and have yours approved "
        "anew.",
    )
