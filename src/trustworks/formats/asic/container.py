"""A container read whole: its signatures, time-stamps and records, each with what it is over.

Source: EN 319 162-1, 4.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.formats.asic import rules, structure
from trustworks.formats.asic.coverage import Coverage
from trustworks.formats.asic.kinds import Role, container_of, media_type_of, role_of
from trustworks.formats.asic.manifest import read_manifest
from trustworks.formats.asic.scopes import of_entries, of_manifest, of_package, whole
from trustworks.formats.evidence import (
    Container,
    Finding,
    ReferenceKind,
    ScopeKind,
    TimeStampKind,
    Weight,
)
from trustworks.formats.evidence_record import Archived, Named, read_evidence_record
from trustworks.formats.time_stamp import read_time_stamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustworks.formats.asic.archive import Archive, Member
    from trustworks.formats.asic.manifest import Manifest
    from trustworks.formats.collector import Collector
    from trustworks.formats.evidence import Reference, Scope, Signature, TimeStamp
    from trustworks.formats.limits import Limits

_MANIFESTS = frozenset({Role.MANIFEST, Role.ARCHIVE_MANIFEST, Role.EVIDENCE_RECORD_MANIFEST})

_TIMES_NAMED: Final = 4
"""How often the manifests of a container may name as many members as are read."""


class Reader:
    """Reads what is in one container into a collector, each kind after what it may be over."""

    def __init__(self, archive: Archive, collector: Collector, limits: Limits) -> None:
        self._archive = archive
        self._collector = collector
        self._limits = limits
        self._members = archive.members
        self._roles = {name: role_of(name) for name in archive.members}
        mimetype = archive.members.get("mimetype")
        said = mimetype.octets() if mimetype is not None and mimetype.size <= limits.parsed else None
        self._media_type = media_type_of(said, archive.comment)
        self._kind = container_of(self._media_type, archive.members)
        self._findings: list[Finding] = list(archive.findings)
        self._manifests = self._read_manifests()
        self._coverage = Coverage(collector, archive.members, self._manifests)
        self._covered: set[str] = set()
        """Names of members that something covers."""

    def read(self) -> None:
        """Reads all of it."""
        signatures = len(self._named(Role.XADES, Role.CADES))
        if signatures > self._limits.signatures:
            # Each may be over any member.
            raise BeyondLimit(
                f"The container has {signatures} files of signatures, more than the "
                f"{self._limits.signatures} that are read.",
                "signatures",
            )
        self._collector.container = self._kind
        self._collector.media_type = self._media_type
        for name in self._named(Role.XADES):
            self._read_xades(name)
        for name in self._named(Role.CADES):
            self._read_cades(name)
        for name in self._in_order(self._named(Role.TIME_STAMP)):
            self._read_time_stamp(name)
        for name in self._in_order(self._named(Role.EVIDENCE_RECORD)):
            self._read_record(name)
        self._findings += structure.findings(
            self._archive, self._kind, self._roles, self._covered, self._limits
        )
        self._give_findings()

    # --- parts of the container ---------------------------------------------------------------------------

    def _named(self, *roles: Role) -> list[str]:
        return [name for name, role in self._roles.items() if role in roles]

    def _data(self) -> list[str]:
        """The data objects: all members outside of META-INF but the first, which says what the rest is."""
        return self._named(Role.DATA)

    def _read_manifests(self) -> dict[str, Manifest]:
        found: dict[str, Manifest] = {}
        entries = 0
        for name in self._named(*_MANIFESTS):
            try:
                manifest = read_manifest(self._members[name], self._limits)
            except BeyondLimit:
                raise
            except Malformed as error:
                self._find("manifest-unreadable", f"The manifest {name:.100} cannot be read: {error}")
                continue
            objection = rules.critical_extension(manifest.critical)
            if objection is not None:
                self._find("critical-extension", objection, Weight.FATAL, "EN319162-1:A.4-CRITICAL")
            found[name] = manifest
            entries += 1 + len(manifest.entries)
            if entries > _TIMES_NAMED * self._limits.members:
                raise BeyondLimit(
                    f"The manifests of the container have more than {_TIMES_NAMED * self._limits.members} "
                    "entries altogether.",
                    "members",
                )
        return found

    def _find(
        self,
        code: str,
        text: str | None,
        weight: Weight = Weight.SUSPICIOUS,
        requirement: str | None = None,
    ) -> None:
        self._findings += structure.found(code, text, weight, requirement)

    def _over(self, file: str, *roles: Role) -> Manifest | None:
        """The manifest that names what is in a member as what is over it."""
        names = [
            name
            for name, manifest in self._manifests.items()
            if manifest.signature == file and self._roles[name] in roles
        ]
        self._find(
            "two-manifests",
            rules.manifests_several(names, file),
            requirement="EN319162-1:A.4-ONE-MANIFEST",
        )
        return self._manifests[names[0]] if names else None

    def _in_order(self, names: Iterable[str]) -> list[str]:
        """Each after those that its manifest names: what is over another was made after it."""
        left = {name: self._needs(name) for name in names}
        ordered: list[str] = []
        while left:
            ready = [name for name, needs in left.items() if not needs & left.keys() - {name}]
            # Manifests that name each other in a circle are read as they come, and cannot all be intact.
            for name in ready or list(left)[:1]:
                ordered.append(name)
                del left[name]
        return ordered

    def _needs(self, name: str) -> frozenset[str]:
        return frozenset(
            entry.name
            for manifest in self._manifests.values()
            if manifest.signature == name
            for entry in manifest.entries
        )

    # --- signatures ---------------------------------------------------------------------------------------

    def _read_xades(self, file: str) -> None:
        # A container with CAdES has no use for what XML needs, and the other way round.
        from trustworks.formats.xades import read as read_xades  # noqa: PLC0415

        try:
            read_xades(
                self._members[file],
                self._collector,
                detached=self._simple_object() or list(self._members.values()),
                limits=self._limits,
                file=file,
            )
        except BeyondLimit:
            raise
        except Malformed as error:
            self._find("signature-unreadable", f"{file:.100} cannot be read: {error}", Weight.FATAL)
            return
        # XML is signed in canonical form, too, which is not what the member holds octet by octet.
        signed_otherwise = self._collector.is_signed_otherwise
        self._covered |= {name for name, member in self._members.items() if signed_otherwise(member)}
        for signature in self._in(file):
            covered = self._names_of(signature)
            self._covered |= covered
            inner = tuple(scope for name in sorted(covered) for scope in self._package(name))
            over = bool(covered - {file}) or any(_leads_out(one) for one in signature.references)
            astray = rules.over_members(over=over or signature.parent is not None, file=file)
            led = () if astray is None else structure.over_another(astray, "EN319162-1:4.4.3-XADES-OVER")
            findings = (*signature.findings, *led)
            scopes = (*signature.scopes, *inner)
            self._collector.signature(replace(signature, scopes=scopes, findings=findings))

    def _in(self, file: str) -> list[Signature]:
        return [signature for signature in self._collector.signatures if signature.file == file]

    def _names_of(self, signature: Signature) -> set[str]:
        ids = {
            *(named for scope in signature.scopes if (named := scope.id) is not None),
            *(named for reference in signature.references if reference.intact for named in reference.covers),
        }
        return {name for name, member in self._members.items() if f"D-{member.digest('sha256').hex()}" in ids}

    def _read_cades(self, file: str) -> None:
        from trustworks.formats.cades import read as read_cades  # noqa: PLC0415 - as in _read_xades

        manifest = self._over(file, *_MANIFESTS)
        over: list[Member] = [] if manifest is None else [manifest.member]
        if manifest is None:
            over = self._simple_object()
        try:
            read_cades(self._members[file], self._collector, detached=over, limits=self._limits, file=file)
        except BeyondLimit:
            raise
        except Malformed as error:
            self._find("signature-unreadable", f"{file:.100} cannot be read: {error}", Weight.FATAL)
            return
        objection = rules.manifest_missing(self._kind, found=manifest is not None, file=file)
        needed = {self._collector.data(one) for one in over}
        for signature in self._in(file):
            if signature.parent is not None:
                continue
            astray = rules.over_another(signature.references[0].covers, needed, file)
            if astray is None:
                self._complete(signature, manifest, objection)
                continue
            # What it is over is not in the container: it makes nothing there signed.
            findings = (*signature.findings, *structure.over_another(astray))
            self._collector.signature(replace(signature, findings=findings))

    def _simple_object(self) -> list[Member]:
        """The data object of an ASiC-S: the only member at the root."""
        if self._kind is not Container.ASIC_S:
            return []
        at_root = [name for name in self._data() if "/" not in name]
        return [self._members[at_root[0]]] if len(at_root) == 1 else []

    def _complete(self, signature: Signature, manifest: Manifest | None, objection: str | None) -> None:
        """A CAdES signature with what its manifest names, or with what is in the package that it signs."""
        findings = (*signature.findings, *structure.no_manifest(objection))
        if manifest is None:
            covered = self._names_of(signature)
            self._covered |= covered
            inner = tuple(scope for name in sorted(covered) for scope in self._package(name))
            scopes = (*signature.scopes, *inner)
            self._collector.signature(replace(signature, scopes=scopes, findings=findings))
            return
        entries = self._entries(manifest)
        self._covered |= {manifest.member.name, *self._coverage.names([manifest])}
        scopes = (*of_manifest(signature.scopes, manifest, self._collector), *self._entry_scopes(manifest))
        self._collector.signature(
            replace(
                signature,
                references=(*signature.references, *entries),
                scopes=scopes,
                findings=findings,
            )
        )
        self._extend(signature, manifest)

    def _entries(self, manifest: Manifest) -> tuple[Reference, ...]:
        """The entries, each covering what its member holds where it is intact; a signature needs them all."""
        return tuple(
            replace(reference, covers=self._coverage.of_member(reference.name or ""))
            if reference.intact
            else reference
            for reference in self._coverage.entries(manifest)
        )

    def _entry_scopes(self, manifest: Manifest) -> tuple[Scope, ...]:
        return of_entries(manifest, self._coverage.entries(manifest), self._members, self._collector)

    def _package(self, name: str) -> tuple[Scope, ...]:
        """The members of a container within an ASiC-S: they are what people take for the signed files."""
        if self._kind is not Container.ASIC_S or not name.lower().endswith(".zip"):
            return ()
        return of_package(self._members[name], self._collector, self._limits)

    def _extend(self, signature: Signature, manifest: Manifest) -> None:
        """Time-stamps of a signature that cover its manifest cover what the manifest digests."""
        named = self._collector.data(manifest.member)
        more = self._coverage.of_manifest(manifest)
        for stamp in self._collector.time_stamps:
            if stamp.owner == signature.id and named in stamp.covers and stamp.id not in more:
                self._collector.time_stamp(replace(stamp, covers=stamp.covers | more - {signature.id}))

    # --- time-stamps and evidence records -----------------------------------------------------------------

    def _read_time_stamp(self, file: str) -> None:
        manifest = self._over(file, Role.MANIFEST, Role.ARCHIVE_MANIFEST)
        over: Member | None = None
        covers: frozenset[str] = frozenset()
        references: tuple[Reference, ...] = ()
        scopes: tuple[Scope, ...] = ()
        if manifest is not None:
            over, covers = manifest.member, self._coverage.of_manifest(manifest)
            # What is no longer there takes nothing from when the rest was there.
            references = tuple(replace(one, mandatory=one.found) for one in self._entries(manifest))
            scopes = (whole(over, ScopeKind.MANIFEST, self._collector), *self._entry_scopes(manifest))
        elif single := self._simple_object():
            over, covers = single[0], self._coverage.of_member(single[0].name)
            scopes = (whole(over, ScopeKind.FULL, self._collector), *self._package(over.name))
        form = "archive" if self._covers_signature(manifest) else None
        try:
            stamp = read_time_stamp(
                self._members[file].octets(),
                self._collector,
                kind=TimeStampKind.CONTAINER,
                over=over,
                covers=covers,
                form=form,
                references=references,
                scopes=scopes,
                file=file,
                limits=self._limits,
            )
        except BeyondLimit:
            raise
        except Malformed as error:
            self._find("time-stamp-unreadable", f"{file:.100} cannot be read: {error}", Weight.FATAL)
            return
        objection = rules.manifest_missing(self._kind, found=manifest is not None, file=file)
        if objection is not None:
            missing = structure.no_manifest(objection)
            self._collector.time_stamp(replace(stamp, findings=(*stamp.findings, *missing)))
        if over is not None:
            self._covered.add(over.name)
        if manifest is not None:
            self._covered |= self._coverage.names([manifest])
            self._attach(stamp, manifest)

    def _covers_signature(self, manifest: Manifest | None) -> bool:
        signing = {Role.CADES, Role.XADES}
        return manifest is not None and any(
            self._roles.get(entry.name) in signing for entry in manifest.entries
        )

    def _attach(self, stamp: TimeStamp, manifest: Manifest) -> None:
        """The time-stamp is one of each signature in a file that its manifest names."""
        named = {entry.name for entry in manifest.entries}
        for signature in self._collector.signatures:
            if signature.file in named and signature.parent is None:
                self._collector.signature(
                    replace(
                        signature,
                        level=rules.level_in_container(signature.level, manifest.member.name),
                        time_stamps=(*signature.time_stamps, stamp.id),
                    )
                )

    def _read_record(self, file: str) -> None:
        manifest = None
        over = self._simple_object()
        if self._kind is not Container.ASIC_S:
            manifest = self._over(file, Role.EVIDENCE_RECORD_MANIFEST)
            over = [
                self._members[entry.name]
                for entry in (() if manifest is None else manifest.entries)
                if entry.name in self._members
            ]
        try:
            record = read_evidence_record(
                self._members[file].octets(),
                self._collector,
                over=[
                    Archived(data=member, name=member.name, covers=self._coverage.of_member(member.name))
                    for member in over
                ],
                manifest=None if manifest is None else self._named_in(manifest),
                limits=self._limits,
                file=file,
            )
        except BeyondLimit:
            raise
        except Malformed as error:
            self._find("evidence-record-unreadable", f"{file:.100} cannot be read: {error}")
            return
        # What the record is about comes with its time-stamps, where they are intact.
        self._coverage.records[file] = frozenset({record.id, *record.time_stamps})
        self._find(
            "manifest-missing",
            rules.manifest_missing(self._kind, found=manifest is not None, file=file),
        )
        self._covered |= {member.name for member in over}
        named = {member.name for member in over}
        for signature in self._collector.signatures:
            if signature.file in named and signature.parent is None:
                self._collector.signature(
                    replace(signature, evidence_records=(*signature.evidence_records, record.id))
                )

    def _named_in(self, manifest: Manifest) -> list[Named]:
        return [
            Named(
                name=reference.name or "",
                digest_algorithm=reference.digest_algorithm or "",
                digest=reference.expected or b"",
                found=reference.found,
                intact=reference.intact,
            )
            for reference in self._coverage.entries(manifest)
            if reference.kind is ReferenceKind.MANIFEST_ENTRY
        ]

    # --- the container ------------------------------------------------------------------------------------

    def _give_findings(self) -> None:
        """Findings about the container are about each of its signatures and time-stamps, too."""
        for finding in self._findings:
            self._collector.finding(finding)
        heavy = tuple(finding for finding in self._findings if finding.weight is not Weight.NOTE)
        if not heavy:
            return
        for signature in self._collector.signatures:
            self._collector.signature(replace(signature, findings=(*signature.findings, *heavy)))


def _leads_out(reference: Reference) -> bool:
    """Whether an XML reference leads out of its document; one that has no URI is named by its id."""
    name = reference.name
    return name is not None and name != reference.id and not name.startswith("#")
