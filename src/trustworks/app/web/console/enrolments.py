"""Requests of enrolment protocols that wait for an officer: looked at, approved, refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.app.web.console.edge import Page, nothing_here
from trustworks.core.errors import Refused, Rejected
from trustworks.core.roles import records as roles
from trustworks.core.roles.model import Act
from trustworks.core.roles.rules.separation import check_not_subject
from trustworks.issuance.enrolment.waiting import subjects_of
from trustworks.issuance.profiles import profile_or_none

if TYPE_CHECKING:
    from trustworks.app.web.console.desk import Desk
    from trustworks.app.web.console.edge import Edge, Visit
    from trustworks.core.http import RawResponse
    from trustworks.issuance.records.waiting import WaitingRequest

ROOT = "/console/enrolments"


class Enrolments:
    """The handlers. The waiting room decides."""

    def __init__(self, edge: Edge, desk: Desk) -> None:
        self._edge = edge
        self._desk = desk

    def pages(self) -> list[Page]:
        """The pages."""
        posts = (("approve", self.approve), ("refuse", self.refuse))
        return [
            Page(path=f"{ROOT}/{{}}", act=Act.READ_RECORDS, answer=self.show),
            *(
                Page(path=f"{ROOT}/{{}}/{name}", act=Act.DECIDE, answer=answer, method="POST")
                for name, answer in posts
            ),
        ]

    def _found(self, visit: Visit) -> WaitingRequest:
        try:
            return self._desk.waiting.find(visit.parts[0])
        except Rejected:
            raise nothing_here() from None

    def show(self, visit: Visit) -> RawResponse:
        """The page of a request."""
        found = self._found(visit)
        with self._desk.database.read() as connection:
            person = roles.person(connection, visit.actor.name)
        try:
            check_not_subject(person, subjects_of(found))
            concerned = ""
        except Refused as error:
            concerned = str(error)
        return self._edge.page(
            "enrolment.html",
            visit=visit,
            found=found,
            profile=profile_or_none(found.profile),
            concerned=concerned,
        )

    def approve(self, visit: Visit) -> RawResponse:
        """Let the client have its certificate when it asks again."""
        return self._decide(visit, approve=True)

    def refuse(self, visit: Visit) -> RawResponse:
        """Have the client told that it gets none, and why."""
        return self._decide(visit, approve=False)

    def _decide(self, visit: Visit, *, approve: bool) -> RawResponse:
        found = self._found(visit)
        self._edge.roles.check_not_subject(visit.actor.name, Act.DECIDE, subjects_of(found))
        self._desk.waiting.decide(found.id, approve=approve, by=visit.actor.name, why=visit.field("reason"))
        return self._edge.redirect(f"{ROOT}/{found.id}")
