"""Data that was given with a file and that nothing in the file is over.

Who gives data believes it to be what is signed. A signature with content of its own is over that, and passes
whatever was given: so it has to be said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.formats.evidence import Finding, Weight

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

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
    digests = {(one.digest_algorithm, one.actual) for one in references if one.actual is not None}
    for data in detached:
        if collector.is_signed_otherwise(data) or _named(data) in covered or _is_digested(data, digests):
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


def _named(data: Data) -> str | None:
    """The id of data; None where only another digest of it is known."""
    try:
        return f"D-{data.digest('sha256').hex()}"
    except Rejected:
        return None


def _is_digested(data: Data, digests: Collection[tuple[str | None, bytes]]) -> bool:
    """Whether a digest that is signed is one of those that stand for the data."""
    return any(one in digests for one in getattr(data, "digests", ()))
