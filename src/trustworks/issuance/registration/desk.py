"""What every act of registration stands on: records, log, who acts as a person, the comparison."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final

from trustworks.core.audit import Event
from trustworks.core.errors import Refused, Rejected
from trustworks.core.roles import records as roles
from trustworks.core.roles.model import Person
from trustworks.core.roles.rules.separation import check_not_subject
from trustworks.issuance.model.requests import Door, Request
from trustworks.issuance.records import api_client
from trustworks.issuance.registration import (
    device_records,
    domain_records,
    mailbox_records,
    products,
    records,
    rules,
)
from trustworks.issuance.registration.review import Reviewer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import JSON, Recorder
    from trustworks.core.audit.model import Outcome
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.config.registration import RegistrationSettings
    from trustworks.issuance.model.requests import Declarations
    from trustworks.issuance.registration.model import (
        Application,
        DeviceProduct,
        DomainValidation,
        NewApplication,
        Review,
        State,
    )
    from trustworks.issuance.service import Issuance


# How far validations are looked for: more renewals than there can be while one of them counts.
_MOST_RENEWALS: Final = 500


class Desk:
    """The registration authority's records and rules, over the certification authorities.

    `base` is the folder that files named in the settings are relative to.
    """

    def __init__(
        self,
        settings: RegistrationSettings,
        *,
        issuance: Issuance,
        clock: Clock,
        recorder: Recorder,
        database: Database,
        base: Path = Path(),
    ) -> None:
        self.settings = settings
        self._base = base
        self._issuance = issuance
        self._clock = clock
        self._recorder = recorder
        self._database = database
        self._reviewer = Reviewer(settings, lab=issuance.lab)

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

    def _check_not_for_oneself(self, what: str, application: Application, by: str) -> None:
        """Refuse an officer who would show control over names for an application that concerns him."""
        self._check_not_concerned(what, by, application.id, rules.concerned_by_all(application))

    def _received(self, identifier: str, what: str = "evidence is added") -> Application:
        application = self.application(identifier)
        if application.state != "received":
            raise Rejected(
                "registration.state",
                f"The application is {application.state}; {what} while it is received.",
            )
        return application

    def _added_by(self, application: Application, by: str) -> dict[str, str]:
        """Who added the clients of the API that take part in a decision, by their names as actors."""
        names = {by, application.received_by, *(one.recorded_by for one in application.evidence)}
        names |= {one.recorded_by for one in application.devices}
        clients = [one for one in sorted(names) if one.startswith(rules.API)]
        with self._database.read() as connection:
            found = {one: api_client(connection, one.removeprefix(rules.API)) for one in clients}
        return {one: client.added_by for one, client in found.items() if client is not None}

    def _review(self, application: Application, *, approved: bool = False) -> Review:
        """What stands against an application now; one that is `approved` is counted among those served."""
        renews = application.asked.renews
        with self._database.read() as connection:
            served = records.served(connection, application)
            concerning = self._with_renewed(connection, application)
            domains = domain_records.of_applications(connection, concerning)
            mailboxes = mailbox_records.of_applications(connection, concerning)
            lost = device_records.lost(connection)
        if approved:
            served = {origin: number - 1 for origin, number in served.items()}
        return self._reviewer.review(
            application,
            now=self._clock.now().utc,
            old=None if renews is None else self._issuance.find(renews),
            served=served,
            domains=domains,
            mailboxes=mailboxes,
            products=self._products(lost),
        )

    def _products(self, lost: Mapping[str, date]) -> dict[str, DeviceProduct]:
        """The products of devices that the provider accepts, as things stand."""
        return products.counting(self.settings, self._base, lost)

    def _validations(self, connection: Connection, application: Application) -> tuple[DomainValidation, ...]:
        """What was drawn and seen of names for an application, and for the applicant's that it renews."""
        return domain_records.of_applications(connection, self._with_renewed(connection, application))

    @staticmethod
    def _with_renewed(connection: Connection, application: Application) -> tuple[str, ...]:
        """The application, and those of the same applicant that it renews, by their ids."""
        found = [application.id]
        current = application
        while current.asked.renews is not None and len(found) < _MOST_RENEWALS:
            earlier = records.application_of(connection, current.asked.renews)
            if earlier is None or earlier.id in found or not rules.same_applicant(application, earlier):
                break
            found.append(earlier.id)
            current = earlier
        return tuple(found)

    @staticmethod
    def _request(asked: NewApplication, by: str, declarations: Declarations) -> Request:
        return Request(
            profile=asked.profile,
            csr=asked.csr,
            subject=asked.subject,
            requested_by=by,
            door=Door.APPLICATION,
            alternative_names=asked.alternative_names,
            days=asked.days,
            semantics=asked.semantics,
            declarations=declarations,
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


def new_id() -> str:
    """An identifier that nobody guesses: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def moved_on(identifier: str) -> Rejected:
    """What is raised when another process changed the application meanwhile."""
    return Rejected(
        "registration.state",
        f"The application {identifier} was changed by somebody else meanwhile; look again.",
    )
