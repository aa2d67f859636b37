"""Time-stamps, counter-signatures and evidence records of a signature, each with what it covers.

Sources: EN 319 132-1, 5.2.7, 5.2.8, 5.3 and 5.5, A.1.5; TS 119 132-3 for evidence records.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.formats.evidence import Finding, TimeStampKind, Weight
from trustworks.formats.time_stamp import read_time_stamp
from trustworks.formats.xades import coverage, names, values
from trustworks.formats.xades.renewed import renewed_digests
from trustworks.formats.xades.sealing import read_records
from trustworks.formats.xades.source import DocumentSource
from trustworks.formats.xades.unsigned import referred_to

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lxml import etree

    from trustworks.formats.evidence import Reference, Scope, Signature, TimeStamp
    from trustworks.formats.xades.coverage import Covered
    from trustworks.formats.xades.reader import Reader
    from trustworks.formats.xades.referring import Referred
    from trustworks.formats.xades.signed import Signed
    from trustworks.formats.xades.structure import Parts
    from trustworks.formats.xades.unsigned import Held

_VERSIONS: Final = {
    names.XADES_111: "xades-1.1.1",
    names.XADES_122: "xades-1.2.2",
    names.XADES_132: "xades-1.3.2",
    names.XADES_141: "xades-1.4.1",
}


class Properties:
    """Reads them in the order of the document. What they are is in the attributes once `read` was called."""

    def __init__(  # noqa: PLR0917 - all that was read of a signature before
        self,
        reader: Reader,
        parts: Parts,
        signature: Signature,
        signed: Signed,
        referred: Sequence[Referred],
        held: Sequence[Held],
    ) -> None:
        self.time_stamps: list[TimeStamp] = []
        self.counter_signatures: list[str] = []
        self.records: list[str] = []
        self.renewed: list[Reference] = []
        self.findings: list[Finding] = []
        self._reader = reader
        self._parts = parts
        self._signature = signature
        self._signed = signed
        self._referred = referred
        self._held = held
        self._source = DocumentSource(reader.document, reader.detached, parts, lambda: referred)
        self._ids: dict[etree._Element, frozenset[str]] = {}
        """The ids of what each unsigned property holds, for time-stamps after it to cover."""
        self._content: frozenset[str] = frozenset()
        """The time-stamps among the signed properties, and their tokens: the signature value is over them."""

    def read(self) -> None:
        """Reads all of them into the reader's collector."""
        for element in self._signed.time_stamps:
            self._content |= self._stamps(element)
        for element, held in zip(self._parts.unsigned, self._held, strict=True):
            self._ids[element] = self._property(element) | {*held.certificates, *held.revocation}
            if held.certificate_references or held.revocation_references:
                self._ids[element] |= referred_to(held, self._reader.collector)

    def _property(self, element: etree._Element) -> frozenset[str]:
        namespace, local = names.split(str(element.tag))
        if names.is_evidence_record_property(namespace, local):
            return self._seal(element)
        if not names.is_xades(namespace):
            return frozenset()
        if local == "CounterSignature":
            return frozenset(self._counter_signature(element))
        kind = coverage.kind_of(local)
        if kind is TimeStampKind.CONTENT:
            # The data was time-stamped before it was signed only where the signature is over the time-stamp.
            self._find("xades.content-time-stamp-unsigned", f"{local} is not among the signed properties.")
        elif kind is not None:
            return self._stamps(element)
        if local == "RenewedDigestsV2":
            self.renewed += renewed_digests(element, self._referred, self._source)
        return frozenset()

    def _counter_signature(self, element: etree._Element) -> Iterator[str]:
        for inner in element.iterchildren(names.SIGNATURE):
            named = self._reader.read(inner, self._parts.value, self._signature.id)
            if named is None:
                continue
            self.counter_signatures.append(named)
            if any(True for _ in inner.iter("{*}QualifyingPropertiesReference")):
                # Its properties are elsewhere, where what is over this element does not reach.
                yield named
            else:
                yield from ids_within(named, self._reader)

    def _seal(self, element: etree._Element) -> frozenset[str]:
        """Reads evidence records, which are about all that came before their property."""
        before = [one for one in self._parts.unsigned if one in self._ids]
        covers = self._signature_ids | {*self._signature.key_info}
        covers |= {name for one in before for name in self._ids[one]}
        found = read_records(
            element,
            before,
            self._source,
            self._referred,
            self._reader,
            covers=frozenset(covers),
            owner=self._signature.id,
            findings=self.findings,
        )
        self.records += found
        return frozenset(found)

    def _stamps(self, element: etree._Element) -> frozenset[str]:
        """Reads the tokens of one time-stamp property; answers their ids, and those of their certificates."""
        namespace, local = names.split(str(element.tag))
        kind = coverage.kind_of(local)
        tokens = values.all_children(element, "EncapsulatedTimeStamp")
        if values.all_children(element, "XMLTimeStamp"):
            self._find("xades.xml-time-stamp", f"{local} holds a time-stamp in XML, which is not read.")
        if kind is None or not tokens:
            return frozenset()
        covered = coverage.covered_by(element, self._source)
        covers, scopes = self._covers(kind, covered)
        over = covered.data
        # What lies in files is counted as it is digested (`Collector.count_digested`).
        self._reader.spend(covered.made)
        ids: set[str] = set()
        for token in tokens:
            self._reader.count_time_stamp()  # beyond the limit the document as a whole is refused
            der = values.octets(token)
            try:
                stamp = read_time_stamp(
                    der or b"",
                    self._reader.collector,
                    kind=kind,
                    over=over,
                    covers=covers,
                    owner=self._signature.id,
                    form=f"{_VERSIONS.get(namespace, namespace)}-{covered.form}",
                    scopes=scopes,
                    file=self._reader.file,
                    limits=self._reader.limits,
                )
            except BeyondLimit:
                raise
            except Malformed as error:
                self._find("xades.time-stamp-unreadable", f"A time-stamp in {local} cannot be read: {error}")
                continue
            if covered.why is not None:
                self._find("xades.time-stamp-cover", f"What {local} is over is not certain: {covered.why}")
            self.time_stamps.append(stamp)
            ids |= {stamp.id, *stamp.signature.certificates, *stamp.signature.revocation}
        return frozenset(ids)

    def _find(self, code: str, text: str) -> None:
        self.findings.append(Finding(code=code, text=text, weight=Weight.SUSPICIOUS))

    def _covers(self, kind: TimeStampKind, covered: Covered) -> tuple[frozenset[str], tuple[Scope, ...]]:
        ids: set[str] = set()
        scopes: list[Scope] = []
        for number in covered.references:
            ids |= self._referred[number].evidence.covers
        if kind is TimeStampKind.CONTENT:
            for number in sorted(covered.references):
                scopes += self._referred[number].scopes
        if covered.signature:
            ids |= self._signature_ids
        if covered.key_info:
            ids |= {*self._signature.key_info}
        for element in covered.properties:
            ids |= self._ids.get(element, frozenset())
        return frozenset(ids), tuple(scopes)

    @cached_property
    def _signature_ids(self) -> frozenset[str]:
        """The signature and what its value is over: data, content time-stamps, the signing certificate."""
        ids = {self._signature.id, *self._content}
        for one in self._referred:
            ids |= one.evidence.covers
            if one.element is not None and one.element is self._parts.key_info and one.evidence.intact:
                ids |= {*self._signature.key_info}
        for reference in self._signed.certificates:
            named = self._reader.collector.token_by_digest("C", reference.digest_algorithm, reference.digest)
            if named is not None:
                ids.add(named)
        return frozenset(ids)


def ids_within(named: str, reader: Reader) -> Iterator[str]:
    """The ids of a signature that was read, and of all that came with it."""
    signature = reader.collector.signature_by_id(named)
    if signature is None:
        return
    yield named
    yield from signature.certificates
    yield from signature.revocation
    yield from signature.time_stamps
    yield from signature.evidence_records
    for inner in signature.counter_signatures:
        yield from ids_within(inner, reader)
