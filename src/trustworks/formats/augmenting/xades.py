"""One XAdES signature of a document, found by its number: others do not always have an Id.

Source: EN 319 132-1, 5.3 to 5.5 and 6.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.values import dataclass
from trustworks.formats.augmenting.writer import Kind, stamping
from trustworks.formats.data import Octets
from trustworks.formats.xades.creating import unsigned

if TYPE_CHECKING:
    from trustworks.core.ports import ValidationData
    from trustworks.formats.augmenting.writer import Given, Stamping
    from trustworks.formats.data import Data

_STAMPS: Final = {
    Kind.SIGNATURE: unsigned.SIGNATURE_TIME_STAMP,
    Kind.ARCHIVE: unsigned.ARCHIVE_TIME_STAMP,
}


@dataclass(frozen=True, slots=True)
class _Writer:
    """As `Writer`."""

    given: Given
    target: unsigned.Target

    def begin(self, kind: Kind, hash_name: str, *, check: bool) -> Stamping:
        """A SignatureTimeStamp or an ArchiveTimeStamp, behind all unsigned properties.

        Whatever hash function the token has, it is over the same.
        """
        del hash_name
        begun = unsigned.begin_time_stamp(self.target, _STAMPS[kind])
        return stamping(begun, self.given, self._made, check=check)

    def with_values(self, data: ValidationData, of_time_stamps: ValidationData) -> Data:
        """In CertificateValues and RevocationValues; where there are such already, as data of time-stamps."""
        new = self.given.lacking(data, of_time_stamps)
        return self._made(unsigned.with_more_values(self.target, new)) if new else self.given.data

    def _made(self, document: bytes) -> Data:
        return Octets(document, self.given.data.name)


def writer(given: Given) -> _Writer:
    """The writer of a signature. Raises `Rejected` (``augmenting.place``)."""
    if given.place is None:
        raise Rejected("augmenting.place", "This signature is not one of the document's own. Give its file.")
    target = unsigned.Target(
        document=given.data.octets(), signature=given.place[0], beside=tuple(given.beside)
    )
    return _Writer(given, target)
