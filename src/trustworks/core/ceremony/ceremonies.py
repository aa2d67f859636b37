"""Ceremonies over the database and the audit log: begun, written down, sealed, time-stamped, shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError

from trustworks.core.audit import Event
from trustworks.core.ceremony import records
from trustworks.core.ceremony.approvals import (
    check_is_operators,
    check_known,
    check_signs,
    kind_of,
)
from trustworks.core.ceremony.model import TRANSCRIPT_KIND
from trustworks.core.ceremony.transcript import Seal, Transcript, following, statement
from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.roles import approvals_for, list_operators
from trustworks.core.roles import records as role_records
from trustworks.core.time.any_time import any_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import Recorder
    from trustworks.core.audit.checkpoint import SigningKey
    from trustworks.core.ceremony.model import Mode, Read
    from trustworks.core.ceremony.transcript import Happened
    from trustworks.core.ports import Stamper
    from trustworks.core.roles import Approval, Operator
    from trustworks.core.store import Database
    from trustworks.core.time import Clock


def find_transcript(connection: Connection, plan: str) -> Transcript | None:
    """The transcript of the plan with this digest or name, with its signatures; None: it was never begun."""
    digest = records.digest_of(connection, plan)
    found = None if digest is None else records.transcript(connection, digest)
    if found is None or found.seal is None:
        return found
    signed = approvals_for(connection, TRANSCRIPT_KIND, found.seal.digest)
    return replace(found, signatures=tuple(one.as_dict() for one in signed))


class Ceremonies:
    """The ceremonies of one database. `by` is the actor in the audit log."""

    def __init__(self, *, database: Database, recorder: Recorder, clock: Clock, by: str) -> None:
        self._database = database
        self._recorder = recorder
        self._clock = clock
        self._by = by

    def find(self, plan: str) -> Transcript | None:
        """The transcript of the plan with this digest or name; None where it was never begun."""
        with self._database.read() as connection:
            return find_transcript(connection, plan)

    def listing(self) -> list[Mapping[str, Any]]:
        """All ceremonies, the newest first."""
        with self._database.read() as connection:
            return records.listing(connection)

    def journal(self, plan: Read, mode: Mode) -> DatabaseJournal:
        """Where a run of this plan is written down. Raises `Rejected` (ceremony.name) for a name in use."""
        found = self.find(plan.plan.name)
        if found is not None and found.plan.digest != plan.digest:
            raise Rejected(
                "ceremony.name",
                f"There is a ceremony {plan.plan.name} of another plan ({found.plan.digest}). Give the new "
                "plan a name of its own.",
            )
        return DatabaseJournal(self, plan, mode)

    def abandon(self, plan: Read, reason: str) -> Transcript:
        """End a ceremony that will not be carried on, for good. Raises `Rejected` where none is open."""
        found = self.find(plan.digest)
        if found is None or found.ended:
            raise Rejected(
                "ceremony.over",
                f"The ceremony {plan.plan.name} is not under way; `trustworks keys ceremony list` shows all.",
            )
        mode: Any = found.mode
        self.write(plan, found, "abandoned", mode=mode, facts={"reason": reason})
        return self.found(plan)

    def found(self, plan: Read) -> Transcript:
        """What is written of a plan; an empty transcript where it was not begun."""
        return self.find(plan.digest) or Transcript(plan=plan, entries=())

    def write(
        self,
        plan: Read,
        before: Transcript,
        event: Happened,
        *,
        mode: Mode,
        step: int | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Write an entry and its audit event, in one transaction.

        Raises `Rejected` (ceremony.running) when another process wrote meanwhile, and `Unavailable`.
        """
        at = self._now()
        entry = following(plan, before.entries, event, at=at, step=step, facts=facts)

        def action(connection: Connection) -> None:
            if not entry.number:
                records.add_ceremony(connection, plan, mode, at)
            records.add_entry(connection, plan.digest, entry)

        detail: dict[str, Any] = {"entry": entry.number, "sha256": entry.hash, "mode": mode}
        if step is not None:
            detail |= {"step": step, "kind": plan.plan.steps[step - 1].kind}
        try:
            self._recorder.transact(self._event(f"ceremony.{event}", plan, detail, at), action)
        except IntegrityError:
            raise Rejected(
                "ceremony.running",
                f"Somebody else carries out the plan {plan.plan.name} at this moment; let them finish, and "
                "look at `trustworks keys ceremony show`.",
            ) from None

    def approvals(self, plan: Read) -> tuple[list[Approval], list[Operator]]:
        """The approvals of this plan that were given, unjudged, and the operators as they are now."""
        with self._database.read() as connection:
            given = approvals_for(connection, kind_of(plan.plan), plan.digest)
            return given, list_operators(connection)

    def sign(self, plan: Read, approval: Approval) -> None:
        """Take a participant's signature of the sealed transcript. Raises `Rejected`, `Refused`."""
        found = self.found(plan)
        if found.seal is None:
            raise Rejected("ceremony.under-way", f"There is nothing to sign yet. {found.how_far()}")
        check_signs(plan.plan, approval, found.seal.digest)
        check_known(approval, found.entries[0].facts)
        self._take("ceremony.signed", plan, approval)

    def _take(self, kind: str, plan: Read, approval: Approval) -> None:
        at, content = self._now(), approval.content
        with self._database.read() as connection:
            operator = role_records.operator(connection, content.operator)
        check_is_operators(approval, operator, at)
        detail = {"operator": content.operator, "role": content.role.value, "approval": approval.approval_id}
        try:
            self._recorder.transact(
                self._event(kind, plan, detail, at),
                lambda connection: role_records.add_approval(connection, approval, at=at),
            )
        except IntegrityError:
            raise Rejected("ceremony.signature", "This very approval is recorded already.") from None

    def seal(self, plan: Read, key: SigningKey, certificate: bytes | None) -> Transcript:
        """Sign the statement about a ceremony that is over, where it is not signed, and answer it."""
        found = self.found(plan)
        if not found.ended:
            raise Rejected("ceremony.under-way", f"The ceremony is not over. {found.how_far()}")
        if found.seal is not None:
            return found
        body = statement(plan, found.entries, key, at=self._now())
        seal = Seal(body=body, signature=key.sign(body), spki=key.spki, certificate=certificate)
        self._recorder.transact(
            self._event("ceremony.sealed", plan, {"digest": seal.digest}, self._now()),
            lambda connection: records.set_seal(connection, plan.digest, seal),
        )
        return replace(found, seal=seal)

    def stamp(self, plan: Read, stamper: Stamper) -> Transcript:
        """Get the time-stamp of the seal, where it lacks one. Raises `Unavailable`, `Rejected`."""
        found = self.found(plan)
        if found.seal is None:
            raise Unavailable(
                "ceremony.not-sealed", "The transcript is not sealed yet, and so nothing is time-stamped."
            )
        if found.seal.time_stamp is not None:
            return found
        token = stamper.stamp(found.seal.imprint)
        self._recorder.transact(
            self._event("ceremony.time-stamped", plan, {"digest": found.seal.digest}, self._now()),
            lambda connection: records.set_time_stamp(connection, plan.digest, token),
        )
        return replace(found, seal=replace(found.seal, time_stamp=token))

    def _now(self) -> datetime:
        # A ceremony does not wait for trusted time: its time-stamp is what shows when it was.
        return any_time(self._clock).utc

    def _event(self, kind: str, plan: Read, detail: dict[str, Any], at: datetime) -> Event:
        return Event(
            type=kind,
            outcome="failure" if kind in {"ceremony.failed", "ceremony.abandoned"} else "success",
            actor=self._by,
            subject={"kind": "ceremony", "plan": plan.digest, "name": plan.plan.name},
            detail=detail,
            time=at,
        )


class DatabaseJournal:
    """The journal of one ceremony. One thread uses it."""

    def __init__(self, ceremonies: Ceremonies, plan: Read, mode: Mode) -> None:
        self._ceremonies = ceremonies
        self._plan = plan
        self._mode: Mode = mode

    def transcript(self) -> Transcript:
        """What is written so far."""
        return self._ceremonies.found(self._plan)

    def write(
        self, event: Happened, *, step: int | None = None, facts: Mapping[str, Any] | None = None
    ) -> None:
        """Write what happened, durably."""
        self._ceremonies.write(self._plan, self.transcript(), event, mode=self._mode, step=step, facts=facts)
