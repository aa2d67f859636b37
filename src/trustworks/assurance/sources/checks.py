"""What no certificate can say of itself: it is refused by its name, and the rest of its document is read."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from trustworks.assurance.model import FactName
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.assurance.model import Value


@implements("TRUSTWORKS:ASSURANCE-SOURCE-CONTRADICTION", disabled=None)
def contradiction(issued: date | None, ends: date | None) -> str | None:
    """Why the days of a certificate cannot both be right; None where they can."""
    if issued is not None and ends is not None and ends < issued:
        return f"it ends on {ends}, before it was issued on {issued}. Compare it with its scheme's page."
    return None


@implements("TRUSTWORKS:ASSURANCE-SOURCE-FUTURE", disabled=None)
def ahead(issued: date | None, retrieved: date) -> str | None:
    """Why a certificate cannot have been in a document of that day; None where it can."""
    if issued is not None and issued > retrieved:
        return (
            f"it was issued on {issued}, after its document was retrieved on {retrieved}. "
            "Say when the document was downloaded, or compare it with its scheme's page."
        )
    return None


def objection(facts: Mapping[FactName, Value | None], retrieved: date) -> str | None:
    """The first of what is wrong with a certificate in itself; one that has ended is in order."""
    issued, ends = facts.get(FactName.ISSUED), facts.get(FactName.ENDS)
    first = issued if isinstance(issued, date) else None
    last = ends if isinstance(ends, date) else None
    return ahead(first, retrieved) or contradiction(first, last)
