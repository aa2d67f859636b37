"""Data that was given with a file and that nothing in the file is over.

Who gives data believes it to be what is signed. A signature with content of its own is over that, and passes
whatever was given: so it has to be said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.formats.collector import data_id
from trustworks.formats.data import apart
from trustworks.formats.evidence import Finding, Weight

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trustworks.formats.collector import Collector
    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Evidence, Reference


UNCOVERED: Final = "given.uncovered"
"""The code of the finding."""


def uncovered(collector: Collector, detached: Sequence[Data]) -> Iterator[Finding]:
    """A finding for each that no signature is over; in a file without any, no time-stamp and no record."""
    if not detached:
        return
    evidence = collector.evidence()
    references = list(_references(evidence))
    covered = frozenset().union(*(one.covers for one in references))
    for data in detached:
        # Of several digests for one document that is covered by which it was compared.
        if collector.is_signed_otherwise(data) or any(data_id(one) in covered for one in apart([data])):
            continue
        yield Finding(
            code=UNCOVERED,
            text=f"Of {data.name or 'the data'} that was given beside the file nothing is signed: no "
            "signature in it is over that. Look at what the signatures cover.",
            weight=Weight.SUSPICIOUS,
        )


def _references(evidence: Evidence) -> Iterator[Reference]:
    for signature in evidence.signatures:
        yield from signature.references
    for record in evidence.evidence_records:
        yield from record.references
    if not evidence.signatures:
        for stamp in evidence.time_stamps:
            yield from stamp.references
