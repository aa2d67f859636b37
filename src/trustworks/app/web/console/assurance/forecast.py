"""On which days verdicts change by themselves, drawn and as a table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from trustworks.app.web.console.assurance.room import ROOT, Room
from trustworks.app.web.console.assurance.timeline import timeline
from trustworks.assurance.engine import forecast
from trustworks.assurance.model import Verdict

if TYPE_CHECKING:
    from trustworks.app.web.console.edge import Page, Visit
    from trustworks.assurance.model import Facts
    from trustworks.core.http import RawResponse

MOST: Final = 60  # bindings that are drawn at once: each is evaluated on every day that matters


class ForecastPages(Room):
    """The handlers. The engine decides."""

    def pages(self) -> list[Page]:
        """The pages."""
        return [self._page(f"{ROOT}/forecast", self.show)]

    def show(self, visit: Visit) -> RawResponse:
        """The forecast from today or the day of the address on, for ten years or until another day."""
        whole = self._facts()
        facts, (first, last) = narrowed(whole, visit), self._span(visit)
        too_many = len(facts.bindings) > MOST
        lines = []
        for rules in () if too_many else self._rule_sets():
            labels = {(one.service, one.id): one.label for one in rules.processes}
            lines.append(timeline(forecast(facts, rules, first, last), labels))
        return self._drawn(
            "forecast.html",
            visit,
            first=first,
            last=last,
            lines=lines,
            choices={
                "service": sorted({one.service for one in whole.bindings}),
                "product": sorted({one.product for one in whole.bindings}),
            },
            chosen=visit.query,
            too_many=too_many,
            bound=len(facts.bindings),
            most=MOST,
            verdicts=list(Verdict),
        )


def narrowed(facts: Facts, visit: Visit) -> Facts:
    """The facts with the bindings of the service and product that the address names, if it names any."""
    service, product = visit.query.get("service"), visit.query.get("product")
    return replace(
        facts,
        bindings=tuple(
            one for one in facts.bindings if service in {None, one.service} and product in {None, one.product}
        ),
    )
