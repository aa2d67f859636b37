"""One signature of a PDF: time-stamps are of the document, validation data is in its store beside them.

The value of a signature that stands in a PDF has no room for more: level T is a time-stamp over the document
as it is, later revisions included (EN 319 142-1, 6.3, note on document time-stamps).
Source: EN 319 142-1, 5.4 and 6.3.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from trustworks.core.errors import Rejected
from trustworks.formats.pades import creating
from trustworks.formats.time_stamp import parse_token

if TYPE_CHECKING:
    from trustworks.core.ports import ValidationData
    from trustworks.formats.augmenting.writer import Given, Kind
    from trustworks.formats.data import Data
    from trustworks.formats.pades.creating import Prepared


class _Writer:
    """As `Writer`."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self._prepared: dict[str, Prepared] = {}

    def octets_to_stamp(self, kind: Kind, hash_name: str) -> Data:
        """The document with the time-stamp that is to come; both kinds are over all of it."""
        del kind
        return self._update(hash_name).covered(self.given.data)

    def with_time_stamp(self, kind: Kind, token: bytes) -> Data:
        """A document time-stamp, in a revision of its own."""
        del kind
        hash_name = parse_token(token).info.imprint_algorithm
        at_hand = [one.der for one in self.given.evidence.certificates.values()]
        return self._update(hash_name).complete(token, self.given.data, at_hand=at_hand)

    def with_values(self, data: ValidationData) -> Data:
        """In the document security store, and there as that of this signature (VRI)."""
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

    def _update(self, hash_name: str) -> Prepared:
        """The same each time: nothing in it is of the moment."""
        if hash_name not in self._prepared:
            self._prepared[hash_name] = creating.prepare_time_stamp(
                self.given.data, hash_name=hash_name, limits=self.given.limits
            )
        return self._prepared[hash_name]


def writer(given: Given) -> _Writer:
    """The writer of a signature."""
    return _Writer(given)
