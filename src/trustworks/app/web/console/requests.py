"""Requests for revocation and reports of problems: looked at, confirmed, delayed, refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.app.web.console.certificates import persons_of, reason_named, reasons_for, short, status_of
from trustworks.app.web.console.edge import Page, nothing_here
from trustworks.core.errors import Refused
from trustworks.core.roles import records as roles
from trustworks.core.roles.model import Act
from trustworks.core.roles.rules.separation import check_not_subject
from trustworks.issuance import records
from trustworks.issuance.profiles import profile_or_none
from trustworks.issuance.rules.problem_reports import reported_reason
from trustworks.issuance.rules.revocation_requests import KINDS, deadline, is_overdue

if TYPE_CHECKING:
    from trustworks.app.web.console.desk import Desk
    from trustworks.app.web.console.edge import Edge, Visit
    from trustworks.core.http import RawResponse
    from trustworks.issuance.model import CertificateRecord, RevocationRequest

ROOT = "/console/requests"


class Requests:
    """The handlers. The register of requests decides."""

    def __init__(self, edge: Edge, desk: Desk) -> None:
        self._edge = edge
        self._desk = desk

    def pages(self) -> list[Page]:
        """The pages."""
        posts = (("confirm", self.confirm), ("delay", self.delay), ("refuse", self.refuse))
        return [
            Page(path=f"{ROOT}/{{}}", act=Act.READ_RECORDS, answer=self.show),
            *(
                Page(path=f"{ROOT}/{{}}/{name}", act=Act.REVOKE, answer=answer, method="POST")
                for name, answer in posts
            ),
        ]

    def _found(self, visit: Visit) -> tuple[RevocationRequest, CertificateRecord | None]:
        with self._desk.database.read() as connection:
            found = records.revocation_request(connection, visit.parts[0])
            if found is None:
                raise nothing_here()
            about = None if found.serial is None else records.certificate(connection, found.serial)
        return found, about

    def show(self, visit: Visit) -> RawResponse:
        """The page of a request, with the certificate that it is about."""
        found, about = self._found(visit)
        now = self._edge.roles.office.now().utc
        with self._desk.database.read() as connection:
            person = roles.person(connection, visit.actor.name)
        try:
            check_not_subject(person, persons_of(about))
            concerned = ""
        except Refused as error:
            concerned = str(error)
        return self._edge.page(
            "request.html",
            visit=visit,
            found=found,
            about=about,
            word=None if about is None else status_of(about, now),
            kind=KINDS.get(found.kind, found.kind),
            deadline=deadline(found),
            overdue=is_overdue(found, now),
            reasons=[] if about is None else reasons_for(about, profile_or_none(about.profile)),
            reported=reported_reason(found.note) if found.kind == "problem-report" else None,
            concerned=concerned,
        )

    def confirm(self, visit: Visit) -> RawResponse:
        """Confirm the request, which revokes the certificate now, or when the request says."""
        found = self._to_decide(visit)
        reason = None if found.reason is not None else reason_named(visit.field("reason"))
        self._desk.issuance.requests.confirm(
            found.id, by=visit.actor.name, how=short(visit, "how", 200), reason=reason
        )
        return self._edge.redirect(f"{ROOT}/{found.id}")

    def delay(self, visit: Visit) -> RawResponse:
        """Record why it takes longer than 24 hours."""
        found = self._to_decide(visit)
        self._desk.issuance.requests.delay(found.id, by=visit.actor.name, why=short(visit, "why", 2000))
        return self._edge.redirect(f"{ROOT}/{found.id}")

    def refuse(self, visit: Visit) -> RawResponse:
        """Decide that nothing is revoked for it."""
        found = self._to_decide(visit)
        self._desk.issuance.requests.refuse(found.id, by=visit.actor.name, why=short(visit, "why", 2000))
        return self._edge.redirect(f"{ROOT}/{found.id}")

    def _to_decide(self, visit: Visit) -> RevocationRequest:
        found, about = self._found(visit)
        self._edge.roles.check_not_subject(visit.actor.name, Act.REVOKE, persons_of(about))
        return found
