"""What both rule sets answer about every process of every service, on any day."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trustworks.app.web.console.assurance.room import ROOT, Room
from trustworks.assurance.engine import evaluate

if TYPE_CHECKING:
    from trustworks.app.web.console.edge import Page, Visit
    from trustworks.assurance.model import Report
    from trustworks.assurance.rulesets import RuleSet
    from trustworks.core.http import RawResponse


class Answered(NamedTuple):
    """A rule set's report, with the words that it has for its processes."""

    report: Report
    labels: dict[tuple[str, str], str]
    references: dict[tuple[str, str], str]


class VerdictPages(Room):
    """The handlers. The engine decides."""

    def pages(self) -> list[Page]:
        """The pages."""
        return [self._page(f"{ROOT}/verdicts", self.show)]

    def show(self, visit: Visit) -> RawResponse:
        """The verdicts, for today or for the day of the address."""
        day, service = self._day(visit), visit.query.get("service", "")
        facts = self._facts()
        answered = [_answered(evaluate(facts, rules, day), rules) for rules in self._rule_sets()]
        services = sorted({one.service for each in answered for one in each.report.services})
        return self._drawn(
            "verdicts.html",
            visit,
            day=day,
            answered=answered,
            services=services,
            service=service if service in services else "",
        )


def _answered(report: Report, rules: RuleSet) -> Answered:
    return Answered(
        report=report,
        labels={(one.service, one.id): one.label for one in rules.processes},
        references={(one.service, one.id): one.reference for one in rules.processes},
    )
