"""The same answers for programs: JSON, as the commands print it with --json."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from trustworks.app.web.console.assurance.forecast import MOST, narrowed
from trustworks.app.web.console.assurance.room import ROOT, Room
from trustworks.assurance import records
from trustworks.assurance.engine import evaluate, forecast
from trustworks.assurance.report import NOT_A_DECISION, as_values, forecast_values
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from trustworks.app.web.console.edge import Page, Visit
    from trustworks.core.http import RawResponse


class ProgramPages(Room):
    """The handlers. They only read."""

    def pages(self) -> list[Page]:
        """The addresses."""
        return [
            self._page(f"{ROOT}/products.json", self.products),
            self._page(f"{ROOT}/verdicts.json", self.verdicts),
            self._page(f"{ROOT}/forecast.json", self.forecast),
        ]

    def _said(self, **values: Any) -> RawResponse:
        return self._edge.json({"statement": NOT_A_DECISION, **values})

    def products(self, visit: Visit) -> RawResponse:
        """The register of products, with today's verdicts."""
        del visit
        facts = self._facts()
        reports = [evaluate(facts, rules, self._today) for rules in self._rule_sets()]
        found = []
        for product in facts.products:
            verdicts = {
                report.rule_set: one.verdict.value
                for report in reports
                for one in report.products
                if one.product == product.id
            }
            found.append({**json.loads(records.encode(product)), "verdicts": verdicts})
        return self._said(at=self._today.isoformat(), products=found)

    def verdicts(self, visit: Visit) -> RawResponse:
        """Both reports, for today or the day of the address."""
        day, facts = self._day(visit), self._facts()
        return self._said(reports=[as_values(evaluate(facts, one, day)) for one in self._rule_sets()])

    def forecast(self, visit: Visit) -> RawResponse:
        """Both forecasts, from today or the day of the address on."""
        facts, (first, last) = narrowed(self._facts(), visit), self._span(visit)
        if len(facts.bindings) > MOST:
            raise Malformed(
                f"{len(facts.bindings)} bindings are more than the {MOST} that are looked at once. Name a "
                "service or a product in the address, or use `trustworks assurance forecast`."
            )
        return self._said(
            forecasts=[forecast_values(forecast(facts, one, first, last)) for one in self._rule_sets()]
        )
