"""A container with some of its members anew: all others keep their octets, names, order and extra fields.

What was intact in the container has to be intact when it is written: a member that a manifest names with its
digest is not replaced. Source: EN 319 162-1, 4.4 and A.7.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from trustworks.core.errors import BeyondLimit, Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.adding import State, check_unbroken
from trustworks.formats.asic.archive import DEFLATED, Member, open_archive
from trustworks.formats.asic.container import Reader
from trustworks.formats.asic.creating.opened import opened
from trustworks.formats.asic.directory import read_directory
from trustworks.formats.asic.kinds import Role, role_of
from trustworks.formats.asic.manifest import read_manifest
from trustworks.formats.collector import Collector
from trustworks.formats.limits import DEFAULT
from trustworks.formats.zip_writer import Carried, NewMember, Zip

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from trustworks.formats.asic.archive import Archive
    from trustworks.formats.asic.manifest import Manifest
    from trustworks.formats.data import Data
    from trustworks.formats.limits import Limits

_MANIFESTS = frozenset({Role.MANIFEST, Role.ARCHIVE_MANIFEST, Role.EVIDENCE_RECORD_MANIFEST})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes of a container: members with new octets, others with a new name, and members more."""

    octets: Mapping[str, Data] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    more: Sequence[NewMember] = ()


def with_member(container: Data, name: str, octets: Data, *, limits: Limits = DEFAULT) -> Zip:
    """The container with other octets in one member, read back by our own reader; never held whole.

    Raises:
        Malformed: it is no container that can be read.
        Rejected: ``asic.damaged``: readers see different things in it; ``asic.no-member``: it has no such
            member; ``asic.covered``: a manifest has the digest of that member; ``adding.broken``: something
            that was intact would not be.
    """
    archive, _ = opened(container, limits)
    if name not in archive.members:
        raise Rejected("asic.no-member", f"The container has no member {name!r:.100}.")
    check_free(name, manifests_of(archive, limits))
    return changed(container, archive, Change(octets={name: octets}), limits=limits)


def changed(
    container: Data,
    archive: Archive,
    change: Change,
    *,
    replaced: Collection[str] = (),
    limits: Limits = DEFAULT,
) -> Zip:
    """The container after a change, in which all is intact that was; `replaced` time-stamps may be others.

    `archive` is what `opened` gave of the container. Raises ``adding.broken``.
    """
    members = tuple(_written(container, archive, change, limits))
    found = Zip(members, name=container.name, comment=archive.comment)
    before, after = _state(archive, limits), _state(open_archive(found, limits), limits)
    check_unbroken(before, after, replaced)
    return found


def manifests_of(archive: Archive, limits: Limits) -> dict[str, Manifest]:
    """The manifests of a container by their names, as far as they can be read."""
    found = {}
    for name, member in archive.members.items():
        if role_of(name) in _MANIFESTS:
            try:
                found[name] = read_manifest(member, limits)
            except BeyondLimit:
                raise
            except Malformed:  # then nothing relies on it
                continue
    return found


def covering(name: str, manifests: Mapping[str, Manifest]) -> list[str]:
    """The names of the manifests that have a digest of a member."""
    return [one for one, found in manifests.items() if any(entry.name == name for entry in found.entries)]


@implements("EN319162-1:A.7-COVERED", disabled=None)
def check_free(name: str, manifests: Mapping[str, Manifest]) -> None:
    """Refuses to change a member whose digest is in a manifest, of an archive time-stamp above all."""
    found = covering(name, manifests)
    if found:
        raise Rejected(
            "asic.covered",
            f"{name:.100} stays as it is: {found[0]:.100} has its digest. Add an archive time-stamp over all "
            "of the container, or renew the evidence record that is over it.",
        )


def _written(
    container: Data, archive: Archive, change: Change, limits: Limits
) -> Iterator[NewMember | Carried]:
    for one in _members(container, archive.members, limits):
        member = one.data
        packed = one.packed if isinstance(one, NewMember) else _is_packed(member)
        if one.name in change.octets:
            yield NewMember(name=one.name, data=change.octets[one.name], packed=packed)
        elif one.name in change.names:
            yield NewMember(name=change.names[one.name], data=member, packed=packed)
        else:
            yield one
    yield from change.more


def _is_packed(member: Data) -> bool:
    return isinstance(member, Member) and member.entry.method == DEFLATED


def _members(container: Data, members: Mapping[str, Member], limits: Limits) -> Iterator[NewMember | Carried]:
    """What a container is written of, in the order of the file."""
    if isinstance(container, Zip):
        if container.kept is not None:
            yield from _members(container.kept.data, members, limits)
        yield from container.members
        return
    directory = read_directory(container, limits)
    ends = [one.header for one in directory.entries[1:]] + [directory.begin]
    for entry, end in zip(directory.entries, ends, strict=True):
        yield Carried(
            name=entry.name,
            data=members.get(entry.name, container),
            container=container,
            begin=entry.header,
            end=end,
            entry=entry.central,
        )


def _state(archive: Archive, limits: Limits) -> State:
    collector = Collector()
    Reader(archive, collector, limits).read()
    return State.of(collector)
