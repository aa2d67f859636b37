"""Which objects a member of a container holds: what covers the member covers them (EN 319 162-1, 4.4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.formats.asic.manifest import checked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trustworks.formats.asic.archive import Member
    from trustworks.formats.asic.manifest import Manifest
    from trustworks.formats.collector import Collector
    from trustworks.formats.evidence import Reference, Signature, TimeStamp


class Coverage:
    """Answers ids by names of members; what has been read since the last question counts."""

    def __init__(
        self, collector: Collector, members: Mapping[str, Member], manifests: Mapping[str, Manifest]
    ) -> None:
        self._collector = collector
        self._members = members
        self._manifests = manifests
        self._entries: dict[str, tuple[Reference, ...]] = {}
        self.records: dict[str, frozenset[str]] = {}
        """Ids that an evidence record holds, by the name of its member."""

    def entries(self, manifest: Manifest) -> tuple[Reference, ...]:
        """The entries of a manifest, each compared with its member; an entry covers what its member holds."""
        name = manifest.member.name
        if name not in self._entries:
            self._entries[name] = tuple(checked(entry, self._members) for entry in manifest.entries)
        return self._entries[name]

    def of_manifest(self, manifest: Manifest, seen: frozenset[str] = frozenset()) -> frozenset[str]:
        """The ids of a manifest and of all that its intact entries hold, manifests below it included."""
        ids = {self._collector.data(manifest.member)}
        for reference in self.entries(manifest):
            if reference.intact and reference.name is not None:
                ids |= self.of_member(reference.name, seen | {manifest.member.name})
        return frozenset(ids)

    def of_member(self, name: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
        """The ids of a member and of what is read out of it."""
        member = self._members.get(name)
        if member is None or name in seen:
            return frozenset()
        manifest = self._manifests.get(name)
        if manifest is not None:
            return self.of_manifest(manifest, seen)
        ids = {self._collector.data(member), *self.records.get(name, ())}
        for signature in self._collector.signatures:
            if signature.file == name:
                ids |= _of_signature(signature)
        for stamp in self._collector.time_stamps:
            if stamp.file == name:
                ids |= _of_time_stamp(stamp)
        return frozenset(ids)

    def names(self, manifests: Iterable[Manifest]) -> frozenset[str]:
        """The names of all members that intact entries of these manifests lead to."""
        return frozenset(
            reference.name
            for manifest in manifests
            for reference in self.entries(manifest)
            if reference.intact and reference.name is not None
        )


def _of_signature(signature: Signature) -> set[str]:
    """What a signature holds, and the data that it is over where its digests are of them."""
    ids = {
        signature.id,
        *signature.certificates,
        *signature.revocation,
        *signature.evidence_records,
    }
    if not _is_intact(signature.references):
        return ids
    return ids | {named for scope in signature.scopes if (named := scope.id) is not None}


def _of_time_stamp(stamp: TimeStamp) -> set[str]:
    """What a token holds, and what it is over where its imprint is intact: its octets determine that."""
    ids = {stamp.id, *stamp.signature.certificates, *stamp.signature.revocation}
    return ids | stamp.covers if _is_intact(stamp.references) else ids


def _is_intact(references: Iterable[Reference]) -> bool:
    """Whether all is as it was digested."""
    return all(one.intact for one in references if one.mandatory)
