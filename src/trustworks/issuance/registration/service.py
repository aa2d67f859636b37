"""Registration: takes applications in, gathers evidence, lets an officer decide, has certificates issued.

Life of an application: received (the key shown to be the applicant's, the name complete) -> evidence is added
-> compared, attribute by attribute -> approved or rejected by an officer who is not concerned -> issued. A
decision is durable before anything is issued for it; what a crash leaves approved is issued by the next run.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509

from trustworks.core.audit import Event
from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.core.roles import records as roles
from trustworks.core.roles.model import Person
from trustworks.core.roles.rules.separation import check_not_subject
from trustworks.issuance.model import Request, serial_hex
from trustworks.issuance.profiles import profile_named
from trustworks.issuance.profiles.tbs import readable_name
from trustworks.issuance.records.notices import DECIDED, News, tell
from trustworks.issuance.registration import records, rules
from trustworks.issuance.registration.model import (
    About,
    Application,
    IdentityEvidence,
    Review,
)
from trustworks.issuance.registration.review import Reviewer
from trustworks.issuance.rules.requests import check_actor

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import JSON, Recorder
    from trustworks.core.audit.model import Outcome
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.config.registration import RegistrationSettings
    from trustworks.issuance.registration.model import Act, Fact, NewApplication, State
    from trustworks.issuance.service import Issuance

_SALT_OCTETS: Final = 16
_MOST_AT_ONCE: Final = 10_000


def new_id() -> str:
    """An identifier that nobody guesses: 32 hexadecimal digits."""
    return secrets.token_hex(16)


class Registration:
    """The registration authority's desk. Threads share it.

    `by` is always the pseudonym of an operator, or the name of a process. What is known of the operator as a
    person keeps anybody from deciding on his own certificate.
    """

    def __init__(
        self,
        settings: RegistrationSettings,
        *,
        issuance: Issuance,
        clock: Clock,
        recorder: Recorder,
        database: Database,
    ) -> None:
        self.settings = settings
        self._issuance = issuance
        self._clock = clock
        self._recorder = recorder
        self._database = database
        self._reviewer = Reviewer(settings, lab=issuance.lab)

    # What comes in

    def submit(self, asked: NewApplication, *, by: str) -> Application:
        """Take an application in, and answer it with its id.

        Raises `Malformed` (the CSR), `Rejected` (issuance.*, registration.*), `Refused` (no possession of the
        key, an unfit key), `Unavailable`.
        """
        check_actor(by)
        self._recorder.ping()
        rules.check_contact(asked.contact)
        rules.check_nothing_against(rules.kind_fits(asked.kind, profile_named(asked.profile)))
        self._check_not_concerned("submit", by, None, rules.concerned_by(asked, None))
        key_id = self._issuance.check(self._request(asked, by))
        now = self._clock.now().utc
        salt = secrets.token_bytes(_SALT_OCTETS)
        application = Application(
            id=new_id(),
            state="received",
            asked=asked,
            key_id=key_id,
            received_at=now,
            received_by=by,
            evidence=(),
            decisions=(),
            serial=None,
            digest=hashlib.sha256(salt + records.asked_text(asked).encode()).hexdigest(),
        )

        def action(connection: Connection) -> None:
            records.add_application(connection, application, subject=readable_name(asked.subject), salt=salt)

        detail: dict[str, JSON] = {
            "profile": asked.profile,
            "digest": application.digest,
            "key": key_id,
            "terms": asked.terms,
        }
        if asked.renews is not None:
            detail["renews"] = asked.renews
        self._transact("received", application.id, action, by=by, now=now, detail=detail)
        return application

    def add_evidence(
        self,
        identifier: str,
        *,
        about: About,
        method: str,
        source: str,
        established_on: date,
        facts: Sequence[Fact],
        by: str,
        ends_on: date | None = None,
    ) -> IdentityEvidence:
        """Record a piece of evidence. Raises `Rejected` (registration.*)."""
        check_actor(by)
        application = self._received(identifier)
        self._check_method(method, about)
        rules.check_source(source)
        rules.check_only_what_is_needed(facts, profile_named(application.asked.profile), about=about)
        concerned = rules.concerned_by(application.asked, application.key_id, facts)
        self._check_not_concerned("evidence", by, identifier, concerned)
        now = self._clock.now().utc
        piece = IdentityEvidence(
            id=new_id(),
            about=about,
            method=method,
            source=source,
            established_on=established_on,
            facts=tuple(facts),
            recorded_at=now,
            recorded_by=by,
            ends_on=ends_on,
        )
        return self._add(application, (piece,), by, now)[0]

    def take_over_evidence(self, identifier: str, earlier: str, *, by: str) -> tuple[IdentityEvidence, ...]:
        """Let the evidence of an earlier application serve this one too, as often as its method allows.

        Raises `Rejected` (registration.*), also when the earlier one's is erased.
        """
        check_actor(by)
        application = self._received(identifier)
        source = self.application(earlier)
        if not source.evidence:
            raise Rejected(
                "registration.no-evidence",
                f"The application {earlier} has no evidence that could serve another.",
            )
        facts = (one.facts for one in source.evidence)
        concerned = rules.concerned_by(application.asked, application.key_id, *facts)
        self._check_not_concerned("evidence", by, identifier, concerned)
        now = self._clock.now().utc
        pieces = tuple(
            IdentityEvidence(
                id=new_id(),
                about=one.about,
                method=one.method,
                source=one.source,
                established_on=one.established_on,
                facts=one.facts,
                recorded_at=now,
                recorded_by=by,
                ends_on=one.ends_on,
                origin=one.origin or one.id,
            )
            for one in source.evidence
        )
        return self._add(application, pieces, by, now)

    def _add(
        self, application: Application, pieces: tuple[IdentityEvidence, ...], by: str, now: datetime
    ) -> tuple[IdentityEvidence, ...]:
        def action(connection: Connection) -> None:
            records.lock(connection, application)
            found = records.application(connection, application.id)
            if found is None or found.state != "received":
                raise _moved_on(application.id)
            records.add_evidence(connection, application.id, pieces)

        detail: dict[str, JSON] = {
            "evidence": [{"id": one.id, "about": one.about.value, "method": one.method} for one in pieces]
        }
        self._transact("evidence-added", application.id, action, by=by, now=now, detail=detail)
        return pieces

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
                raise _moved_on(identifier)
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
                rules.check_not_concerned(officer or Person(), application)
            if act == "approve":
                if officer is not None and self.settings.dual_control:
                    rules.check_another_saw_the_evidence(application, by)
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

    def finish(self, identifier: str) -> Application:
        """Have an approved application's certificate issued, and answer the application.

        What is approved no longer (another process was quicker) is answered as it is.
        """
        application = self.application(identifier)
        if application.state != "approved":
            return application
        by = f"application:{identifier}"

        def also(connection: Connection, der: bytes) -> None:
            serial = serial_hex(x509.load_der_x509_certificate(der).serial_number)
            now = self._clock.now().utc
            if not records.move(connection, identifier, "approved", "issued", at=now, serial=serial):
                raise _moved_on(identifier)

        try:
            rules.check_still_right(self._review(application, approved=True).objections)
            self._issuance.issue(self._request(application.asked, by), also=also)
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
                raise _moved_on(identifier)
            reason = f"{rule}: {error}"[:1000]
            records.add_decision(connection, identifier, "refuse", by="issuance", at=now, reason=reason)
            _tell(connection, application, "refused", now)

        self._transact(
            "refused", identifier, action, by="issuance", now=now, detail={"rule": rule}, outcome="refused"
        )

    def finish_all(self) -> list[str]:
        """Issue what is approved and was not issued, after a crash or an outage; answers the ids.

        Raises `Unavailable` at the first one that still cannot be issued.
        """
        with self._database.read() as connection:
            approved = records.list_applications(connection, states=("approved",), limit=_MOST_AT_ONCE)
            waiting = [one.id for one in approved]
        return [one for one in waiting if self.finish(one).state != "approved"]

    def tidy(self, *, by: str) -> tuple[list[str], list[str]]:
        """Withdraw what nobody decided on in time, erase what need not be kept; answers the ids of both."""
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
        withdrawn = []
        for identifier in late:
            try:
                self.withdraw(identifier, by=by, reason="Not decided on in time.")
            except Rejected as error:
                if error.code != "registration.state":  # somebody decided meanwhile
                    raise
            else:
                withdrawn.append(identifier)
        for identifier in old:

            def action(connection: Connection, identifier: str = identifier) -> None:
                records.erase(connection, identifier)

            self._transact("erased", identifier, action, by=by, now=now, detail={})
        return withdrawn, old

    def _end_of(self, serial: str | None, changed: datetime) -> datetime | None:
        """When the certificate of an application ended; where there is none, when the application did."""
        found = None if serial is None else self._issuance.find(serial)
        return changed if found is None else max(found.not_after, changed)

    # What there is

    def application(self, identifier: str) -> Application:
        """The application. Raises `Rejected` (registration.unknown)."""
        with self._database.read() as connection:
            return self._existing(records.application(connection, identifier), identifier)

    def application_of(self, serial: str) -> Application | None:
        """The application that a certificate came from."""
        with self._database.read() as connection:
            return records.application_of(connection, serial)

    def list(
        self,
        *,
        states: Sequence[State] = (),
        profile: str | None = None,
        profiles: Collection[str] | None = None,
        subject: str | None = None,
        limit: int = 100,
    ) -> list[Application]:
        """The applications that fit; who waits longest comes first."""
        with self._database.read() as connection:
            return records.list_applications(
                connection,
                states=states,
                profile=profile,
                profiles=profiles,
                subject=subject,
                limit=limit,
            )

    def counts(self) -> dict[str, int]:
        """How many applications are in each state."""
        with self._database.read() as connection:
            return records.counts(connection)

    # Parts

    def _person(self, name: str) -> Person | None:
        """What is known of an operator as a person; None of who is no operator."""
        with self._database.read() as connection:
            known = roles.operator(connection, name) is not None
            return roles.person(connection, name) if known else None

    def _check_not_concerned(
        self, what: str, by: str, identifier: str | None, concerned: Sequence[Person]
    ) -> None:
        """Refuse an officer who enters his own application, or what shows who he is; that is audited."""
        try:
            check_not_subject(self._person(by) or Person(), concerned)
        except Refused as error:
            now = self._clock.now().utc
            detail: dict[str, JSON] = {"rule": error.requirement}
            self._recorder.record(
                self._event(
                    f"{what}-refused", identifier or "none", by=by, now=now, detail=detail, outcome="refused"
                )
            )
            raise

    def _review(self, application: Application, *, approved: bool = False) -> Review:
        """What stands against an application now; one that is `approved` is counted among those served."""
        renews = application.asked.renews
        with self._database.read() as connection:
            served = records.served(connection, application)
        if approved:
            served = {origin: number - 1 for origin, number in served.items()}
        return self._reviewer.review(
            application,
            now=self._clock.now().utc,
            old=None if renews is None else self._issuance.find(renews),
            served=served,
        )

    def _request(self, asked: NewApplication, by: str) -> Request:
        return Request(
            profile=asked.profile,
            csr=asked.csr,
            subject=asked.subject,
            requested_by=by,
            alternative_names=asked.alternative_names,
            days=asked.days,
            semantics=asked.semantics,
        )

    def _received(self, identifier: str) -> Application:
        application = self.application(identifier)
        if application.state != "received":
            raise Rejected(
                "registration.state",
                f"The application is {application.state}; evidence is added while it is received.",
            )
        return application

    def _check_method(self, method: str, about: About) -> None:
        if method not in self._reviewer.methods:
            known = ", ".join(one.name for one in self._reviewer.methods.values() if about in one.about)
            raise Rejected(
                "registration.method",
                f"There is no method {method!r}; [issuance.registration] methods has {known} for "
                f"a {about.value}.",
            )

    @staticmethod
    def _existing(found: Application | None, identifier: str) -> Application:
        if found is None:
            raise Rejected(
                "registration.unknown",
                f"There is no application {identifier!r}; `trustworks registration list` lists them.",
            )
        if found.erased:
            raise Rejected(
                "registration.erased",
                f"What is known of the application {identifier} was erased when its time was over.",
            )
        return found

    def _transact(
        self,
        what: str,
        identifier: str,
        action: Callable[[Connection], None],
        *,
        by: str,
        now: datetime,
        detail: dict[str, JSON],
        outcome: Outcome = "success",
    ) -> None:
        event = self._event(what, identifier, by=by, now=now, detail=detail, outcome=outcome)
        self._recorder.transact(event, action)

    @staticmethod
    def _event(
        what: str, identifier: str, *, by: str, now: datetime, detail: dict[str, JSON], outcome: Outcome
    ) -> Event:
        return Event(
            type=f"registration.{what}",
            outcome=outcome,
            actor=by,
            subject={"kind": "application", "id": identifier},
            detail=detail,
            time=now,
        )


_EVENTS: Final[dict[Act, str]] = {"approve": "approved", "reject": "rejected", "withdraw": "withdrawn"}


def _tell(connection: Connection, application: Application, state: State, now: datetime) -> None:
    """Tell clients of the API that wait for it what became of an application."""
    profile = profile_named(application.asked.profile).name
    tell(connection, [News(DECIDED, profile, application=application.id, reason=state)], now)


def _moved_on(identifier: str) -> Rejected:
    return Rejected(
        "registration.state",
        f"The application {identifier} was changed by somebody else meanwhile; look again.",
    )
