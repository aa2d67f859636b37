"""PDF: pages drawn by PDFium, and what the document does, hides and takes from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Malformed, Rejected
from trustworks.signing.shown.codes import cut, found
from trustworks.signing.shown.model import Absent, Pages
from trustworks.signing.shown.paper.drawing import NotDrawn, opened
from trustworks.signing.shown.paper.facts import facts_of
from trustworks.signing.shown.paper.hidden import looked_through
from trustworks.signing.shown.paper.told import disagreeing, told

if TYPE_CHECKING:
    from trustworks.signing.shown.bounds import Bounds
    from trustworks.signing.shown.model import Finding, Page, Part


def shown_pdf(octets: bytes, bounds: Bounds) -> tuple[tuple[Part, ...], tuple[Finding, ...]]:
    """How many pages there are and of which sizes, and what to know about the document."""
    findings: list[Finding] = []
    pages: int | None = None
    try:
        facts = facts_of(octets, bounds.limits())
    except (Malformed, Rejected) as error:
        findings.append(found("pdf.unfollowed", why=str(error)))
    else:
        findings += told(facts)
        pages = facts.pages
    try:
        with opened(octets) as document:
            drawn = document.count
            findings += disagreeing(octets, pages, drawn)
            findings += looked_through(document, bounds)
            sizes = tuple(document.size(number) for number in range(1, min(drawn, bounds.pages) + 1))
    except NotDrawn as error:
        part = Absent(reason=error.reason, values={"why": str(error)})
        return (part,), (found("absent"), *findings)
    findings += cut(len(sizes), drawn, "pages")
    return (Pages(count=drawn, sizes=sizes),), tuple(findings)


def shown_page(octets: bytes, number: int, width: int, bounds: Bounds) -> Page:
    """One page as a picture of about `width` pixels, with its text.

    Raises:
        Rejected: ``shown.page``: there is no such page, or it cannot be drawn.
    """
    from trustworks.signing.shown.paper.hidden import drawn_page  # noqa: PLC0415 - see above

    try:
        with opened(octets) as document:
            if not 1 <= number <= min(document.count, bounds.pages):
                raise Rejected(
                    "shown.page", f"There is no page {number}; the last that is shown is {document.count}."
                )
            return drawn_page(document, number, max(16, min(width, bounds.width)), bounds)
    except NotDrawn as error:
        raise Rejected("shown.page", f"The page {number} cannot be drawn: {error}") from error
