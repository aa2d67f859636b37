"""How old what a source said may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements

if TYPE_CHECKING:
    from datetime import date

    from trustworks.assurance.model.certificates import Provenance

DAYS: Final = 30


@implements("TRUSTWORKS:ASSURANCE-SOURCE-AGE", disabled=False)
def stale(provenance: Provenance, at: date, days: int = DAYS) -> bool:
    """Whether a source was retrieved more than so many days before a day."""
    return (at - provenance.retrieved.date()).days > days
