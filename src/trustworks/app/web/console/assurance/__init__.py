"""The pages of assurance: the register of products, verdicts, forecast and rule sets.

A file for each group of pages. All may be looked at by everybody with a trusted role; what changes the
register is behind the act that its command has. What an auditor looks at is in the audit log (`room`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.app.web.console.assurance.forecast import ForecastPages
from trustworks.app.web.console.assurance.products import ProductPages
from trustworks.app.web.console.assurance.rules import RulePages
from trustworks.app.web.console.assurance.verdicts import VerdictPages

if TYPE_CHECKING:
    from trustworks.app.web.console.edge import Edge, Page


def pages(edge: Edge) -> list[Page]:
    """Every page of assurance."""
    return [
        page for room in (ProductPages, VerdictPages, ForecastPages, RulePages) for page in room(edge).pages()
    ]


__all__ = ["pages"]
