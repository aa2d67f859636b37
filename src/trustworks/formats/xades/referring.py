"""References of a signature as evidence: what each is to, whether it holds, what people are told of it.

Sources: EN 319 132-1, 4.4.2, 5.2.7 and 6.3; XML Signature 1.1, 4.4.3, 4.5 and 5.1.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import BeyondLimit, Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.core.xml.algorithms import ENVELOPED, XSLT
from trustworks.core.xml.canonical import ALGORITHMS
from trustworks.core.xml.dsig import read_manifest
from trustworks.formats.data import DigestOnly, Octets
from trustworks.formats.evidence import Finding, Reference, ReferenceKind, Scope, ScopeKind, Weight
from trustworks.formats.xades import names, structure, values
from trustworks.formats.xades.detached import leads_out
from trustworks.formats.xades.levels import SignedReference
from trustworks.formats.xades.places import misplaced, partly

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lxml import etree

    from trustworks.core.xml import dsig
    from trustworks.formats.data import Data
    from trustworks.formats.xades.detached import Found
    from trustworks.formats.xades.reader import Reader
    from trustworks.formats.xades.structure import Parts

DATA_KINDS: Final = frozenset(
    {ReferenceKind.CONTENT, ReferenceKind.OBJECT, ReferenceKind.MANIFEST, ReferenceKind.COUNTER_SIGNED}
)
"""References of which a signature needs one: without it only its own properties are signed."""

_UNTYPED: Final = Finding(
    code="xades.signed-properties-untyped",
    text="The reference to the signed properties does not say by its type that it is to them.",
    weight=Weight.NOTE,
    requirement="EN319132-1:4.4.2",
)


_PROGRAM: Final = Finding(
    code="xades.program",
    text="A reference is transformed by XSLT, a program of the signer, which is not run: what is signed is "
    "not known.",
    weight=Weight.FATAL,
    requirement="XMLDSIG-BP:XSLT",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Referred:
    """One ds:Reference of SignedInfo: the evidence of it, and what else the reader needs of it.

    `manifest` has the evidence of the entries of the manifest that it is to, `entries` their data. `data` is
    what was digested, None where it is not at hand; `element` the element that its URI names.
    """

    evidence: Reference
    core: dsig.Reference
    element: etree._Element | None
    data: Data | None
    is_node_set: bool
    signed: SignedReference
    manifest: tuple[Reference, ...] = ()
    entries: tuple[Data | None, ...] = ()
    scopes: tuple[Scope, ...] = ()

    @property
    def kind(self) -> ReferenceKind:
        """What it is to."""
        return self.evidence.kind


class Referring:
    """Resolves the references of one signature.

    `value` is the SignatureValue that it has to countersign, where it is in another's property; else None.
    """

    def __init__(self, reader: Reader, parts: Parts, value: etree._Element | None) -> None:
        self._reader = reader
        self._document = reader.document
        self._parts = parts
        self._value = value
        self.findings: list[Finding] = []

    def all(self, references: Sequence[dsig.Reference]) -> tuple[Referred, ...]:
        """All of SignedInfo, in order."""
        alone = _is_alone(references)
        return tuple(self._one(reference, alone=alone) for reference in references)

    def _one(self, reference: dsig.Reference, *, alone: bool) -> Referred:
        found = self._resolved(reference, alone=alone)
        if any(one.algorithm == XSLT for one in reference.transforms):
            self._find(_PROGRAM)
        element = found.element
        kind = self._kind(reference, found)
        wrong = misplaced(kind, found, self._parts, self._value) if found.found else None
        place = wrong is None
        if wrong is not None:
            self._find(wrong)
        for finding in structure.unique_ids(found.ambiguous):
            self._find(finding)
        entries: tuple[Reference, ...] = ()
        entry_scopes: tuple[Scope, ...] = ()
        listed: tuple[dsig.Reference, ...] = ()
        held: tuple[Data | None, ...] = ()
        if kind is ReferenceKind.MANIFEST and place and element is not None:
            listed, entries, entry_scopes, held = self._entries(element)
        is_data = kind in {ReferenceKind.CONTENT, ReferenceKind.OBJECT, ReferenceKind.MANIFEST}
        is_data = is_data or found.name is not None  # the file of another signature
        named = self._taken(found) if is_data else None
        covers = [] if named is None else [named]
        if named is not None:
            found = replace(found, data=self._reader.collector.data_by_id(named))
        scope = _scope(kind, reference, found, named) if place else None
        for entry in entries:
            covers += entry.covers
        evidence = Reference(
            kind=kind,
            name=reference.uri or reference.id,
            digest_algorithm=values.hash_name(reference.digest_uri),
            expected=reference.expected,
            actual=found.actual,
            # Of a counter-signature the value that it has to be over is at hand, and its digest is another.
            found=found.found and (place or kind is ReferenceKind.COUNTER_SIGNED),
            intact=found.intact and place,
            id=reference.id,
            type=reference.type,
            transforms=tuple(one.algorithm for one in reference.transforms),
            covers=frozenset(covers),
            why=found.why if wrong is None else wrong.text,
        )
        return Referred(
            evidence=evidence,
            core=reference,
            element=element,
            data=found.data,
            is_node_set=found.is_node_set,
            signed=self._signed(kind, reference, element, listed),
            manifest=entries,
            entries=held,
            scopes=(*(() if scope is None else (scope,)), *entry_scopes),
        )

    def _resolved(self, reference: dsig.Reference, *, alone: bool) -> Found:
        found = self._reader.detached.resolved(reference, self._document, alone=alone)
        if isinstance(found.data, Octets):
            self._reader.spend(found.data.size)
        if found.beside is not None and found.intact:
            self._reader.collector.signed_otherwise(found.beside)
        return found

    def _taken(self, found: Found) -> str | None:
        """The id of what was digested; None where only a digest of it is known, and not the one for ids."""
        if found.data is None or not found.found or _is_claim(found):
            return None
        try:
            return self._reader.collector.data(found.data)
        except Rejected:
            return None

    def _find(self, finding: Finding) -> None:
        if finding not in self.findings:
            self.findings.append(finding)

    def _kind(  # noqa: PLR0911 - a case for each kind
        self, reference: dsig.Reference, found: Found
    ) -> ReferenceKind:
        """By its type, and by what it is to where no type is needed."""
        element = found.element
        if reference.type in names.SIGNED_PROPERTIES_TYPES:
            return ReferenceKind.SIGNED_PROPERTIES
        if found.is_whole and structure.is_own_signed_properties(element, self._parts):
            self._find(_UNTYPED)
            return ReferenceKind.SIGNED_PROPERTIES
        if self._is_countersigning(reference, element):
            return ReferenceKind.COUNTER_SIGNED
        if element is not None and element is self._parts.key_info:
            return ReferenceKind.KEY_INFO
        if reference.uri is not None and reference.uri.startswith("#"):
            if reference.type == names.OBJECT_TYPE:
                own = structure.is_own_object(element, self._parts)
                if own and not structure.is_taken_whole(whole=found.is_selected):
                    # What transforms leave of an object is data like any other, and is shown as a part.
                    self._find(partly(ReferenceKind.OBJECT))
                    return ReferenceKind.CONTENT
                return ReferenceKind.OBJECT
            if reference.type == names.MANIFEST_TYPE:
                return ReferenceKind.MANIFEST
        return ReferenceKind.CONTENT

    def _is_countersigning(self, reference: dsig.Reference, element: etree._Element | None) -> bool:
        """By its type, or by being to the value that has to be countersigned.

        A signature that stands for itself may countersign another file, or a value in the document; of what
        else it says so, and of a part of a file, it is a reference to data.
        """
        if self._value is not None:
            return reference.type in names.COUNTERSIGNED_TYPES or element is self._value
        if reference.type not in names.COUNTERSIGNED_TYPES:
            return False
        if element is None:
            return all(one.algorithm in ALGORITHMS for one in reference.transforms)
        return element.tag == names.SIGNATURE_VALUE

    def _signed(
        self,
        kind: ReferenceKind,
        reference: dsig.Reference,
        element: etree._Element | None,
        listed: tuple[dsig.Reference, ...],
    ) -> SignedReference:
        own = element if structure.is_own_object(element, self._parts) else None
        return SignedReference(
            id=reference.id,
            is_data=not (reference.uri or "").startswith("#")
            or (
                kind in {ReferenceKind.CONTENT, ReferenceKind.OBJECT}
                and not _is_about_signature(element, self._parts)
            ),
            object_mime_type=None if own is None else own.get("MimeType") or None,
            object_encoding=None if own is None else own.get("Encoding") or None,
            entries=tuple(SignedReference(id=one.id, is_data=True) for one in listed),
        )

    def _entries(
        self, manifest: etree._Element
    ) -> tuple[tuple[dsig.Reference, ...], tuple[Reference, ...], tuple[Scope, ...], tuple[Data | None, ...]]:
        """The entries of a manifest; that one is missing is for its user to judge (XMLDSIG, 5.1)."""
        try:
            listed = read_manifest(manifest, self._document.limits)
        except BeyondLimit:
            raise
        except Malformed as error:
            self._find(
                Finding(
                    code="xades.manifest",
                    text=str(error),
                    weight=Weight.SUSPICIOUS,
                    requirement="XMLDSIG:5.1-MANIFEST",
                )
            )
            return (), (), (), ()
        entries, scopes, held = [], [], []
        alone = _is_alone(listed)
        for reference in listed:
            found = self._resolved(reference, alone=alone)
            named = self._taken(found)
            # The manifest has the digest of what it lists, and is no proof that anything else existed.
            covers = [] if named is None or not found.intact else [named]
            if named is not None:
                found = replace(found, data=self._reader.collector.data_by_id(named))
            held.append(found.data if found.found else None)
            if found.intact:
                scopes.append(
                    Scope(
                        kind=ScopeKind.MANIFEST_ENTRY,
                        name=reference.uri or reference.id or "",
                        text="An entry of the list of data objects.",
                        transforms=tuple(one.algorithm for one in reference.transforms),
                        data=found.data,
                        id=named,
                    )
                )
            entries.append(
                Reference(
                    kind=ReferenceKind.MANIFEST_ENTRY,
                    name=reference.uri or reference.id,
                    digest_algorithm=values.hash_name(reference.digest_uri),
                    expected=reference.expected,
                    actual=found.actual,
                    found=found.found,
                    intact=found.intact,
                    mandatory=False,
                    id=reference.id,
                    type=reference.type,
                    transforms=tuple(one.algorithm for one in reference.transforms),
                    covers=frozenset(covers),
                    why=found.why,
                )
            )
        return listed, tuple(entries), tuple(scopes), tuple(held)


def _is_alone(references: Sequence[dsig.Reference]) -> bool:
    """Whether no more than one leads out of the document."""
    return sum(map(leads_out, references)) < 2


def with_missing(
    referred: Sequence[Referred], *, is_xades: bool, is_counter_signature: bool
) -> Iterator[Reference]:
    """The references with their manifests' entries; and one that is not found for each that is missing.

    A signature has a reference to data, and one of XAdES has one to its signed properties.
    """
    for one in referred:
        yield one.evidence
        yield from one.manifest
    kinds = {one.kind for one in referred if one.evidence.found}
    if is_xades and missing_signed_properties(kinds):
        yield _missing(ReferenceKind.SIGNED_PROPERTIES, "The signature does not sign its signed properties.")
    if is_counter_signature and ReferenceKind.COUNTER_SIGNED not in kinds:
        why = "It is a counter-signature by its place, and does not sign the signature that it is in."
        yield replace(_missing(ReferenceKind.COUNTER_SIGNED, why), found=True)
    if missing_data(kinds):
        yield _missing(ReferenceKind.CONTENT, "The signature signs no data.")


@implements("EN319132-1:4.4.2-reference", disabled=lambda _kinds: False)
def missing_signed_properties(kinds: set[ReferenceKind]) -> bool:
    """A reference to the signed properties is in SignedInfo."""
    return ReferenceKind.SIGNED_PROPERTIES not in kinds


@implements("EN319132-1:4.4.2-data", disabled=lambda _kinds: False)
def missing_data(kinds: set[ReferenceKind]) -> bool:
    """Something else than the signature itself is signed."""
    return not kinds & DATA_KINDS


def _missing(kind: ReferenceKind, why: str) -> Reference:
    return Reference(
        kind=kind,
        name=None,
        digest_algorithm=None,
        expected=None,
        actual=None,
        found=False,
        intact=False,
        why=why,
    )


def _is_about_signature(element: etree._Element | None, parts: Parts) -> bool:
    """Whether an element is ds:SignatureProperties (or one of them) in a ds:Object of the signature."""
    if element is not None and names.split(str(element.tag))[1] == "SignatureProperty":
        element = element.getparent()
    return (
        element is not None
        and element.tag == names.SIGNATURE_PROPERTIES
        and structure.is_own_object(element.getparent(), parts)
    )


def _is_claim(found: Found) -> bool:
    """Whether of the data only a digest is known that the one of the reference cannot be compared with."""
    return found.actual is None and isinstance(found.data, DigestOnly)


def _scope(kind: ReferenceKind, reference: dsig.Reference, found: Found, named: str | None) -> Scope | None:
    """What people are told that a reference covers; None for parts of the signature itself."""
    if kind in {ReferenceKind.SIGNED_PROPERTIES, ReferenceKind.KEY_INFO} or not found.found:
        return None
    trace = tuple(one.algorithm for one in reference.transforms)
    plain = all(one in ALGORITHMS or one == ENVELOPED for one in trace)
    name = found.name or reference.uri or reference.id or ""
    if kind is ReferenceKind.COUNTER_SIGNED:
        scope, text = ScopeKind.COUNTER_SIGNATURE, "The value of another signature."
    elif kind is ReferenceKind.MANIFEST:
        scope, text = ScopeKind.MANIFEST, "A list of data objects with their digests."
    elif isinstance(found.data, DigestOnly):
        scope, text = ScopeKind.DIGEST, "A file of which only the digest is known."
    elif found.element is not None and found.element.getparent() is not None:
        local = names.split(str(found.element.tag))[1]
        scope = ScopeKind.PARTIAL
        text = f"The element {local} of the document." if plain else f"What transforms leave of {local}."
    elif not plain:
        scope, text = ScopeKind.PARTIAL, "What transforms leave of the document."
    elif found.element is None and (reference.uri is None or reference.uri[:1] not in {"", "#"}):
        scope, text = ScopeKind.FULL, "The whole file."
    else:
        without = ", without this signature" if ENVELOPED in trace else ""
        scope, text = ScopeKind.FULL, f"The whole document{without}."
    return Scope(
        kind=scope,
        name=name,
        text=text,
        transforms=trace,
        data=None if _is_claim(found) else found.data,
        id=named,
    )
