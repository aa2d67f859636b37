"""One signature of a PDF: time-stamps are of the document, validation data is in its store beside them.

The value of a signature that stands in a PDF has no room for more: level T is a time-stamp over the document
as it is, later revisions included (EN 319 142-1, 6.3, note on document time-stamps).
Source: EN 319 142-1, 5.4 and 6.3.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from trustworks.core.errors import Rejected
from trustworks.formats.augmenting.writer import Stamping
from trustworks.formats.pades import creating

if TYPE_CHECKING:
    from trustworks.core.ports import ValidationData
    from trustworks.formats.augmenting.writer import Given, Kind
    from trustworks.formats.data import Data


class _Writer:
    """As `Writer`."""

    def __init__(self, given: Given) -> None:
        self.given = given

    def begin(self, kind: Kind, hash_name: str, *, check: bool) -> Stamping:
        """A document time-stamp, in a revision of its own; both kinds are over all of the document."""
        del kind, check
        data = self.given.data
        update = creating.prepare_time_stamp(data, hash_name=hash_name, limits=self.given.limits)

        def complete(token: bytes) -> Data:
            at_hand = [one.der for one in self.given.evidence.certificates.values()]
            return update.complete(token, data, at_hand=at_hand)

        return Stamping(over=update.covered(data), complete=complete)

    def with_values(self, data: ValidationData, of_time_stamps: ValidationData) -> Data:
        """In the document security store, and there as that of this signature (VRI): all of it."""
        data |= of_time_stamps
        if not data:
            return self.given.data
        related = [creating.Related(field=self._field, data=data)]
        return creating.add_store(self.given.data, data, related, limits=self.given.limits)

    @cached_property
    def _field(self) -> str:
        revision = self.given.signature.revision
        if revision is None:
            raise Rejected(
                "augmenting.place", "The signature is in no field of the PDF, so that no data can be for it."
            )
        return revision.field


def writer(given: Given) -> _Writer:
    """The writer of a signature."""
    return _Writer(given)
