"""An application: beside its evidence, decided on, and what follows."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import TYPE_CHECKING, get_args

from trustworks.app.web.console.comparing import rows
from trustworks.app.web.console.edge import Page
from trustworks.core.audit.canonical import canonical
from trustworks.core.errors import Malformed, Refused, Rejected, TrustworksError
from trustworks.core.module.algorithms import algorithm_of
from trustworks.core.roles import records as roles
from trustworks.core.roles.model import Act
from trustworks.issuance.profiles import profile_or_none
from trustworks.issuance.registration.devices import NewDevice
from trustworks.issuance.registration.model import PERFORMED, DeviceWay
from trustworks.issuance.registration.rules import check_not_concerned, check_reason
from trustworks.issuance.registration.wire import application_json
from trustworks.issuance.rules.devices import device_promised
from trustworks.issuance.rules.keys import key_of_known_kind
from trustworks.issuance.wire import limit_text, read_csr

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.app.web.console.desk import Desk
    from trustworks.app.web.console.edge import Edge, Visit
    from trustworks.core.http import RawResponse
    from trustworks.issuance.registration.model import Application

ROOT = "/console/applications"


class Applications:
    """The handlers. Registration decides; here is what an officer sees and says."""

    def __init__(self, edge: Edge, desk: Desk) -> None:
        self._edge = edge
        self._desk = desk

    def pages(self) -> list[Page]:
        """The pages."""
        posts = (
            ("approve", PERFORMED["approve"], self.approve),
            ("reject", PERFORMED["reject"], self.reject),
            ("withdraw", PERFORMED["withdraw"], self.withdraw),
            ("finish", Act.ISSUE, self.finish),
            ("device", Act.REGISTER, self.device),
        )
        return [
            Page(path=f"{ROOT}/{{}}", act=Act.READ_RECORDS, answer=self.show),
            *(
                Page(path=f"{ROOT}/{{}}/{name}", act=act, answer=answer, method="POST")
                for name, act, answer in posts
            ),
        ]

    def show(self, visit: Visit) -> RawResponse:
        """The page of an application."""
        application = self._desk.registration.application(visit.parts[0])
        waits = application.state == "received"
        review = self._desk.registration.review(application.id)
        if seen(review.application) != seen(application):
            raise _changed()
        limit = application.asked.declarations.limit
        profile = profile_or_none(application.asked.profile)
        return self._edge.page(
            "application.html",
            visit=visit,
            application=application,
            asked=application.asked,
            profile=profile,
            rows=rows(review.comparison),
            limit=None if limit is None else limit_text(limit),
            identification=review.declarations.identification,
            promised=None if profile is None else device_promised(profile),
            products=self._desk.registration.settings.devices,
            objections=review.objections if waits else (),
            domains=self._desk.registration.domains_of(application),
            mailboxes=self._desk.registration.mailboxes_of(application),
            key=_key_of(application),
            concerned=self._concerned(visit, application),
            seen=seen(application),
        )

    def _concerned(self, visit: Visit, application: Application) -> str:
        """Why this officer must leave the application to another, or an empty text."""
        with self._desk.database.read() as connection:
            person = roles.person(connection, visit.actor.name)
        try:
            check_not_concerned(person, application)
        except Refused as error:
            return str(error)
        return ""

    def approve(self, visit: Visit) -> RawResponse:
        """Decide that the certificate is issued, and have it issued."""
        return self._decide(visit, self._desk.registration.approve)

    def reject(self, visit: Visit) -> RawResponse:
        """Decide that no certificate is issued."""
        return self._decide(visit, self._desk.registration.reject)

    def withdraw(self, visit: Visit) -> RawResponse:
        """Take the application back for the applicant."""
        return self._decide(visit, self._desk.registration.withdraw)

    def _decide(self, visit: Visit, decide: Callable[..., Application]) -> RawResponse:
        identifier, reason = visit.parts[0], visit.field("reason")
        check_reason(reason)
        if visit.field("seen") != seen(self._desk.registration.application(identifier)):
            raise _changed()
        decide(identifier, by=visit.actor.name, reason=reason)
        return self._edge.redirect(f"{ROOT}/{identifier}")

    def device(self, visit: Visit) -> RawResponse:
        """Record the device that holds the key."""
        identifier, way = visit.parts[0], visit.field("way")
        known = {one: one for one in get_args(DeviceWay)}
        if way not in known:
            raise Malformed(f"Say by what the device is known: one of {', '.join(known)}.")
        day = visit.field("established_on")
        try:
            handed_over = date.fromisoformat(day) if day else None
        except ValueError:
            raise Malformed(f"{day!r} is no day; write 2026-01-31.") from None
        given = NewDevice(
            product=visit.field("product"),
            way=known[way],
            attestation=visit.field("attestation").encode(),
            key_id=visit.field("key").lower(),
            serial_number=visit.field("serial_number"),
            source=visit.field("source"),
            established_on=handed_over,
        )
        self._desk.registration.record_device(identifier, given, by=visit.actor.name)
        return self._edge.redirect(f"{ROOT}/{identifier}")

    def finish(self, visit: Visit) -> RawResponse:
        """Have the certificate made that an outage held up."""
        done = self._desk.registration.finish(visit.parts[0], by=visit.actor.name)
        return self._edge.redirect(f"{ROOT}/{done.id}")


def seen(application: Application) -> str:
    """What an officer has before him when he decides: a decision on anything else is not taken."""
    return hashlib.sha256(canonical(application_json(application))).hexdigest()


def _changed() -> Rejected:
    return Rejected(
        "console.changed",
        "The application was changed since this page was drawn, such as by new evidence; nothing was "
        "decided. Look at it again, and decide then.",
    )


def _key_of(application: Application) -> str:
    """The kind of the applicant's key."""
    try:
        return algorithm_of(key_of_known_kind(read_csr(application.asked.csr).public_key())).value
    except TrustworksError:
        return "unknown"
