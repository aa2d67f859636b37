"""The objects that a report refers to, each with the earliest proof of its existence.

Source: TS 119 102-2 V1.4.1, 4.4 (from its schema; the text is not at hand).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.validation.model import PoeOrigin
from trustworks.validation.report.etsi.associated import checks_of
from trustworks.validation.report.etsi.constraints import constraint
from trustworks.validation.report.etsi.elements import (
    SHA256,
    URN,
    base64,
    child,
    digest_of_data,
    refer,
    status,
)
from trustworks.validation.report.words import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from lxml import etree

    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Evidence, Reference, Signature, TimeStamp
    from trustworks.validation.model import Poe
    from trustworks.validation.report.etsi.associated import Associated
    from trustworks.validation.report.judged import Judged

_OBJECTS: Final = {"C": "certificate", "R": "CRL", "O": "OCSPResponse"}


@implements(
    "TRUSTWORKS:VALIDATION-REPORT-OBJECTS",
    disabled=lambda evidence: dict.fromkeys(evidence.data, "signedData"),
)
def covered(evidence: Evidence) -> dict[str, str]:
    """The data objects that are told of, by what they are: signed, or covered in another way.

    Data that was given and that nothing covers is none of them: a report that listed it would be read, and
    sealed, as if it were signed. What time-stamps or evidence records alone are over is no signed data; in a
    file without signatures, of which the report is about the time-stamps, what they are over is.
    """
    about: Sequence[Signature | TimeStamp] = evidence.signatures or evidence.time_stamps
    signed = _objects_of(reference for one in about for reference in one.references)
    others = frozenset().union(
        *(one.covers for one in evidence.time_stamps),
        *(one.covers for one in evidence.evidence_records),
        _objects_of(one for record in evidence.evidence_records for one in record.references),
    )
    return {
        named: "signedData" if named in signed else "other"
        for named in evidence.data
        if named in signed or named in others
    }


def _objects_of(references: Iterable[Reference]) -> frozenset[str]:
    return frozenset().union(*(one.covers for one in references))


class Objects:
    """The objects of one report. `listed` are the ids of all, `poes` the earliest proof of each."""

    def __init__(self, judged: Judged) -> None:
        evidence, extra = judged.evidence, judged.extra
        self._evidence = evidence
        self._outcome = judged.outcome
        self._extra = extra
        self.covered = covered(evidence)
        self.listed = {
            *evidence.certificates,
            *evidence.revocation,
            *self.covered,
            *(one.id for one in evidence.time_stamps),
            *(one.id for one in evidence.evidence_records),
            *(one.id for one in (*extra.certificates, *extra.revocation)),
        }
        self.poes: dict[str, Poe] = {}
        for poe in sorted(judged.outcome.poes, key=lambda one: (one.time, one.by or "")):
            self.poes.setdefault(poe.object, poe)

    def write(self, parent: etree._Element, associated: Associated) -> None:
        """Every object, with what is known of its existence and what validating it came to."""
        for named, kind, octets, data in self._represented():
            listed = child(parent, "ValidationObject", id=named)
            child(listed, "ObjectType", f"{URN}:validationObject:{kind}")
            represented = child(listed, "ValidationObjectRepresentation")
            if data is None:
                child(represented, "base64", base64(octets or b""))
            elif not digest_of_data(represented, data):
                child(represented, "URI", f"urn:trustworks:data:{named}")
            poe = self.poes.get(named)
            if poe is not None:
                self.poe(child(listed, "POE"), poe.time, poe.by, poe.origin)
            self._of_time_stamp(listed, named, associated)
            self._of_record(listed, named)

    def _represented(self) -> Iterator[tuple[str, str, bytes | None, Data | None]]:
        tokens = [*self._evidence.certificates.values(), *self._evidence.revocation.values()]
        tokens.extend((*self._extra.certificates, *self._extra.revocation))
        for token in {one.id: one for one in tokens}.values():
            yield token.id, _OBJECTS[token.id[0]], token.der, None
        for stamp in {one.id: one for one in self._evidence.time_stamps}.values():
            yield stamp.id, "timestamp", stamp.der, None
        for record in {one.id: one for one in self._evidence.evidence_records}.values():
            yield record.id, "evidencerecord", record.octets, None
        for named, kind in self.covered.items():
            yield named, kind, None, self._evidence.data[named]

    def _of_time_stamp(self, listed: etree._Element, named: str, associated: Associated) -> None:
        found = next((one for one in self._outcome.time_stamps if one.id == named), None)
        if found is None:
            return
        stamp = next(one for one in self._evidence.time_stamps if one.id == named)
        self._proven(listed, stamp.time, stamp.covers)
        about = child(listed, "ValidationReport")
        concluded = child(about, "SignatureValidationStatus")
        status(concluded, found.verdict)
        associated.write(concluded, stamp.signature, found, stamp.time)

    def _of_record(self, listed: etree._Element, named: str) -> None:
        found = next((one for one in self._outcome.evidence_records if one.id == named), None)
        if found is None:
            return
        record = next(one for one in self._evidence.evidence_records if one.id == named)
        if found.time is not None:
            self._proven(listed, found.time, record.covers)
        about = child(listed, "ValidationReport")
        constraints = child(about, "ValidationConstraintsEvaluationReport")
        for check in checks_of(found.conclusion):
            constraint(constraints, found.conclusion, check)
        concluded = child(about, "SignatureValidationStatus")
        status(concluded, found.verdict)
        stamps = [one for one in record.time_stamps if one in self.listed]
        if stamps:
            data = child(concluded, "AssociatedValidationReportData")
            for one in dict.fromkeys(stamps):
                refer(data, "RelatedValidationObject", one)

    def _proven(self, listed: etree._Element, time: datetime, covers: Iterable[str]) -> None:
        """What a time-stamp or an evidence record proves to exist, and since when."""
        provided = child(listed, "POEProvisioning")
        child(provided, "POETime", moment(time))
        for one in sorted(self.listed.intersection(covers)):
            refer(provided, "ValidationObject", one)
        for signature in self._evidence.signatures:
            if signature.id in covers:
                reference = child(provided, "SignatureReference")
                value = hashlib.sha256(signature.value).digest()
                child(reference, "DigestMethod", SHA256)
                child(reference, "DigestValue", base64(value))

    @implements("TS119441:SVR-8.4-15")
    def poe(
        self, parent: etree._Element, time: datetime, by: str | None, origin: PoeOrigin | None = None
    ) -> None:
        """When something existed, and how that is known ((EU) 2025/1942: SVR-8.4-15)."""
        child(parent, "POETime", moment(time))
        kind = "provided" if origin is PoeOrigin.CLIENT else "validation"
        child(parent, "TypeOfProof", f"{URN}:poetype:{kind}")
        if by is not None and by in self.listed:
            refer(parent, "POEObject", by)
