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
from trustworks.core.trace import implements
from trustworks.issuance import records
from trustworks.issuance.model import LOST, Revocation, RevocationReason
from trustworks.issuance.profiles import profile_or_none
from trustworks.issuance.records.notices import HELD, RELEASED, REVOKED, News, tell
from trustworks.issuance.rules import requests as request_rules
from trustworks.issuance.rules import revocation as revocation_rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import JSON, Recorder
    from trustworks.core.time import Clock
    from trustworks.issuance.model import CertificateRecord


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
        invalidity_date: datetime | None = None,
        also: Callable[[Connection, datetime], dict[str, JSON]] | None = None,
    ) -> Revocation:
        """Revoke or hold a certificate for `reason`, or lift its hold (None); see `Issuance.revoke`.

        `also` writes what belongs to the change in its transaction, at its moment, and answers what the event
        tells of it.
        """
        request_rules.check_actor(by)
        if revocation_rules.needs_no_trusted_time(reason):
            moment, unproven = any_time(self._clock, self._system)
        else:
            moment, unproven = self._clock.now().utc, None
        mark: dict[str, JSON] = {} if unproven is None else {"unproven_time": unproven}
        changed: list[Revocation] = []
        told_also: dict[str, JSON] = {}

        def action(connection: Connection) -> dict[str, str]:
            found = _locked(connection, serial)
            revocation_rules.check_revocable(found, reason)
            assert found is not None  # noqa: S101 - the rule before saw it
            profile = profile_or_none(found.profile)
            revocation_rules.check_suspendable(profile, reason)
            revocation_rules.check_not_irrevocable(profile, reason)
            revocation_rules.check_not_reinstated(found.revocation, reason)
            passed = (found.not_before, found.issued_at, records.last_update(connection, found.authority))
            now = revocation_rules.moment_of_change(moment, passed)
            revocation_rules.check_invalidity_date(invalidity_date, now, proven=unproven is None)
            if also is not None:
                told_also.update(also(connection, now))
            told = Revocation(
                revoked_at=now,
                reason=reason or RevocationReason.unspecified,
                recorded_at=now,
                invalidity_date=invalidity_date,
                unproven=unproven,
            )
            new = revocation_rules.following(found.revocation, told)
            records.set_revocation(connection, serial, None if reason is None else new, at=now)
            others = _revoke_key(connection, found, told) if reason in LOST else ()
            news = []
            for one in (serial, *others):
                word = None if reason is None else reason.name
                news.append(News(_event_of(reason), found.profile, serial=one, reason=word))
            tell(connection, news, now)
            changed.append(replace(new, also=others))
            return {} if reason is None else records.revocation_digests(connection, (serial, *others))

        def event(rows: dict[str, str]) -> Event:
            # `rows` bind the records that were changed: see `reconcile`.
            detail: dict[str, JSON] = (
                {**mark} if reason is None else {"reason": reason.name, "rows": rows, **mark}
            )
            if changed[-1].also:
                detail["also"] = list(changed[-1].also)
            detail.update(told_also)
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


def _event_of(reason: RevocationReason | None) -> str:
    if reason is None:
        return RELEASED
    return HELD if reason is RevocationReason.certificateHold else REVOKED


def _locked(connection: Connection, serial: str) -> CertificateRecord | None:
    """The certificate as it is and stays until the commit, or None.

    Its authority's row is the lock of whatever changes its status, in any process, and of who issues or
    publishes the last list there. An authority's own row comes first: from below upwards, as an issuance
    takes them. Only what is read after that is ruled on.
    """
    found = records.certificate(connection, serial)
    if found is None:
        return None
    records.lock_authority(connection, serial=serial)
    records.lock_authority(connection, name=found.authority)
    return records.certificate(connection, serial)


@implements("TRUSTWORKS:ISSUANCE-KEY-LOST", disabled=())
def _revoke_key(connection: Connection, first: CertificateRecord, lost: Revocation) -> tuple[str, ...]:
    """Revoke all other certificates of the key of `first` as lost, and answer the serials.

    A key has one use (`check_key_has_one_use`), and yet several authorities may have certified it: a
    responder answers for each. The row of every one is locked, as that of the first is.
    """
    reached = []
    for name in records.authorities_of_key(connection, first.spki_sha256):
        if name != first.authority:
            records.lock_authority(connection, name=name)
    for serial in records.serials_of_key(connection, first.spki_sha256):
        found = records.status(connection, serial)
        current = None if found is None else found.revocation
        if revocation_rules.may_become(current, lost.reason):
            new = revocation_rules.following(current, lost)
            records.set_revocation(connection, serial, new, at=lost.recorded_at)
            reached.append(serial)
    return tuple(reached)
