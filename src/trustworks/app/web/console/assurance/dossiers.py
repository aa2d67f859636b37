"""The dossiers that were made, as the audit log has them, and those that are ordered here.

A dossier is sealed by a key that no worker of the console opens: the console orders it, and the jobs make it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from trustworks.app.dossier.orders import KEPT, Orders, listed
from trustworks.app.web.console.assurance import fields
from trustworks.app.web.console.assurance.room import ROOT, Room
from trustworks.app.web.console.edge import Page
from trustworks.assurance.dossier.model import Profile
from trustworks.assurance.engine import evaluate
from trustworks.assurance.model import Verdict
from trustworks.core.audit.search import newest
from trustworks.core.errors import Rejected
from trustworks.core.http import RawResponse
from trustworks.core.roles.model import Act

if TYPE_CHECKING:
    from trustworks.app.dossier.orders import Order
    from trustworks.app.web.console.edge import Visit

_MADE: Final = "assurance.dossier-exported"
_MOST: Final = 50
_CONTAINER: Final = "application/vnd.etsi.asic-e+zip"


class DossierPages(Room):
    """The handlers. To order a dossier and to download it takes what its command takes."""

    def pages(self) -> list[Page]:
        """The pages."""
        here = f"{ROOT}/dossier"
        return [
            self._page(here, self.show),
            Page(path=here, act=Act.READ_RECORDS, answer=self.order, method="POST"),
            # How far an order is, is no view of records: whoever waits asks every few seconds.
            Page(path=f"{ROOT}/dossiers/{{}}/state", act=Act.READ_RECORDS, answer=self.state),
            Page(path=f"{ROOT}/dossiers/{{}}/file", act=Act.READ_RECORDS, answer=self.file),
        ]

    @property
    def _orders(self) -> Orders:
        office = self._office
        return Orders(office.database, office.recorder, now=lambda: office.now().utc)

    def show(self, visit: Visit) -> RawResponse:
        """The newest dossiers, and what one of today would say in short."""
        facts = self._facts()
        reports = [evaluate(facts, rules, self._today) for rules in self._rule_sets()]
        with self._office.database.read() as connection:
            made = [one for one in newest(connection, limit=_MOST, type_prefix=_MADE) if one.type == _MADE]
            orders = listed(connection, most=KEPT)
        return self._drawn(
            "dossier.html",
            visit,
            made=made,
            orders=orders,
            open=next((one for one in orders if one.is_open), None),
            kept=KEPT,
            verdicts=list(Verdict),
            counted=[
                (
                    report,
                    Counter(one.verdict for service in report.services for one in service.processes),
                )
                for report in reports
            ],
        )

    def order(self, visit: Visit) -> RawResponse:
        """Order one; the jobs make it."""
        profile = fields.choice(visit, "profile", Profile)
        self._orders.ask(by=visit.actor.name, profile=profile)
        return self._edge.redirect(f"{ROOT}/dossier")

    def state(self, visit: Visit) -> RawResponse:
        """How far an order is, for the page that waits."""
        order = self._order(visit)
        return self._edge.json({"open": order.is_open, "state": order.state.value, "told": order.told})

    def file(self, visit: Visit) -> RawResponse:
        """What came of an order: one file, whose download is in the log."""
        order, content = self._orders.download(self._order(visit).number, by=visit.actor.name)
        headers = (
            ("content-disposition", f'attachment; filename="{order.name}"'),
            ("cache-control", "no-store"),
        )
        return RawResponse(200, _CONTAINER, content, headers)

    def _order(self, visit: Visit) -> Order:
        with self._office.database.read() as connection:
            for one in listed(connection):
                if str(one.number) == visit.parts[0]:
                    return one
        raise Rejected("console.absent", "There is no such order of a dossier. Look at the newest ones.")
