"""One signer of a CMS structure, or a counter-signature below it; in DER, BER or PEM, as it came.

Source: EN 319 122-1, 5.3 to 5.5 and 6.3.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.values import dataclass
from trustworks.formats.adding import not_yet_there
from trustworks.formats.augmenting.writer import Kind, stamping
from trustworks.formats.cades.creating import unsigned
from trustworks.formats.cades.reading import unwrapped, wrapped_as
from trustworks.formats.cms.stored import Apart, apart
from trustworks.formats.data import Octets

if TYPE_CHECKING:
    from trustworks.core.ports import ValidationData
    from trustworks.formats.augmenting.writer import Given, Stamping
    from trustworks.formats.data import Data


_OVER_ALL: Final = "archive-time-stamp-v2"


@dataclass(frozen=True, slots=True)
class _Writer:
    """As `Writer`. `file` are the octets of the file, which the structure may be wrapped in.

    Of a large one, whose content stays where it lies, it is what the file has `apart` from its content.
    """

    given: Given
    target: unsigned.Target
    file: bytes | Apart

    def begin(self, kind: Kind, hash_name: str, *, check: bool) -> Stamping:
        """A signature-time-stamp, or an archive-time-stamp-v3 with its index by that hash function."""
        if kind is Kind.SIGNATURE:
            begun = unsigned.begin_time_stamp(self.target)
        else:
            self._check_own()
            begun = unsigned.begin_archive_time_stamp(self.target, hash_name)
        return stamping(begun, self.given, self._made, check=check)

    def with_values(self, data: ValidationData, of_time_stamps: ValidationData) -> Data:
        """In the structure itself, where all its signers find it; else in the newest archive time-stamp.

        Where an archive time-stamp of an older kind is over the structure, that is the only place left.
        """
        if any(one.form == _OVER_ALL for one in self.given.time_stamps):
            new = not_yet_there(data | of_time_stamps, self.given.there)
            return self._made(unsigned.with_time_stamp_values(self.target, new)) if new else self.given.data
        new = self.given.lacking(data, of_time_stamps)
        return self._made(unsigned.with_values(self.target, new)) if new else self.given.data

    def _check_own(self) -> None:
        if self.target.below:
            raise Rejected(
                "cades.counter-signature",
                "A counter-signature in CMS has no archive time-stamp of its own. Archive the signature that "
                "it is in: that covers it.",
            )

    def _made(self, structure: bytes) -> Data:
        if isinstance(self.file, Apart):
            return self.file.filled(structure, self.given.data.name)
        return Octets(wrapped_as(self.file, structure), self.given.data.name)


def writer(given: Given) -> _Writer:
    """The writer of a signer. Raises `Rejected` (``augmenting.place``, ``augmenting.too-large``)."""
    if given.place is None:
        raise Rejected("augmenting.place", "This signature is no signer of the structure. Give its own file.")
    signer, *below = given.place
    large = apart(given.data, given.limits)
    if large is not None:
        around = unsigned.Target(
            structure=large.structure, signer=signer, below=tuple(below), beside=(large.content,)
        )
        # What comes of it is read with the content beside it, and not as the file is.
        return _Writer(replace(given, reading=None), around, large)
    if given.data.size > given.limits.parsed:
        raise Rejected(
            "augmenting.too-large",
            f"The structure has {given.data.size} octets with its content; {given.limits.parsed} are the "
            "most that are written anew (the limit `parsed`), unless it is DER or BER in a file.",
        )
    file = given.data.octets()
    structure = unsigned.Target(
        structure=unwrapped(file), signer=signer, below=tuple(below), beside=tuple(given.beside)
    )
    return _Writer(given, structure, file)
