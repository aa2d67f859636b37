"""What evidence records are made of, whether they are written in ASN.1 or in XML."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from trustworks.core.errors import Rejected
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.data import Data


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """A data object that a record may be about; `covers` are the ids of all that its octets hold.

    `others` are other encodings of it that a record may have been made from, such as DER of what is BER.
    `required`: the record is worth nothing without it, as one inside a signature that is not about it.
    `absent`: it is not at hand, so that nothing can be said of it (its `data` has no digest).
    """

    data: Data
    name: str | None
    covers: frozenset[str]
    others: tuple[Data, ...] = ()
    required: bool = False
    absent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What the record has to be about by a manifest; `found` and `intact` are of the entry's digest."""

    name: str
    digest_algorithm: str
    digest: bytes
    found: bool
    intact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveTimeStamp:
    """One archive time-stamp: its reduced hash tree (empty: the time-stamp is over one digest), its token.

    `renewal` are the octets that a renewal of the time-stamp digests, in each encoding that is known.
    """

    tree: tuple[tuple[bytes, ...], ...]
    token: bytes
    renewal: tuple[bytes, ...]
    certificates: tuple[bytes, ...] = ()
    revocation_lists: tuple[bytes, ...] = ()
    ocsp_answers: tuple[bytes, ...] = ()


class Chain(ABC):
    """Archive time-stamps of one hash function, each over the one before it."""

    form: str

    def __init__(self, digest_algorithm: str | None, stamps: Sequence[ArchiveTimeStamp]) -> None:
        self.digest_algorithm = digest_algorithm
        self.stamps = tuple(stamps)

    def digests(self, archived: Archived, digest_algorithm: str) -> list[bytes]:
        """The digests that a record may have of a data object. A digest that nobody can give is left out."""
        found = []
        for data in (archived.data, *archived.others):
            try:
                found.append(data.digest(digest_algorithm))
            except Rejected:
                continue
        return found

    @abstractmethod
    def renewed(self, digests: Sequence[bytes], digest_algorithm: str) -> list[list[bytes]]:
        """Of data objects' digests, what a renewal of the hash tree puts in the first list of this chain.

        Several answers where standards or makers differ; each is a list that must be there as a whole.
        """

    @abstractmethod
    def sequence_digests(self, digest_algorithm: str) -> list[bytes]:
        """The digests of all chains before this one, in each encoding that is known; empty for the first."""
