"""Requests for revocation: received, confirmed, delayed, refused, carried out now or when they are due."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from trustworks.core.audit import Event
from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.time import any_time
from trustworks.issuance import records
from trustworks.issuance.model import RevocationReason, RevocationRequest
from trustworks.issuance.profiles import profile_or_none
from trustworks.issuance.rules import requests as request_rules
from trustworks.issuance.rules import revocation as revocation_rules
from trustworks.issuance.rules import revocation_requests as rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import JSON, Recorder
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.model import Revocation
    from trustworks.issuance.revocation.change import StatusChange


log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """Who asked for a revocation and in which capacity, when that was received, and how it was confirmed.

    `received_at` None: now. `effective_at` is the moment to come that the requester named. `requester` is a
    role, an authority or a pseudonym; it goes into the audit log.
    """

    kind: str
    requester: str
    received_at: datetime | None = None
    effective_at: datetime | None = None
    confirmed_how: str | None = None
    note: str | None = None


class RevocationRequests:
    """The register of requests. `system` stands for the system's clock while `clock` gives no time."""

    def __init__(
        self,
        change: StatusChange,
        *,
        clock: Clock,
        recorder: Recorder,
        database: Database,
        system: Clock | None = None,
    ) -> None:
        self._change = change
        self._clock = clock
        self._recorder = recorder
        self._database = database
        self._system = system

    def receive(
        self,
        given: Reception,
        serial: str | None,
        reason: RevocationReason | None,
        *,
        by: str,
        invalidity_date: datetime | None = None,
    ) -> RevocationRequest:
        """Record a request, which then waits; one for a moment to come is carried out by the jobs then.

        A report of a problem needs neither serial nor reason. Raises `Rejected` (revocation.*, issuance.*).
        """
        request_rules.check_actor(by)
        now, _ = any_time(self._clock, self._system)
        made: list[RevocationRequest] = []

        def action(connection: Connection) -> None:
            made.append(
                self._new(connection, given, serial, reason, by=by, invalidity_date=invalidity_date, now=now)
            )
            records.add_revocation_request(connection, made[-1])

        self._recorder.transact(lambda _: _event("revocation.requested", made[-1], by, now), action)
        return made[-1]

    def revoke(
        self,
        given: Reception,
        serial: str,
        reason: RevocationReason,
        *,
        by: str,
        invalidity_date: datetime | None = None,
        approved: Callable[[Connection], None] = lambda _: None,
    ) -> Revocation:
        """Record a request that is confirmed, and revoke or hold the certificate, in one transaction.

        `approved` uses up, in it, what several have approved of this, and may object.
        """
        rules.check_confirmed(given.confirmed_how)
        made: list[RevocationRequest] = []

        def also(connection: Connection, now: datetime) -> dict[str, JSON]:
            new = self._new(
                connection, given, serial, reason, by=by, invalidity_date=invalidity_date, now=now
            )
            records.add_revocation_request(connection, new)
            records.change_request(connection, new.id, state="done", decided_at=now, decided_by=by)
            approved(connection)
            made.append(new)
            return _told(new)

        return self._change.change(serial, reason, by=by, invalidity_date=invalidity_date, also=also)

    def confirm(
        self, identifier: str, *, by: str, how: str, reason: RevocationReason | None = None
    ) -> Revocation | None:
        """Confirm a request and carry it out; None when its moment is still to come.

        `reason` is the officer's; without it that of the request, or of the report, counts. Raises `Rejected`
        (revocation.request, revocation.reason, issuance.*) and `Refused` as `Issuance.revoke` does.
        """
        request_rules.check_actor(by)
        rules.check_confirmed(how)
        now, _ = any_time(self._clock, self._system)
        with self._database.read() as connection:
            request = rules.check_pending(records.revocation_request(connection, identifier))
        confirmed = {"confirmed_by": by, "confirmed_how": how}
        if request.effective_at is not None and request.effective_at > now:
            rules.check_reason_kept(request, reason)
            self._note(identifier, "revocation.confirmed", by, **confirmed)
            return None
        if request.serial is not None:  # of the certificate; what was asked stays as it came
            request = replace(request, reason=rules.reason_for(request, reason))
        return self._carry_out(request, by=by, confirmed=confirmed)

    def carry_out_due(self, *, by: str = "jobs") -> list[str]:
        """Carry out the confirmed requests whose moment has come, and answer their identifiers.

        None waits for trusted time, as no revocation does: what is dated by the system's clock says so. One
        that cannot be carried out any more, such as for a certificate that was revoked meanwhile, is refused
        with that reason; one that failed is tried again with the next look, and neither stops those after it.
        """
        now, _ = any_time(self._clock, self._system)
        with self._database.read() as connection:
            due = records.due_requests(connection, now)
        done: list[str] = []
        failed: list[tuple[RevocationRequest, Exception]] = []
        for request in due:
            try:
                self._carry_out_or_refuse(request, by)
            except Exception as error:  # noqa: BLE001 - told below, after the others
                failed.append((request, error))
            else:
                done.append(request.id)
        for request, why in failed:
            log.error("revocation.due-failed", request=request.id, exc_info=why)
        if failed:
            raise Unavailable(
                "revocation.due",
                f"{len(failed)} revocations that are due could not be carried out, and are tried again; the "
                f"first is {failed[0][0].id}: {failed[0][1]}",
            )
        return done

    def _carry_out_or_refuse(self, request: RevocationRequest, by: str) -> None:
        try:
            self._carry_out(request, by=by, confirmed={})
        except (Refused, Rejected) as error:
            log.warning("revocation.due-refused", request=request.id, reason=str(error))
            self.refuse(request.id, by=by, why=str(error))

    def delay(self, identifier: str, *, by: str, why: str) -> None:
        """Record why a request cannot be confirmed within 24 hours; it stays pending."""
        rules.check_reason_of_delay(why)
        self._note(identifier, "revocation.delayed", by, delayed_why=why)

    def refuse(self, identifier: str, *, by: str, why: str) -> None:
        """Decide that a request, or a report, leads to no revocation."""
        if not why.strip():
            raise Rejected("revocation.why", "Say why the request leads to no revocation (--why).")
        now, _ = any_time(self._clock, self._system)
        decision = {"state": "refused", "decided_at": now, "decided_by": by, "decided_why": why}
        self._note(identifier, "revocation.request-refused", by, **decision)

    def list(self, *, state: str | None = None) -> list[RevocationRequest]:
        """The requests, the oldest first."""
        with self._database.read() as connection:
            return records.revocation_requests(connection, state=state)

    # Parts

    def _new(
        self,
        connection: Connection,
        given: Reception,
        serial: str | None,
        reason: RevocationReason | None,
        *,
        by: str,
        invalidity_date: datetime | None,
        now: datetime,
    ) -> RevocationRequest:
        found = None if serial is None else records.certificate(connection, serial)
        rules.check_kind(given.kind, None if found is None else profile_or_none(found.profile))
        if serial is not None:
            revocation_rules.check_revocable(found, reason or RevocationReason.unspecified)
        elif given.kind != "problem-report":
            raise Rejected(
                "revocation.request", "Say which certificate is to be revoked, by its serial number."
            )
        received = given.received_at or now
        rules.check_received(received, now)
        rules.check_schedule(given.effective_at, reason, now)
        return RevocationRequest(
            id=records.new_id(),
            kind=given.kind,
            requester=given.requester,
            received_at=received,
            recorded_at=now,
            recorded_by=by,
            serial=serial,
            reason=reason,
            invalidity_date=invalidity_date,
            note=given.note,
            effective_at=given.effective_at,
            confirmed_by=None if given.confirmed_how is None else by,
            confirmed_how=given.confirmed_how,
        )

    def _carry_out(self, request: RevocationRequest, *, by: str, confirmed: dict[str, str]) -> Revocation:
        if request.serial is None:
            raise Rejected(
                "revocation.request",
                "The report names no certificate. Revoke it by `trustworks certificate revoke`, and refuse "
                "the report with a reference to that.",
            )

        def also(connection: Connection, now: datetime) -> dict[str, JSON]:
            rules.check_pending(records.revocation_request(connection, request.id, lock=True))
            decision = {"state": "done", "decided_at": now, "decided_by": by}
            records.change_request(connection, request.id, **decision, **confirmed)
            return _told(request)

        reason = request.reason or RevocationReason.unspecified
        return self._change.change(
            request.serial, reason, by=by, invalidity_date=request.invalidity_date, also=also
        )

    def _note(self, identifier: str, kind: str, by: str, **values: object) -> None:
        request_rules.check_actor(by)
        now, _ = any_time(self._clock, self._system)
        found: list[RevocationRequest] = []

        def action(connection: Connection) -> None:
            found.append(rules.check_pending(records.revocation_request(connection, identifier, lock=True)))
            records.change_request(connection, identifier, **values)

        self._recorder.transact(lambda _: _event(kind, found[-1], by, now), action)


def _told(request: RevocationRequest) -> dict[str, JSON]:
    """What the event of a change tells of the request for it."""
    return {
        "request": request.id,
        "requested_by": request.kind,
        "received_at": request.received_at.isoformat(),
    }


def _event(kind: str, request: RevocationRequest, by: str, now: datetime) -> Event:
    subject: dict[str, JSON] = {"kind": "revocation-request", "id": request.id}
    if request.serial is not None:
        subject["serial"] = request.serial
    return Event(type=kind, outcome="success", actor=by, subject=subject, detail=_told(request), time=now)
