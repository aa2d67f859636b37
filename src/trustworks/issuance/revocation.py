"""Changes of a certificate's status: revocation, hold, release. The order of effects is here.

A change is ruled on, written and told to the audit log in one transaction; a refused one is audited too. What
takes trust away does not wait for trusted time (docs/adr/0016).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trustworks.core.audit import Event
from trustworks.core.errors import Refused, Rejected
from trustworks.core.time import any_time
from trustworks.issuance import records
from trustworks.issuance.model import LOST, Revocation, RevocationReason
from trustworks.issuance.rules import requests as request_rules
from trustworks.issuance.rules import revocation as revocation_rules

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import JSON, Recorder
    from trustworks.core.time import Clock


class StatusChange:
    """The one way to another status of a certificate."""

    def __init__(self, clock: Clock, recorder: Recorder, *, system: Clock | None = None) -> None:
        self._clock = clock
        self._recorder = recorder
        self._system = system

    def change(
        self,
        serial: str,
        reason: RevocationReason | None,
        *,
        by: str,
        revoked_at: datetime | None = None,
        invalidity_date: datetime | None = None,
    ) -> Revocation:
        """Revoke or hold a certificate for `reason`, or lift its hold (None); see `Issuance.revoke`."""
        request_rules.check_actor(by)
        if revocation_rules.needs_no_trusted_time(reason):
            moment, unproven = any_time(self._clock, self._system)
        else:
            moment, unproven = self._clock.now().utc, None
        mark: dict[str, JSON] = {} if unproven is None else {"unproven_time": unproven}
        changed: list[Revocation] = []

        def action(connection: Connection) -> dict[str, str]:
            # Read and ruled on inside the transaction that writes: two officers cannot cross each other.
            records.lock_authority(connection, serial=serial)
            found = records.certificate(connection, serial)
            status = records.status(connection, serial)
            revocation_rules.check_revocable(status, reason)
            assert found is not None  # noqa: S101 - the rule before saw it
            revocation_rules.check_not_reinstated(found.revocation, reason)
            held = found.revocation
            now = moment
            if unproven is not None:
                lists = records.crl_heads(connection, found.authority)
                passed = (found.not_before, found.issued_at, *(one.this_update for one in lists))
                now = revocation_rules.unproven_moment(moment, passed)
            # A hold keeps its own date. One that lies ahead is from a clock that was ahead.
            since = now if held is None else min(held.revoked_at, now)
            new = Revocation(
                revoked_at=revoked_at or since,
                reason=reason or RevocationReason.unspecified,
                recorded_at=now,
                invalidity_date=invalidity_date,
                unproven=unproven,
            )
            revocation_rules.check_dates(
                revoked_at=new.revoked_at,
                invalidity_date=invalidity_date,
                not_before=found.not_before,
                now=now,
            )
            records.set_revocation(connection, serial, None if reason is None else new)
            also: tuple[str, ...] = ()
            if reason in LOST:
                records.lock_authority(connection, name=found.authority)  # an issuance with the key waits
                also = records.revoke_key(connection, found.spki_sha256, new)
            changed.append(replace(new, also=also))
            return {} if reason is None else records.revocation_digests(connection, (serial, *also))

        def event(rows: dict[str, str]) -> Event:
            # `rows` bind the records that were changed: see `reconcile`.
            detail: dict[str, JSON] = (
                {**mark} if reason is None else {"reason": reason.name, "rows": rows, **mark}
            )
            if changed[-1].also:
                detail["also"] = list(changed[-1].also)
            return Event(
                type="certificate.released" if reason is None else "certificate.revoked",
                outcome="success",
                actor=by,
                subject={"kind": "certificate", "serial": serial},
                detail=detail,
                time=changed[-1].recorded_at,
            )

        try:
            self._recorder.transact(event, action)
        except (Refused, Rejected) as error:
            rule = error.requirement if isinstance(error, Refused) else error.code
            self._recorder.record(
                Event(
                    type="certificate.revocation-refused",
                    outcome="refused",
                    actor=by,
                    subject={"kind": "certificate", "serial": serial},
                    detail={"rule": rule, **mark},
                    time=moment,
                )
            )
            raise
        return changed[-1]
