"""What signatures and time-stamps of a container cover, for people: files by their names in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.formats.asic.archive import open_archive
from trustworks.formats.evidence import Scope, ScopeKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trustworks.formats.asic.archive import Member
    from trustworks.formats.asic.manifest import Manifest
    from trustworks.formats.collector import Collector
    from trustworks.formats.evidence import Reference
    from trustworks.formats.limits import Limits


def whole(member: Member, kind: ScopeKind, collector: Collector) -> Scope:
    """The whole of a member."""
    return Scope(
        kind=kind,
        name=member.name,
        text="The whole of the file.",
        data=member,
        id=collector.data(member),
    )


def of_manifest(scopes: Iterable[Scope], manifest: Manifest, collector: Collector) -> tuple[Scope, ...]:
    """The scopes of a signature, with that of its manifest told as one."""
    named = collector.data(manifest.member)
    return tuple(
        replace(scope, kind=ScopeKind.MANIFEST, text="The manifest, which names what is signed.")
        if scope.id == named
        else scope
        for scope in scopes
    )


def of_entries(
    manifest: Manifest,
    references: Iterable[Reference],
    members: Mapping[str, Member],
    collector: Collector,
) -> tuple[Scope, ...]:
    """The members that intact entries of a manifest name."""
    roots = {entry.name for entry in manifest.entries if entry.root}
    scopes = []
    for reference in references:
        member = members.get(reference.name or "")
        if member is None or not reference.intact:
            continue
        root = ", the root file" if member.name in roots else ""
        text = f"The whole of a file that the manifest names{root}."
        scopes.append(replace(whole(member, ScopeKind.MANIFEST_ENTRY, collector), text=text))
    return tuple(scopes)


def of_package(member: Member, collector: Collector, limits: Limits) -> tuple[Scope, ...]:
    """The members of a container that is a member; none where it cannot be read."""
    try:
        archive = open_archive(member, limits)
    except BeyondLimit:
        raise
    except Malformed:
        return ()
    text = "A file in the package that is signed as a whole."
    return tuple(
        replace(whole(inner, ScopeKind.FULL, collector), name=f"{member.name}/{inner.name}", text=text)
        for inner in archive.members.values()
    )
