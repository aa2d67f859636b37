"""Archive time-stamps of an ASiC-E, one over the other, and validation data for the last one.

The newest manifest has the name META-INF/ASiCArchiveManifest.xml; when another comes over it, it is numbered
and named there as the one to begin with (Rootfile). What the newest time-stamp lacks for its validation goes
into its token: nothing has a digest of that yet. Source: EN 319 162-1, A.7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.adding import check_token
from trustworks.formats.asic.creating.containers import TIME_STAMP, free_name
from trustworks.formats.asic.creating.manifests import Named, manifest
from trustworks.formats.asic.creating.opened import opened
from trustworks.formats.asic.creating.replacing import Change, changed, covering, manifests_of
from trustworks.formats.asic.kinds import META_INF, MIMETYPE, Role, role_of
from trustworks.formats.cades.creating import unsigned
from trustworks.formats.collector import Collector
from trustworks.formats.data import Octets
from trustworks.formats.evidence import Container, TimeStampKind
from trustworks.formats.limits import DEFAULT
from trustworks.formats.time_stamp import read_time_stamp
from trustworks.formats.zip_writer import NewMember

if TYPE_CHECKING:
    from trustworks.core.ports import ValidationData
    from trustworks.formats.asic.archive import Archive
    from trustworks.formats.asic.manifest import Manifest
    from trustworks.formats.data import Data
    from trustworks.formats.evidence import TimeStamp
    from trustworks.formats.limits import Limits
    from trustworks.formats.zip_writer import Zip

NEWEST: Final = f"{META_INF}ASiCArchiveManifest.xml"
_NUMBERED: Final = "ASiCArchiveManifest{:03}.xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Archiving:
    """A container that waits for an archive time-stamp over `manifest`. The same container has the same."""

    container: Data
    archive: Archive
    manifest: Octets
    time_stamp: str
    """The name of the member that the token will be."""
    name: str
    renamed: str | None
    """What the manifest that was the newest is called from now on."""
    limits: Limits

    def complete(self, token: bytes) -> Zip:
        """The container with the time-stamp, read back by our own reader.

        Raises:
            Malformed: `token` is none.
            Rejected: ``signature.content``: it is over something else; ``signature.own``: it does not verify;
                ``adding.broken``: something that was intact would not be.
        """
        collector = Collector()
        stamp = read_time_stamp(
            token, collector, kind=TimeStampKind.CONTAINER, over=self.manifest, covers=frozenset()
        )
        if not stamp.references[0].intact:
            raise Rejected(
                "signature.content",
                "The time-stamp token is not over the manifest of the container. Stamp the octets that are "
                "told.",
            )
        check_token(stamp, collector.certificates())
        change = Change(
            names={} if self.renamed is None else {NEWEST: self.renamed},
            more=(
                NewMember(name=self.name, data=self.manifest),
                NewMember(name=self.time_stamp, data=Octets(token, self.time_stamp)),
            ),
        )
        return changed(self.container, self.archive, change, limits=self.limits)


def prepare_archive(container: Data, *, hash_name: str = "sha256", limits: Limits = DEFAULT) -> Archiving:
    """One more archive time-stamp over everything that is in an ASiC-E.

    Raises:
        Malformed: it is no container that can be read.
        Rejected: ``asic.kind``: it is no ASiC-E; ``asic.damaged``: readers see different things in it;
            ``asic.name``: of a member nobody can say for certain how it is called; ``asic.hash``: nothing new
            is digested by that hash function.
    """
    archive, kind = opened(container, limits)
    if kind is not Container.ASIC_E:
        raise Rejected("asic.kind", "An archive time-stamp is for an ASiC-E.")
    unsure = [one for one, member in archive.members.items() if not member.entry.is_named_for_certain]
    if unsure:
        raise Rejected(
            "asic.name",
            f"The name of the member {unsure[0]!r:.100} is not in UTF-8: others read another one, and would "
            "not find what a manifest calls so. Make the container anew.",
        )
    name, renamed = names_of_manifests(archive, manifests_of(archive, limits))
    time_stamp = free_name(TIME_STAMP, archive.members)
    named = [
        Named(
            name=renamed if one == NEWEST and renamed is not None else one,
            digest=member.digest(hash_name),
            root=one == NEWEST,
        )
        for one, member in archive.members.items()
        if one != MIMETYPE
    ]
    octets = manifest(time_stamp, named, hash_name, "application/vnd.etsi.timestamp-token")
    return Archiving(
        container=container,
        archive=archive,
        manifest=Octets(octets, name),
        time_stamp=time_stamp,
        name=name,
        renamed=renamed,
        limits=limits,
    )


@implements("EN319162-1:A.7-NEWEST", disabled=lambda _archive, _manifests: (NEWEST, None))
def names_of_manifests(archive: Archive, manifests: dict[str, Manifest]) -> tuple[str, str | None]:
    """What a new archive manifest is called, and the one that was the newest from now on (None: as it is).

    One that something names by what it is called now cannot be called otherwise.
    """
    if NEWEST not in archive.members:
        return NEWEST, None
    numbered = free_name(_NUMBERED, archive.members)
    return (numbered, None) if covering(NEWEST, manifests) else (NEWEST, numbered)


def with_time_stamp_values(container: Data, data: ValidationData, *, limits: Limits = DEFAULT) -> Zip:
    """The container with validation data in the token of its newest archive time-stamp.

    Raises:
        Malformed: it is no container that can be read, or its token is none.
        Rejected: ``asic.damaged``; ``asic.no-time-stamp``: there is none that data could be put into;
            ``adding.broken``: something that was intact would not be.
    """
    archive, _ = opened(container, limits)
    manifests = manifests_of(archive, limits)
    archiving = {
        one.signature
        for name, one in manifests.items()
        if role_of(name) is Role.ARCHIVE_MANIFEST and one.signature in archive.members
    }
    stamps = {name: _stamp(archive, name) for name in archiving if name and not covering(name, manifests)}
    if not stamps:
        raise Rejected(
            "asic.no-time-stamp",
            "The container has no archive time-stamp that validation data could be put into: something is "
            "over each of them. Add an archive time-stamp.",
        )
    name = max(stamps, key=lambda one: stamps[one].time)
    token = unsigned.with_values(unsigned.Target(structure=stamps[name].der), data)
    return changed(
        container,
        archive,
        Change(octets={name: Octets(token, name)}),
        replaced=(stamps[name].id,),
        limits=limits,
    )


def _stamp(archive: Archive, name: str) -> TimeStamp:
    return read_time_stamp(
        archive.members[name].octets(),
        Collector(),
        kind=TimeStampKind.CONTAINER,
        over=None,
        covers=frozenset(),
    )
