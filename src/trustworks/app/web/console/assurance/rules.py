"""The rule sets as they are: general rules, processes with their options, rules, errata."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.app.web.console.assurance.room import ROOT, Room

if TYPE_CHECKING:
    from trustworks.app.web.console.edge import Page, Visit
    from trustworks.core.http import RawResponse


class RulePages(Room):
    """The handlers. They only read what is shipped."""

    def pages(self) -> list[Page]:
        """The pages."""
        return [self._page(f"{ROOT}/rules", self.show)]

    def show(self, visit: Visit) -> RawResponse:
        """Both rule sets."""
        return self._drawn("rules.html", visit, sets=self._rule_sets())
