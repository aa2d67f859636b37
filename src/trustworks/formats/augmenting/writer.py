"""What each format does to one signature of a file, all alike: the protocol of the other modules here."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from trustworks.core.values import dataclass
from trustworks.formats.adding import not_yet_there
from trustworks.formats.collector import data_id
from trustworks.formats.evidence import Format, Where

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustworks.core.ports import ValidationData
    from trustworks.formats.adding import Begun, Reading
    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Evidence, Signature, TimeStamp, Token
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

    reading: Reading | None
    """How what comes of the file is read, and what was in it. None: as any file of the format is."""

    @property
    def beside(self) -> list[Data]:
        """The detached data, that which the signature is over first."""
        covered = {named for one in self.signature.references for named in one.covers}
        return sorted(self.detached, key=lambda one: data_id(one) not in covered)

    @property
    def there(self) -> set[str]:
        """The ids of certificates and revocation data that the signature brings, in its time-stamps too."""
        whose = (self.signature, *(one.signature for one in self.time_stamps))
        return {named for one in whose for named in (*one.certificates, *one.revocation)}

    @property
    def time_stamps(self) -> list[TimeStamp]:
        """The time-stamps of the signature, also those that a container has beside it."""
        return [one for one in self.evidence.time_stamps if one.id in self.signature.time_stamps]

    @property
    def own(self) -> set[str]:
        """Those that stand in the signature itself: others do not look for its path inside of tokens."""
        beside = frozenset(self.signature.key_info)
        tokens = {**self.evidence.certificates, **self.evidence.revocation}
        return {one for one in self.there if one in beside or (one in tokens and self._holds(tokens[one]))}

    def _holds(self, token: Token) -> bool:
        """Whether it was found in the signature; certificates that signers of a CMS share are `key_info`."""
        return any(
            one.owner == self.signature.id or (one.owner is None and one.where is not Where.KEY_INFO)
            for one in token.origins
        )

    def lacking(self, data: ValidationData, of_time_stamps: ValidationData) -> ValidationData:
        """What has to be put into the signature: of its time-stamps, what their tokens do not hold either."""
        return not_yet_there(data, self.own) | not_yet_there(of_time_stamps, self.there)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamping:
    """A time-stamp that was begun: what its token has to be over, and the file with a token in its place."""

    over: Data
    complete: Callable[[bytes], Data]


def stamping(begun: Begun, given: Given, made: Callable[[bytes], Data], *, check: bool) -> Stamping:
    """What a format begun, with the file that comes of it read as the one that is given was."""
    if check:
        begun.check_place()
    return Stamping(over=begun.over, complete=lambda token: made(begun.complete(token, given.reading)))


class Writer(Protocol):
    """Adds to one signature. Each answer is the whole file anew; all else in it stays as it was.

    Each raises `Malformed` where something cannot be read, and `Rejected` with a sentence where the format,
    or something in the file, does not let it be added. What was intact before is intact after.
    """

    def begin(self, kind: Kind, hash_name: str, *, check: bool) -> Stamping:
        """A time-stamp whose token will be by that hash function.

        `check`: what would be refused at the end is refused here already, as a rule, for a token is to be
        asked for.
        """

    def with_values(self, data: ValidationData, of_time_stamps: ValidationData) -> Data:
        """With validation data, as far as it is not there yet, where its time-stamps have to find it.

        `data` is put into the signature itself, `of_time_stamps` only where no token of its own holds it.
        """


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
