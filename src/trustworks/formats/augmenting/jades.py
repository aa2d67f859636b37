"""One signature of a JWS in JSON, by its place. Source: TS 119 182-1, 5.3 and 6.3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.values import dataclass
from trustworks.formats.augmenting.writer import Kind, stamping
from trustworks.formats.data import Octets
from trustworks.formats.jades import creating

if TYPE_CHECKING:
    from typing import Literal

    from trustworks.core.ports import ValidationData
    from trustworks.formats.augmenting.writer import Given, Stamping
    from trustworks.formats.data import Data

_STAMPS: Final[dict[Kind, Literal["sigTst", "arcTst"]]] = {Kind.SIGNATURE: "sigTst", Kind.ARCHIVE: "arcTst"}


@dataclass(frozen=True, slots=True)
class _Writer:
    """As `Writer`."""

    given: Given
    target: creating.Target

    def begin(self, kind: Kind, hash_name: str, *, check: bool) -> Stamping:
        """A sigTst or an arcTst, at the end of etsiU. Whatever its hash function, it is over the same."""
        del hash_name
        begun = creating.begin_time_stamp(self.target, _STAMPS[kind])
        return stamping(begun, self.given, self._made, check=check)

    def with_values(self, data: ValidationData, of_time_stamps: ValidationData) -> Data:
        """In xVals and rVals; where there are such already, as validation data of time-stamps (tstVD)."""
        new = self.given.lacking(data, of_time_stamps)
        return self._made(creating.with_more_values(self.target, new)) if new else self.given.data

    def _made(self, file: bytes) -> Data:
        return Octets(file, self.given.data.name)


def writer(given: Given) -> _Writer:
    """The writer of a signature. Raises `Rejected` (``augmenting.place``)."""
    if given.place is None:
        raise Rejected(
            "augmenting.place",
            "Nothing is added to a counter-signature within a JWS. Add to the signature that it is in.",
        )
    target = creating.Target(file=given.data.octets(), place=given.place[0], beside=tuple(given.beside))
    return _Writer(given, target)
