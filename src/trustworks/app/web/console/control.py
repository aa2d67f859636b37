"""Control over the domains and mailboxes that an application asks for: drawn, mailed, looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.app.web.console.edge import Page
from trustworks.core.errors import Malformed
from trustworks.core.roles.model import Act
from trustworks.issuance.enrolment.control import places
from trustworks.issuance.registration.rules.domains import LIFE as DRAWN_FOR
from trustworks.issuance.registration.rules.domains import counts_for
from trustworks.issuance.registration.rules.mailboxes import LIFE as MAILED_FOR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.app.web.console.desk import Desk
    from trustworks.app.web.console.edge import Edge, Visit
    from trustworks.core.http import RawResponse
    from trustworks.issuance.registration.domains import Look
    from trustworks.issuance.registration.mailboxes import Mailed
    from trustworks.issuance.registration.model import DomainMethod

ROOT = "/console/applications"
_METHODS: dict[str, DomainMethod | None] = {"": None, "dns": "dns", "http": "http"}


class ControlPages:
    """The handlers. Registration draws, looks and records; here is what came of it."""

    def __init__(self, edge: Edge, desk: Desk) -> None:
        self._edge = edge
        self._desk = desk

    def pages(self) -> list[Page]:
        """The pages."""
        posts = (
            ("draw", self.draw),
            ("look", self.look),
            ("mail", self.mail),
            ("value", self.value),
        )
        return [
            Page(path=f"{ROOT}/{{}}/control", act=Act.READ_RECORDS, answer=self.show),
            *(
                Page(
                    path=f"{ROOT}/{{}}/control/{name}",
                    act=Act.REGISTER,
                    answer=answer,
                    method="POST",
                    looks=name == "look",
                )
                for name, answer in posts
            ),
        ]

    def show(self, visit: Visit) -> RawResponse:
        """What is to be put up, what was mailed, and what was seen of both."""
        return self._page(visit)

    def draw(self, visit: Visit) -> RawResponse:
        """Draw what the applicant puts up for each name."""
        self._desk.registration.draw_domains(visit.parts[0], by=visit.actor.name)
        return self._back(visit)

    def look(self, visit: Visit) -> RawResponse:
        """Look for it now; the page tells what each place saw."""
        chosen = visit.field("method")
        if chosen not in _METHODS:
            raise Malformed("Choose dns, http, or both; nothing was looked for.")
        looks = self._desk.registration.check_domains(
            visit.parts[0], self._desk.control(), by=visit.actor.name, method=_METHODS[chosen]
        )
        return self._page(visit, looks=looks)

    def mail(self, visit: Visit) -> RawResponse:
        """Mail a value to each mailbox over which no control was shown."""
        mailed = self._desk.registration.challenge_mailboxes(
            visit.parts[0], self._desk.mailer(), by=visit.actor.name
        )
        return self._page(visit, mailed=mailed)

    def value(self, visit: Visit) -> RawResponse:
        """Take a value that the receiver of a mail gave to the officer."""
        self._desk.registration.confirm_mailbox(visit.parts[0], visit.field("value"), by=visit.actor.name)
        return self._back(visit)

    # Parts

    def _back(self, visit: Visit) -> RawResponse:
        return self._edge.redirect(f"{ROOT}/{visit.parts[0]}/control")

    def _page(self, visit: Visit, looks: Sequence[Look] = (), mailed: Sequence[Mailed] = ()) -> RawResponse:
        registration = self._desk.registration
        application = registration.application(visit.parts[0])
        domains = [
            (
                one,
                {}
                if one.drawn is None
                else places(one.name, one.methods, token=one.drawn.token, value=one.drawn.value),
            )
            for one in registration.domains_of(application)
        ]
        return self._edge.page(
            "control.html",
            visit=visit,
            application=application,
            domains=domains,
            mailboxes=registration.mailboxes_of(application),
            looks=looks,
            mailed=mailed,
            drawn_for=DRAWN_FOR,
            mailed_for=MAILED_FOR,
            counts=counts_for(self._edge.roles.office.now().utc.date()),
            waits=application.state == "received",
        )
