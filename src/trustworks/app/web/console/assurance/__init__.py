"""The pages of assurance: register of products, certificates, verdicts, forecast, live evidence, rule sets.

A file for each group of pages. All may be looked at by everybody with a trusted role; what changes the
register is behind the act that its command has. What an auditor looks at is in the audit log (`room`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.app.web.console.assurance.certificates import CertificatePages
from trustworks.app.web.console.assurance.dossiers import DossierPages
from trustworks.app.web.console.assurance.entering import EnteringPages
from trustworks.app.web.console.assurance.evidence import EvidencePages
from trustworks.app.web.console.assurance.forecast import ForecastPages
from trustworks.app.web.console.assurance.products import ProductPages
from trustworks.app.web.console.assurance.programs import ProgramPages
from trustworks.app.web.console.assurance.rules import RulePages
from trustworks.app.web.console.assurance.verdicts import VerdictPages

if TYPE_CHECKING:
    from trustworks.app.web.console.edge import Edge, Page


def pages(edge: Edge) -> list[Page]:
    """Every page of assurance."""
    rooms = (
        ProductPages,
        EnteringPages,
        CertificatePages,
        VerdictPages,
        ForecastPages,
        EvidencePages,
        RulePages,
        DossierPages,
        ProgramPages,
    )
    return [page for room in rooms for page in room(edge).pages()]


__all__ = ["pages"]
