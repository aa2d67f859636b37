"""What the running systems showed of themselves at the last look, and the duties that come again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from trustworks.app.web.console.assurance.room import ROOT, Room
from trustworks.app.web.console.edge import nothing_here
from trustworks.assurance.changes import records as changes
from trustworks.assurance.evidence import Kind, Outcome, records
from trustworks.assurance.evidence.duties import duty_items

if TYPE_CHECKING:
    from trustworks.app.web.console.edge import Page, Visit
    from trustworks.core.http import RawResponse

_MOST_DIGITS: Final = 15
_MOST_BEFORE: Final = 20


class EvidencePages(Room):
    """The handlers. The jobs collect, or `trustworks assurance evidence collect`."""

    def pages(self) -> list[Page]:
        """The pages."""
        return [
            self._page(f"{ROOT}/evidence", self.show_all),
            self._page(f"{ROOT}/evidence/{{}}", self.show),
        ]

    def show_all(self, visit: Visit) -> RawResponse:
        """The last look: findings first; duties; planned changes and incidents."""
        now = self._office.now().utc
        with self._office.database.read() as connection:
            last = records.last_round(connection)
            duties = duty_items(records.all_done(connection), now)
            planned = changes.all_changes(connection)
            incidents = changes.all_incidents(connection)
        order = list(Outcome)[::-1]
        kinds = list(Kind)
        items = sorted(
            () if last is None else last.items,
            key=lambda one: (order.index(one.item.outcome), kinds.index(one.item.kind), one.item.subject),
        )
        return self._drawn(
            "evidence.html",
            visit,
            last=last,
            items=items,
            duties=duties,
            planned=planned[::-1],
            incidents=incidents[::-1],
        )

    def show(self, visit: Visit) -> RawResponse:
        """One item with all that was read, and what was found before of the same."""
        (number,) = visit.parts
        if not number.isdigit() or len(number) > _MOST_DIGITS:
            raise nothing_here()
        with self._office.database.read() as connection:
            found = records.one(connection, int(number))
            if found is None:
                raise nothing_here()
            history = records.listing(
                connection, kind=found.item.kind, subject=found.item.subject, limit=_MOST_BEFORE
            )
        return self._drawn(
            "item.html",
            visit,
            kept=found,
            values=json.dumps(dict(found.item.values), indent=2, ensure_ascii=False, sort_keys=True),
            history=history,
        )
