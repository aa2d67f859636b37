"""Whether the times in time-stamps fit what each was made after.

Source: EN 319 102-1, 5.5.4, 4 e); RFC 3161, 2.4.2 (accuracy and ordering).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.formats.evidence import TimeStampKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trustworks.formats.evidence import TimeStamp

_BEGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Times are compared as what lies between: a moment less its accuracy may be before the year 1."""


@implements("EN319102-1:5.5.4-4-E")
def in_order(stamps: Sequence[TimeStamp]) -> str | None:
    """No time-stamp is from before one that it was made after.

    One that covers another was made after it, and what is over the signature after what is over the data
    before signing. Times differ only where they do by more than both accuracies.
    """
    for earlier, later in _pairs(stamps):
        slack = timedelta(seconds=(earlier.accuracy or 0) + (later.accuracy or 0))
        if earlier.time - later.time > slack:
            return (
                f"A {later.kind} time-stamp is of {later.time:%Y-%m-%d %H:%M:%SZ}, before the {earlier.kind} "
                f"time-stamp of {earlier.time:%Y-%m-%d %H:%M:%SZ}, which was there when it was made."
            )
    return None


def _pairs(stamps: Sequence[TimeStamp]) -> Iterator[tuple[TimeStamp, TimeStamp]]:
    """Two of which one was made after the other; of several that came first, one that decides for all."""
    known = {one.id: one for one in stamps}
    content = [one for one in stamps if one.kind is TimeStampKind.CONTENT]
    # Whatever is not before the latest of them, for its accuracy, is before none.
    latest = max(
        content, key=lambda one: one.time - _BEGIN - timedelta(seconds=one.accuracy or 0), default=None
    )
    for later in stamps:
        if latest is not None and later.kind is not TimeStampKind.CONTENT:
            yield latest, later
        for named in later.covers & known.keys():
            if named != later.id:
                yield known[named], later
