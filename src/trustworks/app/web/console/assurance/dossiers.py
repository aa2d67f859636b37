"""The dossiers that were made, as the audit log has them, and how one is made and verified.

A dossier is sealed by a key that no worker of the console opens: it is made by a command.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from trustworks.app.web.console.assurance.room import ROOT, Room
from trustworks.assurance.engine import evaluate
from trustworks.assurance.model import Verdict
from trustworks.core.audit.search import newest

if TYPE_CHECKING:
    from trustworks.app.web.console.edge import Page, Visit
    from trustworks.core.http import RawResponse

_MADE: Final = "assurance.dossier-exported"
_MOST: Final = 50


class DossierPages(Room):
    """The handlers. They only read."""

    def pages(self) -> list[Page]:
        """The pages."""
        return [self._page(f"{ROOT}/dossier", self.show)]

    def show(self, visit: Visit) -> RawResponse:
        """The newest dossiers, and what one of today would say in short."""
        facts = self._facts()
        reports = [evaluate(facts, rules, self._today) for rules in self._rule_sets()]
        with self._office.database.read() as connection:
            made = [one for one in newest(connection, limit=_MOST, type_prefix=_MADE) if one.type == _MADE]
        return self._drawn(
            "dossier.html",
            visit,
            made=made,
            most=_MOST,
            verdicts=list(Verdict),
            counted=[
                (
                    report,
                    Counter(one.verdict for service in report.services for one in service.processes),
                )
                for report in reports
            ],
        )
