"""One signature of a container: in its file of signatures, or by what comes over the whole container.

Of CAdES in an ASiC-E the archive time-stamp is one over everything in the container, each over the one
before; what is under one of them is changed no more. All other signatures are augmented in their file.
Source: EN 319 162-1, 4.3, 4.4 and A.7; OpenDocument 1.2, part 3, 5.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from trustworks.core.errors import Rejected
from trustworks.formats.adding import not_yet_there
from trustworks.formats.asic.creating.archiving import prepare_archive, with_time_stamp_values
from trustworks.formats.asic.creating.opened import opened
from trustworks.formats.asic.creating.replacing import check_free, covering, manifests_of, with_member
from trustworks.formats.asic.kinds import Role, role_of
from trustworks.formats.augmenting.writer import Kind, Stamping, writer_of
from trustworks.formats.collector import data_id
from trustworks.formats.data import Octets
from trustworks.formats.evidence import Container, Format

if TYPE_CHECKING:
    from trustworks.core.ports import ValidationData
    from trustworks.formats.asic.archive import Archive
    from trustworks.formats.augmenting.writer import Given, Writer
    from trustworks.formats.data import Data


class _Writer:
    """As `Writer`."""

    def __init__(self, given: Given, archive: Archive, file: str) -> None:
        self.given = given
        self.archive = archive
        self.file = file
        self._manifests = manifests_of(archive, given.limits)

    def begin(self, kind: Kind, hash_name: str, *, check: bool) -> Stamping:
        """In the file of the signature, or a member of its own, over a manifest of all in the container."""
        if kind is Kind.ARCHIVE and self._is_archived_whole:
            whole = prepare_archive(self.given.data, hash_name=hash_name, limits=self.given.limits)
            return Stamping(over=whole.manifest, complete=whole.complete)
        self._check_free()
        inner = self._inner.begin(kind, hash_name, check=check)
        return Stamping(over=inner.over, complete=lambda token: self._with(inner.complete(token)))

    def with_values(self, data: ValidationData, of_time_stamps: ValidationData) -> Data:
        """In the file of the signature; under an archive time-stamp, in the token of the newest."""
        if self._is_archived:
            new = not_yet_there(data | of_time_stamps, self.given.there)
            if not new:
                return self.given.data
            return with_time_stamp_values(self.given.data, new, limits=self.given.limits)
        self._check_free()
        made = self._inner.with_values(data, of_time_stamps)
        return self.given.data if made is self._own.data else self._with(made)

    def _check_free(self) -> None:
        """Refuses where a manifest, or a signature in another file, is over the file of this one."""
        check_free(self.file, self._manifests)
        own = data_id(self.archive.members[self.file])
        over = [
            one.file or ""
            for one in self.given.evidence.signatures
            if one.file != self.file and any(own in part.covers for part in one.references if part.intact)
        ]
        if over:
            raise Rejected(
                "asic.covered",
                f"{self.file:.100} stays as it is: the signature in {over[0]:.100} is over it. Add to that "
                "one.",
            )

    def _with(self, octets: Data) -> Data:
        return with_member(self.given.data, self.file, octets, limits=self.given.limits)

    @property
    def _is_archived_whole(self) -> bool:
        """Whether archive time-stamps are over the container, and not in the signature."""
        kind = self.given.evidence.container
        return kind is Container.ASIC_E and self.given.signature.format is Format.CADES

    @property
    def _is_archived(self) -> bool:
        over = covering(self.file, self._manifests)
        return any(role_of(one) is Role.ARCHIVE_MANIFEST for one in over)

    @cached_property
    def _own(self) -> Given:
        """The signature in its own file, with what of the container that is over."""
        octets = self.archive.members[self.file].octets()
        members = list(self.archive.members.values())
        if self.given.signature.format is Format.CADES:
            # The first reference is to what its value is over; those of its manifest come after it.
            covered = self.given.signature.references[0].covers
            members = [one for one in members if data_id(one) in covered]
        return replace(self.given, data=Octets(octets, self.file), detached=members, reading=None)

    @cached_property
    def _inner(self) -> Writer:
        return writer_of(self._own)


def writer(given: Given) -> _Writer:
    """The writer of a signature.

    Raises:
        Rejected: ``asic.damaged``: readers see different things in the container; ``augmenting.place``.
    """
    archive, _ = opened(given.data, given.limits)
    file = given.signature.file
    if file is None or file not in archive.members:
        raise Rejected("augmenting.place", "The signature is in no file of the container.")
    return _Writer(given, archive, file)
