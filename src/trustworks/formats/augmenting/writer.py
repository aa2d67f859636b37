"""What each format does to one signature of a file, all alike: the protocol of the other modules here."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from trustworks.core.values import dataclass
from trustworks.formats.collector import data_id
from trustworks.formats.evidence import Format

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustworks.core.ports import ValidationData
    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Evidence, Signature
    from trustworks.formats.limits import Limits


class Kind(StrEnum):
    """What a time-stamp is added for."""

    SIGNATURE = "signature"
    """That the signature existed (level T): over its value; of a PDF over the document."""
    ARCHIVE = "archive"
    """That all of it, validation data too, existed (level LTA, and its renewal)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One signature in its file, as it was read. `place` is as in `Collector.place`, None: it has none."""

    data: Data
    detached: Sequence[Data]
    limits: Limits
    evidence: Evidence
    signature: Signature
    place: tuple[int, ...] | None

    @property
    def beside(self) -> list[Data]:
        """The detached data, that which the signature is over first."""
        covered = {named for one in self.signature.references for named in one.covers}
        return sorted(self.detached, key=lambda one: data_id(one) not in covered)

    @property
    def there(self) -> set[str]:
        """The ids of certificates and revocation data that the signature brings."""
        return {*self.signature.certificates, *self.signature.revocation}


class Writer(Protocol):
    """Adds to one signature. Each answer is the whole file anew; all else in it stays as it was.

    Each raises `Malformed` where something cannot be read, and `Rejected` with a sentence where the format,
    or something in the file, does not let it be added. What was intact before is intact after.
    """

    def octets_to_stamp(self, kind: Kind, hash_name: str) -> Data:
        """What a token by that hash function has to be over; what will be refused is as a rule so here."""

    def with_time_stamp(self, kind: Kind, token: bytes) -> Data:
        """With a time-stamp, whose token is over what `octets_to_stamp` tells."""

    def with_values(self, data: ValidationData) -> Data:
        """With validation data, as far as it is not there yet, where its time-stamps have to find it."""


def writer_of(given: Given) -> Writer:
    """The writer of a signature in a file of its own format; raises `Rejected` where it has no place in it.

    Each format brings libraries that the others do not need, and is loaded when it is first asked for.
    """
    made: Callable[[Given], Writer]
    match given.signature.format:
        case Format.XADES:
            from trustworks.formats.augmenting.xades import writer as made  # noqa: PLC0415
        case Format.JADES:
            from trustworks.formats.augmenting.jades import writer as made  # noqa: PLC0415
        case Format.PADES:
            from trustworks.formats.augmenting.pades import writer as made  # noqa: PLC0415
        case Format.CADES:
            from trustworks.formats.augmenting.cades import writer as made  # noqa: PLC0415
    return made(given)
