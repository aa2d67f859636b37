"""A PDF to evidence: signatures and document time-stamps in the order of their revisions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.formats.data import is_mapped, lying, password_of
from trustworks.formats.evidence import (
    Finding,
    Format,
    Revision,
    Scope,
    ScopeKind,
    TimeStampKind,
    Weight,
)
from trustworks.formats.pades.byte_range import collisions, read_byte_range
from trustworks.formats.pades.changes import judge
from trustworks.formats.pades.contents import read_contents
from trustworks.formats.pades.differences import compare
from trustworks.formats.pades.document import Document
from trustworks.formats.pades.entries import (
    Entry,
    kind_is_clear,
    no_document,
    no_signature,
    nothing_covered,
    with_claims,
)
from trustworks.formats.pades.fields import dictionaries, signature_fields
from trustworks.formats.pades.levels import Steps, level_of
from trustworks.formats.pades.overlaps import annotations_apart, pages_with_overlaps
from trustworks.formats.pades.parts import Parts
from trustworks.formats.pades.permissions import permissions_of
from trustworks.formats.pades.second_reader import DecryptedView, disagreement
from trustworks.formats.pades.stores import Stores
from trustworks.formats.pades.unreached import unreached
from trustworks.formats.pades.view import View
from trustworks.formats.time_stamp import read_time_stamp
from trustworks.formats.verification import candidates_among
from trustworks.formats.verification.validation_data import is_complete

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trustworks.formats.collector import Collector
    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Signature, TimeStamp, Token
    from trustworks.formats.limits import Limits
    from trustworks.formats.pades.byte_range import ByteRange


def read(
    data: Data,
    collector: Collector,
    *,
    detached: Sequence[Data] = (),
    limits: Limits,
    file: str | None = None,
) -> None:
    """Reads all signatures of a file into `collector`. `file` is its name within a container.

    `detached` is not looked at: a PDF holds what it signs (see `formats.uncovered`).

    Raises:
        Malformed: nothing can be made of the file, it is encrypted for somebody, or beyond the limits.
    """
    del detached
    if data.size > limits.parsed and not is_mapped(data):
        raise BeyondLimit(
            f"{data.name or 'The PDF'} has {data.size} octets, more than the {limits.parsed} that are read, "
            "unless it is a file by itself.",
            "parsed",
        )
    try:
        _Reading(data, collector, limits, file).read()
    except RecursionError as error:
        raise BeyondLimit(f"{data.name or 'The PDF'} is nested too deeply to be read.") from error


_SHOWN_LATER: Final = frozenset(
    {"pades.form-changed", "pades.annotated", "pades.annotated-unpermitted", "pades.doc-mdp"}
)
"""Changes after a signature that put annotations on pages."""


class _Reading:
    """One file being read."""

    def __init__(self, data: Data, collector: Collector, limits: Limits, file: str | None) -> None:
        self.octets = lying(data)
        self.name = data.name
        self.file = file
        self.collector = collector
        self.limits = limits
        self.document = Document(self.octets, limits, password_of(data))
        self.view = View(self.document, len(self.octets))
        self.encrypted = "Encrypt" in self.view.trailer
        if self.encrypted:
            self.view = DecryptedView(self.document, len(self.octets))
        if self.collector.media_type is None:
            self.collector.media_type = "application/pdf"
        self.entries = self._entries()
        self._tell_of_structure()
        self.stores = Stores(self.view, collector)

    def read(self) -> None:
        for entry in self.entries:
            if entry.is_time_stamp:
                self._time_stamp(entry)
            else:
                self._signature(entry)
        later = self._changes()
        for entry, changes in zip(self.entries, later, strict=True):
            self._finish(entry, changes)
        if self._is_unusual(later) and not self.encrypted:
            for finding in disagreement(self.octets, self.dictionaries):
                self.collector.finding(finding)

    def _entries(self) -> list[Entry]:
        """All signatures and document time-stamps that can be read, by the end of what they cover."""
        found: list[Entry] = []
        signed = self.dictionaries = dictionaries(self.view)
        if len(signed) > self.limits.signatures:
            raise BeyondLimit(
                f"The PDF has {len(signed)} signatures, more than the {self.limits.signatures} read.",
                "signatures",
            )
        for dictionary in signed:
            skipped = kind_is_clear(dictionary)
            byte_range = None if skipped else read_byte_range(self.view, dictionary)
            if byte_range is not None:
                found.append(Entry(dictionary, byte_range))
                continue
            for finding in skipped or (nothing_covered(dictionary),):
                self.collector.finding(finding)
        found.sort(key=lambda one: (one.byte_range.end, one.byte_range.gap))
        for number, entry in enumerate(found, 1):
            entry.number = number
        return found

    def _tell_of_structure(self) -> None:
        """Findings about the file as a whole."""
        if self.view.rebuilt or self.view.misplaced:
            self.collector.finding(
                Finding(
                    code="pades.cross-references",
                    text="The cross-reference sections of the PDF are damaged; objects were found by "
                    "searching the file, and other readers may find others.",
                    weight=Weight.NOTE,
                )
            )
        if self.octets.count(b"/ByteRange") > len(self.dictionaries):
            for finding in unreached(self.view, self.dictionaries):
                self.collector.finding(finding)
        if {"UR", "UR3"} & self.view.entries(self.view.root.get("Perms")).keys():
            self.collector.finding(
                Finding(
                    code="pades.usage-rights",
                    text="The document carries usage rights, by which a reader of PDF lets more be done with "
                    "it. They are no signature of anybody's will.",
                    weight=Weight.NOTE,
                )
            )
        for finding in collisions([(one.name, one.byte_range) for one in self.entries]):
            self.collector.finding(finding)

    def _is_unusual(self, later: Sequence[Sequence[Finding]]) -> bool:
        """Whether readers may take the file differently, so that it is worth to ask another one.

        It was damaged; it has signatures that nothing leads to; or it was changed after a signature by more
        than validation data and time-stamps.
        """
        return (
            self.view.rebuilt
            or bool(self.view.misplaced)
            or any("XRefStm" in section.trailer for section in self.view.sections)
            or self.octets.count(b"/ByteRange") != len(self.entries)
            or any(one.code != "pades.extended" for findings in later for one in findings)
            or any(one.byte_range.findings for one in self.entries)
        )

    def _signature(self, entry: Entry) -> None:
        beside = self.view.get(entry.dictionary.entries.get("Cert"))
        given = beside if isinstance(beside, list) else [beside]
        certificates = [one for one in map(self.view.get, given) if isinstance(one, bytes)]
        covered = self._covered(entry.byte_range)
        try:
            signed = read_contents(
                entry.contents,
                entry.dictionary.sub_filter,
                covered,
                certificates,
                self.collector,
                self.limits,
                self.file,
            )
        except BeyondLimit:
            raise
        except Malformed as error:
            self.collector.finding(no_signature(entry.dictionary, str(error)))
            return
        entry.signed = signed
        entry.data = self.collector.data(covered)
        signature = signed.signature
        entry.own = {
            *(entry.data, signature.id, *signature.certificates, *signature.revocation),
            *signed.own_time_stamps,
            *(named for reference in signature.references for named in reference.covers),
        }
        for stamp in self._stamps(signed.own_time_stamps):
            entry.own |= {*stamp.signature.certificates, *stamp.signature.revocation}

    def _stamps(self, ids: Sequence[str]) -> list[TimeStamp]:
        return [one for one in self.collector.time_stamps if one.id in ids]

    def _covered(self, byte_range: ByteRange) -> Parts:
        return Parts(self.octets, byte_range.ranges, self.name, byte_range.missing)

    def _time_stamp(self, entry: Entry) -> None:
        """A document time-stamp: over all that stands in its octets (EN 319 142-1, 5.4.3)."""
        covered = self._covered(entry.byte_range)
        entry.data = self.collector.data(covered)
        covers = {entry.data, *self.stores.within(entry.byte_range.ranges)}
        for other in self.entries:
            if other.is_covered_by(entry):
                covers |= other.own
        try:
            found = read_time_stamp(
                entry.contents,
                self.collector,
                kind=TimeStampKind.DOCUMENT,
                over=covered,
                covers=frozenset(covers),
                scopes=(self._scope(entry),),
                file=self.file,
                limits=self.limits,
            )
        except BeyondLimit:
            raise
        except Malformed as error:
            self.collector.finding(no_signature(entry.dictionary, str(error)))
            return
        entry.time_stamp = found.id
        entry.own = {
            *(found.id, entry.data),
            *found.signature.certificates,
            *found.signature.revocation,
        }

    def _scope(self, entry: Entry) -> Scope:
        """What a signature covers, for people; its revision can be had whole."""
        byte_range = entry.byte_range
        if any(one.code == "pades.byte-range" for one in byte_range.findings):
            return Scope(
                kind=ScopeKind.PARTIAL,
                name=self.name or "the PDF",
                text="Octets that an impossible byte range names, as far as they are there; no document.",
                data=self._covered(byte_range),
                id=entry.data,
            )
        whole = byte_range.whole and not byte_range.findings
        return Scope(
            kind=ScopeKind.FULL if whole else ScopeKind.PARTIAL,
            name=self.name or "the PDF",
            text="The whole document."
            if whole
            else f"The document as it was in its first {byte_range.end} octets.",
            data=Parts(self.octets, ((0, byte_range.end),), self.name),
            id=entry.data,
        )

    def _changes(self) -> list[tuple[Finding, ...]]:
        """Of each entry findings about what was changed after it."""
        found: list[tuple[Finding, ...]] = []
        certified: int | None = None
        for entry in self.entries:
            old = self._revision(entry)
            if old is None:
                found.append((no_document(entry),))
                continue
            entry.permissions = permissions_of(old, entry.dictionary, signature_fields(old))
            levels = [one for one in (certified, entry.permissions.level) if one is not None]
            certified = min(levels, default=None)
            if entry.byte_range.whole:
                found.append(())
                continue
            comparison = compare(old, self.view)
            judged = judge(comparison, old, self.view, certified, entry.permissions.locked)
            if any(one.code in _SHOWN_LATER for one in judged):
                judged = (*judged, *annotations_apart(pages_with_overlaps(old, self.view)))
            found.append(judged)
        return found

    def _revision(self, entry: Entry) -> View | None:
        """The document as it was when what the entry covers was all of it."""
        end = entry.byte_range.end
        if entry.byte_range.whole:
            return self.view
        try:
            return DecryptedView(self.document, end) if self.encrypted else View(self.document, end)
        except BeyondLimit:
            raise
        except Malformed:
            return None

    def _finish(self, entry: Entry, changes: tuple[Finding, ...]) -> None:
        """Puts what the file says around a signature or time-stamp into it."""
        revision = Revision(
            field=entry.name,
            byte_range=entry.byte_range.numbers,
            number=entry.number,
            covers_all_of_it=not entry.byte_range.findings,
            permissions=None if entry.permissions is None else entry.permissions.level,
            later=changes,
            filter=entry.filter,
            sub_filter=entry.dictionary.sub_filter,
        )
        if entry.time_stamp is not None:
            stamp = self._stamps([entry.time_stamp])[0]
            self.collector.time_stamp(
                replace(stamp, revision=revision, findings=(*stamp.findings, *entry.findings()))
            )
        if entry.signed is None:
            return
        signature = entry.signed.signature
        related = self.stores.time_stamps(signature, entry.contents, self.file)
        covering = [one.time_stamp for one in self.entries if one.time_stamp and entry.is_covered_by(one)]
        signature = replace(
            signature,
            format=Format.PADES,
            time_stamps=tuple(dict.fromkeys((*signature.time_stamps, *related, *filter(None, covering)))),
            certificates=tuple(dict.fromkeys((*signature.certificates, *self.stores.of_kind("C")))),
            revocation=tuple(dict.fromkeys((*signature.revocation, *self.stores.of_kind("RO")))),
            scopes=(self._scope(entry),),
            attributes=with_claims(self.view, entry, signature.attributes),
            revision=revision,
            name=entry.name,
            findings=(*signature.findings, *entry.findings()),
        )
        self.collector.signature(replace(signature, level=self._level(entry, signature)))
        self.collector.place(signature.id, (entry.number - 1,))

    def _level(self, entry: Entry, signature: Signature) -> str:
        assert entry.signed is not None  # noqa: S101 - by the caller
        stamps = self._stamps(entry.signed.own_time_stamps)
        provided = [one.signature for one in stamps if one.kind is TimeStampKind.SIGNATURE]
        covering = [one for one in self.entries if one.time_stamp and entry.is_covered_by(one)]
        # Only what was stored after the signature is there for it.
        stored = self.stores.first_after(entry.byte_range.end)
        archiving = [one for one in covering if stored is not None and stored < one.byte_range.end]
        time_stamped = bool(provided or covering)
        # The last time-stamp over validation data is not provided for itself.
        before = covering[:-1] if archiving else covering
        provided += [one.signature for one in self._stamps([one.time_stamp or "" for one in before])]
        return level_of(
            entry.signed,
            entry.dictionary.entries,
            entry.dictionary.sub_filter,
            has_signer=self._signer_beside(signature),
            steps=Steps(
                time_stamped=time_stamped,
                validation_data=is_complete(
                    signature,
                    provided,
                    self.collector,
                    certificates=(named for one in (signature, *provided) for named in one.certificates),
                    revocation=(named for one in (signature, *provided) for named in one.revocation),
                ),
                stored=stored is not None,
                archived=bool(archiving),
            ),
        )

    def _signer_beside(self, signature: Signature) -> bool:
        certificates = self.collector.certificates()
        return _signer(signature, {one: certificates[one] for one in signature.key_info}) is not None


def _signer(signature: Signature, certificates: Mapping[str, Token]) -> bytes | None:
    """The certificate that a signature names as its own; no key is tried."""
    for one in candidates_among(signature, certificates):
        if (one.reference is not None and one.reference.digest) or one.identified:
            return certificates[one.id].der
    return None
