"""Every signer of one structure, with counter-signatures and all that was added to each.

Source: EN 319 122-1, 4 and 5.2.7 (counter-signature); RFC 5652, 11.4; RFC 4998, A.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.formats.cades import evidence_records, unsigned
from trustworks.formats.cades import identifiers as ids
from trustworks.formats.cades.archive import Budget
from trustworks.formats.cades.levels import level_of
from trustworks.formats.cms import rules
from trustworks.formats.cms.signed import Content, read_signer
from trustworks.formats.cms.stored import content_of
from trustworks.formats.cms.structure import signer_info
from trustworks.formats.cms.tokens import (
    REVOCATION_ARCHIVAL,
    take_attribute_values,
    take_certificates,
    take_revocation,
)
from trustworks.formats.data import Octets
from trustworks.formats.evidence import Finding, TimeStampKind, Weight, Where
from trustworks.formats.verification.validation_data import (
    certificate_end,
    is_complete,
    without_last_archive,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trustworks.formats.cms.attributes import SignedAttributes
    from trustworks.formats.cms.structure import CmsAttribute, SignedData, SignerInfo
    from trustworks.formats.collector import Collector
    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Signature
    from trustworks.formats.limits import Limits

_TIMES_DIGESTED: Final = 16
"""How often the octets of one file may be digested for its archive time-stamps, beside those of the limit."""
_DEEPEST: Final = 16
"""How many counter-signatures of counter-signatures are followed."""


class Reader:
    """Reads the signers of one structure into a collector."""

    def __init__(
        self,
        data: SignedData,
        collector: Collector,
        *,
        detached: Sequence[Data],
        limits: Limits,
        file: str | None,
        path: Path | None = None,
    ) -> None:
        """`path`: the file in which the structure lies and is looked at; None: it is in memory."""
        self._data = data
        self._collector = collector
        self._limits = limits
        self._file = file
        self._left = limits.signatures
        self._contents = tuple(detached) if data.content is None else (content_of(data, path),)
        self._path = path
        size = data.content_info.after - data.content_info.start + sum(one.size for one in detached)
        self._budget = Budget(limits.digested + _TIMES_DIGESTED * size)
        self._certificates = take_certificates(data, collector, None, Where.KEY_INFO)
        self._revocation = take_revocation(data, collector, None)
        self._ers = _has_evidence_record(data)
        self._gathered: list[tuple[unsigned.Gathering, Sequence[Signature]]] = []

    def read(self) -> tuple[Signature, ...]:
        """The signatures, each before its counter-signatures. Raises `Malformed`: none can be read."""
        content = Content(
            type=self._data.content_type,
            data=self._contents,
            ids=tuple(self._collector.data(one) for one in self._contents),
        )
        found = [
            one
            for at, signer in enumerate(self._data.signers)
            for one in self._signer(signer, content, None, (at,))
        ]
        if not found and self._data.signers:
            raise Malformed("The signed data has no signer that can be read.")
        recorded = self._evidence_records()
        return tuple(recorded.get(one.id, one) for one in found)

    def _signer(
        self, signer: SignerInfo, content: Content, parent: str | None, place: tuple[int, ...]
    ) -> list[Signature]:
        self._left -= 1
        if self._left < 0:
            raise BeyondLimit(
                f"The file has more than the {self._limits.signatures} signatures that are read.",
                "signatures",
            )
        try:
            signature, attributes = read_signer(
                signer,
                content,
                collector=self._collector,
                key_info=self._certificates,
                parent=parent,
                file=self._file,
            )
        except BeyondLimit:
            raise
        except (Malformed, IndexError) as error:
            self._collector.finding(
                Finding(
                    code="cms.signer-unreadable",
                    text=f"A signer at octet {signer.element.start} cannot be read: {error}",
                    weight=Weight.FATAL,
                )
            )
            return []
        self._collector.signature(signature)
        self._collector.place(signature.id, place)
        covered = signature.references[0].covers
        at = next((place for place, named in enumerate(content.ids) if named in covered), None)
        gathering = unsigned.Gathering(
            data=self._data,
            signer=signer,
            signature=signature,
            content=None if at is None else content.data[at],
            collector=self._collector,
            limits=self._limits,
            file=self._file,
            shared=frozenset((*self._certificates, *self._revocation)),
            budget=self._budget,
            path=self._path,
        )
        counters = self._gather(gathering, attributes, place)
        self._gathered.append((gathering, counters))
        signature = self._finished(gathering, attributes, counters, counter=content.counter)
        self._collector.signature(signature)
        return [signature, *counters]

    def _gather(
        self, gathering: unsigned.Gathering, attributes: SignedAttributes, place: tuple[int, ...]
    ) -> list[Signature]:
        if REVOCATION_ARCHIVAL in attributes.by_type:
            _, revocation = take_attribute_values(
                attributes.by_type[REVOCATION_ARCHIVAL],
                self._collector,
                gathering.signature.id,
                gathering.findings,
            )
            gathering.revocation.extend(revocation)
        unsigned.read_content_time_stamps(gathering, attributes)
        if not gathering.signer.unsigned_attributes:
            return []
        unsigned.read_values_and_references(gathering)
        unsigned.read_signature_time_stamps(gathering)
        unsigned.read_long_term_validation(gathering)
        counters = self._counter_signatures(gathering, place)
        unsigned.read_archive_time_stamps(gathering)
        return counters

    def _counter_signatures(self, gathering: unsigned.Gathering, place: tuple[int, ...]) -> list[Signature]:
        """Signatures of the octets of the value (RFC 5652, 11.4)."""
        parent = gathering.signature
        values = [value for one in gathering.of(ids.COUNTER_SIGNATURE) for value in one.values]
        if values and len(place) > _DEEPEST:
            raise BeyondLimit(f"Of counter-signatures one of the other, {_DEEPEST} are read and no more.")
        content = Content(
            type=self._data.content_type,
            data=(Octets(parent.value, "the signature's value"),),
            ids=(parent.id,),
            counter=True,
        )
        found: list[Signature] = []
        for at, value in enumerate(values):
            try:
                signer = signer_info(value, self._limits)
            except BeyondLimit:
                raise
            except Malformed as error:
                gathering.findings.append(
                    Finding(
                        code="cades.counter-signature-unreadable",
                        text=f"An attribute countersignature holds none that can be read: {error}",
                        weight=Weight.SUSPICIOUS,
                    )
                )
                continue
            inside = self._signer(signer, content, parent.id, (*place, at))
            found.extend(inside)
            gathering.holds[value.start] = {token for one in inside for token in (one.id, *one.time_stamps)}
        return found

    def _finished(
        self,
        gathering: unsigned.Gathering,
        attributes: SignedAttributes,
        counters: Sequence[Signature],
        *,
        counter: bool,
    ) -> Signature:
        signature = gathering.signature
        certificates = (*self._certificates, *gathering.certificates)
        revocation = (*self._revocation, *gathering.revocation)
        findings = (*signature.findings, *gathering.findings)
        if counter:
            findings = (*findings, *rules.of_another(signature.references[0]))
        policy = unsigned.read_policy_store(gathering, signature.attributes.policy)
        shared = signature.attributes
        return replace(
            signature,
            level=self._level(gathering, attributes, revocation, counter=counter),
            attributes=shared if policy is shared.policy else replace(shared, policy=policy),
            certificates=tuple(dict.fromkeys(certificates)),
            revocation=tuple(dict.fromkeys(revocation)),
            time_stamps=tuple(one.id for one in gathering.time_stamps),
            counter_signatures=tuple(one.id for one in counters if one.parent == signature.id),
            findings=findings,
        )

    def _evidence_records(self) -> dict[str, Signature]:
        """Reads the records of all signers, last: each is over the whole structure, and so over every signer.

        Answers the signatures that have some, by their ids.
        """
        covers = frozenset[str]().union(*(_held(*one) for one in self._gathered))
        found = {}
        for gathering, _ in self._gathered:
            signature = self._collector.signature_by_id(gathering.signature.id)
            if signature is None or not gathering.of(*evidence_records.KINDS):
                continue
            findings: list[Finding] = []
            records: tuple[str, ...] = ()
            if self._path is not None:
                findings.append(evidence_records.TOO_LARGE)
            else:
                records = evidence_records.read_evidence_records(
                    self._data,
                    gathering.signer,
                    self._collector,
                    covers=covers,
                    content=gathering.content,
                    owner=gathering.signature.id,
                    file=self._file,
                    limits=self._limits,
                    findings=findings,
                )
            found[signature.id] = replace(
                signature, evidence_records=records, findings=(*signature.findings, *findings)
            )
            self._collector.signature(found[signature.id])
        return found

    def _level(
        self,
        gathering: unsigned.Gathering,
        attributes: SignedAttributes,
        revocation: Sequence[str],
        *,
        counter: bool,
    ) -> str:
        by_type: dict[str, list[CmsAttribute]] = {}
        for one in gathering.signer.unsigned_attributes:
            by_type.setdefault(one.type, []).append(one)
        references = attributes.signing_certificate
        named = (
            self._collector.token_by_digest("C", references[0].digest_algorithm, references[0].digest)
            if references
            else None
        )
        return level_of(
            attributes,
            by_type,
            counter=counter,
            certificate_inside=named in self._certificates,
            in_time=self._is_in_time(gathering, named),
            validation_data=is_complete(
                gathering.signature,
                (one.signature for one in without_last_archive(gathering.time_stamps)),
                self._collector,
                certificates=(*self._certificates, *gathering.certificates),
                revocation=revocation,
            ),
            ers=self._ers,
        )

    def _is_in_time(self, gathering: unsigned.Gathering, named: str | None) -> bool:
        """Whether there are time-stamps of the signature, from before its certificate ends."""
        times = [one.time for one in gathering.time_stamps if one.kind is TimeStampKind.SIGNATURE]
        end = None if named is None else certificate_end(self._collector.token(named) or b"")
        return bool(times) and (end is None or max(times) < end)


def _held(gathering: unsigned.Gathering, counters: Sequence[Signature]) -> frozenset[str]:
    """The ids of a signer's signature and of all that it holds."""
    held = {named for names in gathering.holds.values() for named in names}
    return gathering.base() | gathering.shared | held | {one.id for one in counters}


def _has_evidence_record(data: SignedData) -> bool:
    """Whether a signer has an evidence record, in the attribute for data that is inside or outside."""
    kind = ids.EVIDENCE_RECORD_EXTERNAL if data.content is None else ids.EVIDENCE_RECORD_INTERNAL
    other = ids.EVIDENCE_RECORD_INTERNAL if data.content is None else ids.EVIDENCE_RECORD_EXTERNAL
    for signer in data.signers:
        types = {one.type for one in signer.unsigned_attributes}
        if kind in types and other not in types:
            return True
    return False
