"""Control over the names of web sites at the desk: what the applicant puts up, and looking for it.

The looking itself is handed in (`DomainControl`), for it asks the network, from here and from elsewhere.
Names stay out of the audit log, as all does that may tell who applies: events have the number of what was
drawn.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from trustworks.core.errors import Refused, Rejected
from trustworks.issuance.profiles import profile_named
from trustworks.issuance.registration import domain_records, looking, records, rules
from trustworks.issuance.registration.desk import Desk, moved_on, new_id
from trustworks.issuance.registration.model import DomainValidation
from trustworks.issuance.registration.rules.domains import looked_at
from trustworks.issuance.rules.perspectives import NotCorroboratedError
from trustworks.issuance.rules.requests import check_actor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import JSON
    from trustworks.issuance.registration.model import Application, DomainMethod
    from trustworks.issuance.rules.perspectives import Sight


_NOT_YET: Final = "It is not looked at yet, for looking took too long; look again."


class DomainControl(Protocol):
    """Looks for what an applicant put up."""

    def check_ready(self, day: date) -> None:
        """Raises `Unavailable` where too few other places in the network are configured."""

    def look(self, method: DomainMethod, name: str, *, token: str, value: str, day: date) -> Sequence[Sight]:
        """What other places saw, where it is seen from here and from enough of them.

        Raises `Rejected` where it is not seen from here, `NotCorroboratedError` where elsewhere it is not.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be put up for a name that is asked for, by which of `methods` is the applicant's choice."""

    name: str
    methods: tuple[DomainMethod, ...]
    drawn: DomainValidation


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What came of looking for a name: the method by which control was seen, or why it was not.

    `seen` is what each perspective saw, where they were asked.
    """

    name: str
    method: DomainMethod | None
    why: str | None = None
    seen: Sequence[Sight] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainState:
    """How it stands with a name: what is drawn and may be looked for, and the validation that counts."""

    name: str
    methods: tuple[DomainMethod, ...]
    drawn: DomainValidation | None
    seen: DomainValidation | None


class Domains(Desk):
    """Draws what applicants put up, and looks whether it is there."""

    def domains_of(self, application: Application) -> list[DomainState]:
        """How it stands with each name over which control may be seen; it only reads."""
        now = self._clock.now().utc
        names = rules.names_to_control(application, profile_named(application.asked.profile))
        with self._database.read() as connection:
            known = self._validations(connection, application) if names else ()
        drawn = {one.name: one for one in known if self._is_ours(one, application, now)}
        return [
            DomainState(
                name=name,
                methods=rules.methods_for(name),
                drawn=drawn.get(looked_at(name)),
                seen=next((one for one in known if not rules.uncovered([name], [one], now)), None),
            )
            for name in names
        ]

    def draw_domains(self, identifier: str, *, by: str) -> list[Wanted]:
        """What the applicant has to put up, for each name that has no validation that counts.

        What was drawn before and may still be looked for stays. Raises `Rejected` (registration.*).
        """
        check_actor(by)
        application = self._received(identifier, "domains are looked at")
        self._check_not_for_oneself("domains", application, by)
        now = self._clock.now().utc
        names, known = self._names(application, now)
        drawn = {one.name: one for one in known if self._is_ours(one, application, now)}
        new = [
            DomainValidation(
                id=new_id(),
                application=identifier,
                name=name,
                token=secrets.token_urlsafe(32),
                value=secrets.token_urlsafe(32),
                drawn_at=now,
                drawn_by=by,
            )
            for name in dict.fromkeys(map(looked_at, names))
            if name not in drawn
        ]

        def action(connection: Connection) -> None:
            self._still_received(connection, application)
            domain_records.add(connection, new)

        if new:
            detail: dict[str, JSON] = {"domains": [one.id for one in new]}
            self._transact("domains-drawn", identifier, action, by=by, now=now, detail=detail)
        drawn |= {one.name: one for one in new}
        return [
            Wanted(name=one, methods=rules.methods_for(one), drawn=drawn[looked_at(one)]) for one in names
        ]

    def check_domains(
        self, identifier: str, control: DomainControl, *, by: str, method: DomainMethod | None = None
    ) -> list[Look]:
        """Look for what was drawn, by one method or by all; answers what came of each name.

        A name that has a validation that counts already is not looked at again. Every look is recorded, who
        saw it or did not with it. Names that there is no time for say so, and are left to the next look.
        Raises `Rejected` (registration.*), `Unavailable` (also while the application is looked at already).
        """
        check_actor(by)
        self._recorder.ping()
        application = self._received(identifier, "domains are looked at")
        self._check_not_for_oneself("domains", application, by)
        now = self._clock.now().utc
        names, known = self._names(application, now)
        drawn = {one.name: one for one in known if self._is_ours(one, application, now)}
        if absent := [one for one in names if looked_at(one) not in drawn]:
            raise Rejected(
                "registration.domain-challenge",
                f"Nothing that counts is drawn for {', '.join(absent)}: trustworks registration domain "
                f"challenge {identifier}.",
            )
        if names:
            control.check_ready(now.date())  # before the names' owners are asked in vain

        def look(name: str, in_time: Callable[[], bool]) -> Look:
            ways = tuple(one for one in rules.methods_for(name) if method in {None, one})
            found = Look(name=name, method=None, why=f"It cannot be shown by {method}; leave --method away.")
            for way in ways:
                found = self._look(application, (name, drawn[looked_at(name)]), way, control, by=by)
                if found.method is not None or not in_time():
                    break
            return found

        groups: dict[str, list[str]] = {}
        for name in names:
            groups.setdefault(looked_at(name), []).append(name)
        done = looking.look_in_time(identifier, groups.values(), look, seconds=looking.SECONDS)
        return [done.get(one, Look(name=one, method=None, why=_NOT_YET)) for one in names]

    # Parts

    def _look(
        self,
        application: Application,
        wanted: tuple[str, DomainValidation],
        way: DomainMethod,
        control: DomainControl,
        *,
        by: str,
    ) -> Look:
        name, drawn = wanted
        now = self._clock.now().utc
        if self._seen_meanwhile(application, name, now):  # by the look at its wildcard, or by another officer
            return Look(name=name, method=way)
        seen: Sequence[Sight] = ()
        why = None
        try:
            seen = control.look(way, drawn.name, token=drawn.token, value=drawn.value, day=now.date())
        except NotCorroboratedError as refused:
            seen, why = refused.seen, str(refused)
        except (Refused, Rejected) as error:
            why = str(error)
        now = self._clock.now().utc
        # What a perspective said names the domain: it is told to the officer, and stays out of the log.
        places: list[JSON] = [
            {"name": one.name, "region": one.region, "sees": one.objection is None} for one in seen
        ]
        detail: dict[str, JSON] = {"domain": drawn.id, "method": way, "perspectives": places}
        if why is not None:
            event = self._event(
                "domain-not-seen", application.id, by=by, now=now, detail=detail, outcome="failure"
            )
            self._recorder.record(event)
            return Look(name=name, method=None, why=why, seen=seen)

        def action(connection: Connection) -> None:
            self._still_received(connection, application)
            if not domain_records.validated(connection, drawn.id, method=way, by=by, at=now):
                raise moved_on(application.id)

        self._transact("domain-validated", application.id, action, by=by, now=now, detail=detail)
        return Look(name=name, method=way, seen=seen)

    def _names(
        self, application: Application, now: datetime
    ) -> tuple[list[str], tuple[DomainValidation, ...]]:
        """The names over which control is still to be seen, and all that was drawn. Raises `Rejected`."""
        names = rules.names_to_control(application, profile_named(application.asked.profile))
        if not names:
            raise Rejected(
                "registration.no-domain",
                f"The application {application.id} asks for no name of a web site and no mailbox; there is "
                "no domain to look at.",
            )
        with self._database.read() as connection:
            known = self._validations(connection, application)
        # Wildcards first: what shows control over one shows it over the domain that it stands below.
        first = sorted(names, key=lambda one: not one.startswith("*."))
        return rules.uncovered(first, known, now), known

    def _seen_meanwhile(self, application: Application, name: str, now: datetime) -> bool:
        with self._database.read() as connection:
            return not rules.uncovered([name], self._validations(connection, application), now)

    @staticmethod
    def _is_ours(drawn: DomainValidation, application: Application, now: datetime) -> bool:
        return drawn.application == application.id and rules.is_open(drawn, now)

    @staticmethod
    def _still_received(connection: Connection, application: Application) -> None:
        records.lock(connection, application)
        found = records.application(connection, application.id)
        if found is None or found.state != "received":
            raise moved_on(application.id)
