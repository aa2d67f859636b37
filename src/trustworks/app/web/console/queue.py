"""What waits for an officer: applications, certificates still to be made, requests for revocation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.app.web.console.edge import QUEUE, Page
from trustworks.app.web.console.places import place_text, read_place
from trustworks.core.roles.model import Act
from trustworks.issuance import records
from trustworks.issuance.registration.search import Place, search
from trustworks.issuance.rules.revocation_requests import deadline, is_overdue

if TYPE_CHECKING:
    from trustworks.app.web.console.desk import Desk
    from trustworks.app.web.console.edge import Edge, Visit
    from trustworks.core.http import RawResponse

A_PAGE: Final = 25
A_LIST: Final = 100  # requests have 24 hours each; who has more of them waiting needs another page than this


class Queue:
    """The handlers."""

    def __init__(self, edge: Edge, desk: Desk) -> None:
        self._edge = edge
        self._desk = desk

    def pages(self) -> list[Page]:
        """The pages."""
        return [Page(path=QUEUE, act=Act.READ_RECORDS, answer=self.show)]

    def show(self, visit: Visit) -> RawResponse:
        """The page: who waits longest comes first."""
        now = self._edge.roles.office.now().utc
        after = read_place(visit.query.get("after"))
        with self._desk.database.read() as connection:
            waiting = search(
                connection,
                states=("received",),
                after=None if after is None else Place(*after),
                limit=A_PAGE + 1,
            )
            unissued = search(connection, states=("approved",), limit=A_PAGE)
            requests = records.revocation_requests(connection, state="pending", limit=A_LIST + 1)
        enrolments = self._desk.waiting.list(all_states=False, limit=A_LIST)
        return self._edge.page(
            "queue.html",
            enrolments=enrolments,
            visit=visit,
            waiting=waiting[:A_PAGE],
            more=place_text(waiting[A_PAGE - 1].received_at, waiting[A_PAGE - 1].id)
            if len(waiting) > A_PAGE
            else None,
            later=after is not None,
            unissued=unissued,
            requests=[(one, deadline(one), is_overdue(one, now)) for one in requests[:A_LIST]],
            more_requests=len(requests) > A_LIST,
        )
