"""On which days verdicts change by themselves, drawn and as a table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from trustworks.app.web.console.assurance.room import ROOT, Room
from trustworks.app.web.console.assurance.timeline import timeline
from trustworks.assurance.engine import forecast
from trustworks.assurance.model import Verdict
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from datetime import date

    from trustworks.app.web.console.edge import Page, Visit
    from trustworks.assurance.model import Facts
    from trustworks.core.http import RawResponse

_MOST: Final = 60  # bindings that are drawn at once: each is evaluated on every day that matters


class ForecastPages(Room):
    """The handlers. The engine decides."""

    def pages(self) -> list[Page]:
        """The pages."""
        return [self._page(f"{ROOT}/forecast", self.show)]

    def show(self, visit: Visit) -> RawResponse:
        """The forecast from today or the day of the address on, for ten years or until another day."""
        first, last = self._day(visit), self._until(visit)
        if last is not None and last <= first:
            raise Malformed(f"The last day, {last}, is not after the first, {first}. Choose a later one.")
        facts = self._facts()
        services = sorted({one.service for one in facts.bindings})
        chosen = {name: visit.query.get(name, "") for name in ("service", "product")}
        narrowed = _narrowed(facts, **chosen)
        too_many = len(narrowed.bindings) > _MOST
        lines = []
        for rules in () if too_many else self._rule_sets():
            labels = {(one.service, one.id): one.label for one in rules.processes}
            lines.append(timeline(forecast(narrowed, rules, first, last), labels))
        return self._drawn(
            "forecast.html",
            visit,
            first=first,
            last=last,
            lines=lines,
            services=services,
            products=sorted({one.product for one in facts.bindings}),
            chosen=chosen,
            too_many=too_many,
            bound=len(narrowed.bindings),
            most=_MOST,
            verdicts=list(Verdict),
        )

    def _until(self, visit: Visit) -> date | None:
        return self._day(visit, "until") if "until" in visit.query else None


def _narrowed(facts: Facts, service: str, product: str) -> Facts:
    return replace(
        facts,
        bindings=tuple(
            one
            for one in facts.bindings
            if (not service or one.service == service) and (not product or one.product == product)
        ),
    )
