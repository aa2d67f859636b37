"""Decisions on applications, and what follows from them: certificates, notices, the end of retention.

A decision is durable before anything is issued for it; what a crash leaves approved is issued by the next
run.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog
from cryptography import x509

from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.roles.model import Person
from trustworks.core.roles.rules.separation import check_described
from trustworks.issuance.model import serial_hex
from trustworks.issuance.profiles import profile_named
from trustworks.issuance.records.notices import DECIDED, News, tell
from trustworks.issuance.registration import device_records, records, rules
from trustworks.issuance.registration.desk import Desk, moved_on
from trustworks.issuance.rules.devices import device_promised
from trustworks.issuance.rules.requests import APPLICATION, check_actor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.issuance.registration.model import (
        Act,
        Application,
        Review,
        State,
    )

log = structlog.get_logger(__name__)

_MOST_AT_ONCE: Final = 10_000

_EVENTS: Final[dict[Act, str]] = {"approve": "approved", "reject": "rejected", "withdraw": "withdrawn"}


class Decisions(Desk):
    """An officer decides; the certificate of what is approved is issued; the rest ends by the clock."""

    # What an officer does

    def review(self, identifier: str) -> Review:
        """The application beside its evidence, and every objection to it."""
        return self._review(self.application(identifier))

    def approve(self, identifier: str, *, by: str, reason: str) -> Application:
        """Decide that the certificate is issued, and have it issued.

        Raises `Refused` (the first objection's requirement; audited) and `Rejected`; nothing is decided then.
        When issuing fails for now (`Unavailable`) the decision stands: `finish` issues it later. When a rule
        or a lint is against the certificate, the application ends as refused.
        """
        self._decide("approve", identifier, by=by, reason=reason)
        return self.finish(identifier)

    def reject(self, identifier: str, *, by: str, reason: str) -> Application:
        """Decide that no certificate is issued. Raises as `approve` does."""
        self._decide("reject", identifier, by=by, reason=reason)
        return self.application(identifier)

    def withdraw(self, identifier: str, *, by: str, reason: str) -> Application:
        """Take an application back that no certificate was issued for."""
        self._decide("withdraw", identifier, by=by, reason=reason)
        return self.application(identifier)

    def _decide(self, act: Act, identifier: str, *, by: str, reason: str) -> None:
        check_actor(by)
        rules.check_reason(reason)
        now = self._clock.now().utc
        application = self.application(identifier)

        def action(connection: Connection) -> None:
            records.lock(connection, application)
            if records.application(connection, identifier) != application:
                raise moved_on(identifier)
            if act == "approve":  # others may have been approved by the same evidence since it was reviewed
                rules.check_nothing_against(
                    rules.evidence_is_not_worn_out(
                        application, self._reviewer.methods, records.served(connection, application)
                    )
                )
            records.move(connection, identifier, application.state, after, at=now)
            records.add_decision(connection, identifier, act, by=by, at=now, reason=reason)
            _tell(connection, application, after, now)

        try:
            after = rules.following(application.state, act)
            officer = self._person(by)
            if act != "withdraw":
                if officer is not None:
                    check_described(officer, by)
                rules.check_not_concerned(officer or Person(), application)
            if act == "approve":
                if self.settings.dual_control and (officer is not None or by.startswith(rules.API)):
                    rules.check_another_saw_the_evidence(
                        application, by, added_by=self._added_by(application, by)
                    )
                rules.check_nothing_against(self._review(application).objections)
            self._transact(_EVENTS[act], identifier, action, by=by, now=now, detail={})
        except (Refused, Rejected) as error:
            rule = error.requirement if isinstance(error, Refused) else error.code
            event = self._event(
                f"{act}-refused", identifier, by=by, now=now, detail={"rule": rule}, outcome="refused"
            )
            self._recorder.record(event)
            raise

    # What follows from an approval

    def finish(self, identifier: str, *, by: str | None = None) -> Application:
        """Have an approved application's certificate issued, and answer the application.

        What is approved no longer (another process was quicker) is answered as it is. `by` is the operator
        who has it issued, if that is not the one who approved it: nobody has his own made (`Refused`).
        """
        application = self.application(identifier)
        if application.state != "approved":
            return application
        if by is not None:
            check_actor(by)
            self._check_not_concerned("finish", by, identifier, rules.concerned_by_all(application))
        return self._issue(application)

    def _issue(self, application: Application) -> Application:
        identifier = application.id
        by = f"{APPLICATION}{identifier}"
        promised = device_promised(profile_named(application.asked.profile))

        def also(connection: Connection, der: bytes) -> None:
            serial = serial_hex(x509.load_der_x509_certificate(der).serial_number)
            now = self._clock.now().utc
            if application.device is not None:  # it may have been lost since the review, even just now
                device_records.keep_losses_out(connection)
                rules.check_not_lost(application, promised, device_records.lost(connection))
            if not records.move(connection, identifier, "approved", "issued", at=now, serial=serial):
                raise moved_on(identifier)

        try:
            review = self._review(application, approved=True)
            rules.check_still_right(review.objections)
            self._issuance.issue(self._request(application.asked, by, review.declarations), also=also)
        except (Refused, Rejected, Malformed) as error:
            current = self.application(identifier)
            if current.state != "approved":
                return current
            self._refuse(application, error)
        return self.application(identifier)

    def _refuse(self, application: Application, error: Refused | Rejected | Malformed) -> None:
        identifier, now = application.id, self._clock.now().utc
        rule = error.requirement if isinstance(error, Refused) else getattr(error, "code", "malformed")

        def action(connection: Connection) -> None:
            if not records.move(connection, identifier, "approved", "refused", at=now):
                raise moved_on(identifier)
            reason = f"{rule}: {error}"[:1000]
            records.add_decision(connection, identifier, "refuse", by="issuance", at=now, reason=reason)
            _tell(connection, application, "refused", now)

        self._transact(
            "refused", identifier, action, by="issuance", now=now, detail={"rule": rule}, outcome="refused"
        )

    def finish_all(self, *, by: str | None = None) -> list[str]:
        """Issue what is approved and was not issued, after a crash or an outage; answers the ids.

        `by` is the operator who has it done, None the clock; what concerns him is left to others. One that
        still cannot be issued stops none after it; `Unavailable` (registration.finish) tells of it at last.
        """
        with self._database.read() as connection:
            approved = records.list_applications(connection, states=("approved",), limit=_MOST_AT_ONCE)
            waiting = [one.id for one in approved]
        done: list[str] = []
        failed: list[tuple[str, Exception]] = []
        for one in waiting:
            try:
                if self._is_finished(one, by):
                    done.append(one)
            except Exception as error:  # noqa: BLE001 - told below, after the others
                failed.append((one, error))
        _tell_failed(
            "registration.finish", "approved applications could not be issued for now, and stay", failed
        )
        return done

    def _is_finished(self, identifier: str, by: str | None) -> bool:
        try:
            return self.finish(identifier, by=by).state != "approved"
        except Refused:  # of who has it done; audited
            return False

    def tidy(self, *, by: str) -> tuple[list[str], list[str]]:
        """Withdraw what nobody decided on in time, erase what need not be kept; answers the ids of both.

        One that fails stops none after it: `Unavailable` (registration.tidy) tells of it at the end.
        """
        now = self._clock.now().utc
        with self._database.read() as connection:
            late = records.unfinished(connection, now - timedelta(days=self.settings.unfinished_days))
            old = [
                identifier
                for identifier, serial, changed in records.ended(connection)
                if rules.may_erase(
                    self._end_of(serial, changed), now, retention_years=self.settings.retention_years
                )
            ]
        withdrawn: list[str] = []
        erased: list[str] = []
        failed: list[tuple[str, Exception]] = []
        for done, one, act in (
            *((withdrawn, one, self._withdrawn_late) for one in late),
            *((erased, one, self._erase) for one in old),
        ):
            try:
                if act(one, by, now):
                    done.append(one)
            except Exception as error:  # noqa: BLE001 - told below, after the others
                failed.append((one, error))
        _tell_failed("registration.tidy", "applications could not be withdrawn or erased, and stay", failed)
        return withdrawn, erased

    def _withdrawn_late(self, identifier: str, by: str, _: datetime) -> bool:
        try:
            self.withdraw(identifier, by=by, reason="Not decided on in time.")
        except Rejected as error:
            if error.code != "registration.state":
                raise
            return False  # somebody decided meanwhile
        return True

    def _erase(self, identifier: str, by: str, now: datetime) -> bool:
        def action(connection: Connection) -> None:
            records.erase(connection, identifier)

        self._transact("erased", identifier, action, by=by, now=now, detail={})
        return True

    def _end_of(self, serial: str | None, changed: datetime) -> datetime | None:
        """When the certificate of an application ended; where there is none, when the application did."""
        found = None if serial is None else self._issuance.find(serial)
        return changed if found is None else max(found.not_after, changed)


def _tell_failed(code: str, what: str, failed: Sequence[tuple[str, Exception]]) -> None:
    """Raise `Unavailable` for those that failed while the others were done; each is in the log."""
    for identifier, why in failed:
        log.error("registration.failed", code=code, application=identifier, exc_info=why)
    if failed:
        identifier, first = failed[0]
        raise Unavailable(
            code, f"{len(failed)} {what}; they are tried again, and the first is {identifier}: {first}"
        )


def _tell(connection: Connection, application: Application, state: State, now: datetime) -> None:
    """Tell clients of the API that wait for it what became of an application."""
    profile = profile_named(application.asked.profile).name
    tell(connection, [News(DECIDED, profile, application=application.id, reason=state)], now)
