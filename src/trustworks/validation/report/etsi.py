"""The validation report of TS 119 102-2 V1.4.1 in XML; `seal` seals it.

Every check is reported as an individual constraint, in the order in which they were asked; every object of
the evidence as a validation object, with the earliest proof of its existence and where that comes from.

Source: TS 119 102-2 V1.4.1, 4 and 5 (from its schema; the text is not at hand).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from lxml import etree

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.formats.evidence import ScopeKind
from trustworks.validation.model import Level, PoeOrigin, Status, TimeStampOutcome
from trustworks.validation.policies.constraints import TABLE, Context, Section
from trustworks.validation.report.associated import Associated, checks_of
from trustworks.validation.report.attributes import signature_attributes
from trustworks.validation.report.elements import (
    DS,
    SHA256,
    TSL,
    URN,
    VR,
    XADES,
    base64,
    child,
    digest_of_data,
    method_and_value,
    refer,
    status,
)
from trustworks.validation.report.words import Words, moment
from trustworks.validation.rules.inputs import context_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Evidence, Reference, Scope, Signature, TimeStamp
    from trustworks.validation.model import Check, Conclusion, Poe, SignatureOutcome
    from trustworks.validation.report.judged import Judged

_CHECK: Final = "urn:trustworks:validation:check"
"""Identifiers of constraints: TS 119 102-2 leaves them to who validates."""

_CONSTRAINT: Final = "urn:trustworks:validation:constraint"
_QUALITY: Final = "urn:trustworks:validation:signature-quality"
_PROCESSES: Final = {"BASIC": "Basic", "WITH-TIME": "LTVM", "LTA": "LTA"}
_OBJECTS: Final = {"C": "certificate", "R": "CRL", "O": "OCSPResponse"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What the service states of itself.

    The SHA-256 over its validation policy; the OID of the policy of the service, as a URN ((EU) 2025/1942:
    SVP-8.2-03); the URL of its practice statement; the certificate, in DER, by which its seals are known.
    """

    policy_digest: bytes
    service_policy: str | None = None
    practice_statement: str | None = None
    certificate: bytes | None = None


@implements(
    "TS119441:SVR-8.4-02", "TS119441:SVR-B-06", "TS119441:VPR-B-15", disabled=lambda *_: etree.Element("none")
)
def report(judged: Judged, stated: Stated) -> etree._Element:
    """The report as an element, not sealed: the seal is a ds:Signature as its last child.

    It is about the signatures of a file; where there are none, about the signatures of its time-stamps, those
    of evidence records too.

    Raises:
        Rejected: ``report.no-signature``: the file has neither, and the schema knows no report about none.
    """
    if not reportable(judged):
        raise Rejected(
            "report.no-signature",
            "The file has no signature and no time-stamp, and a report of TS 119 102-2 is about these.",
        )
    return _Writer(judged, stated).written()


@implements("TS119441:SVR-8.4-14", disabled=False)
def by_digest_alone(scopes: Sequence[Scope]) -> bool:
    """Whether the service computed no digest of what is signed, and took the one that it was given."""
    return any(one.kind is ScopeKind.DIGEST for one in scopes)


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


def reportable(judged: Judged) -> bool:
    """Whether the file has something that a report can be about."""
    return bool(judged.outcome.signatures or judged.outcome.time_stamps)


class _Writer:
    def __init__(self, judged: Judged, stated: Stated) -> None:
        evidence, outcome, extra = judged.evidence, judged.outcome, judged.extra
        self._judged = judged
        self._evidence = evidence
        self._outcome = outcome
        self._stated = stated
        self._extra = extra
        self._words = Words(judged)
        self._covered = covered(evidence)
        self._listed = {
            *evidence.certificates,
            *evidence.revocation,
            *self._covered,
            *(one.id for one in evidence.time_stamps),
            *(one.id for one in evidence.evidence_records),
            *(one.id for one in (*extra.certificates, *extra.revocation)),
        }
        self._associated = Associated(judged, self._words, self._listed)
        self._poes: dict[str, Poe] = {}
        for poe in sorted(outcome.poes, key=lambda one: (one.time, one.by or "")):
            self._poes.setdefault(poe.object, poe)

    def written(self) -> etree._Element:
        root = etree.Element(f"{{{VR}}}ValidationReport", nsmap={None: VR, "ds": DS, "xades": XADES})
        signatures = {one.id: one for one in self._evidence.signatures}
        for one in self._outcome.signatures:
            best = (one.best_signature_time, one.best_signature_time_by, self._origin(one))
            conclusions = (one.basic, one.with_time, one.archival)
            self._report(root, signatures[one.id], one, conclusions, best)
        if not self._outcome.signatures:
            stamps = {one.id: one for one in self._evidence.time_stamps}
            for stamp in self._outcome.time_stamps:
                self._about_stamp(root, stamps[stamp.id], stamp)
        if self._listed:
            self._objects(child(root, "SignatureValidationObjects"))
        if self._stated.certificate is not None:
            self._validator(root, self._stated.certificate)
        return root

    @implements("TS119441:SVR-8.4-08", disabled=None)
    def _validator(self, root: etree._Element, certificate: bytes) -> None:
        """Whose report it is: its seal is by this certificate, which names the provider."""
        named = child(child(root, "SignatureValidator"), "DigitalId")
        child(named, "X509Certificate", base64(certificate), namespace=TSL)

    def _origin(self, found: SignatureOutcome) -> PoeOrigin | None:
        """Where the proof comes from by which a signature existed at its best signature time."""
        poe = self._poes.get(found.id)
        return poe.origin if poe is not None and poe.time == found.best_signature_time else None

    def _about_stamp(self, root: etree._Element, stamp: TimeStamp, found: TimeStampOutcome) -> None:
        poe = self._poes.get(stamp.id)
        best = (self._outcome.at, None, None) if poe is None else (poe.time, poe.by, poe.origin)
        signature = replace(stamp.signature, scopes=stamp.scopes)
        self._report(root, signature, found, (found.basic, found.archival), best)

    # One signature

    def _report(
        self,
        root: etree._Element,
        signature: Signature,
        found: SignatureOutcome | TimeStampOutcome,
        conclusions: Sequence[Conclusion],
        best: tuple[datetime, str | None, PoeOrigin | None],
    ) -> None:
        parent = child(root, "SignatureValidationReport")
        identifier = child(parent, "SignatureIdentifier", id=signature.id)
        digest_of_data(identifier, signature.signed)
        child(identifier, "SignatureValue", base64(signature.value), namespace=DS)
        child(identifier, "HashOnly", "false")
        child(identifier, "DocHashOnly", "true" if by_digest_alone(signature.scopes) else "false")
        if signature.name:
            child(identifier, "DAIdentifier", signature.name)
        self._constraints(parent, signature, found, conclusions)
        times = child(parent, "ValidationTimeInfo")
        child(times, "ValidationTime", moment(self._outcome.at))
        self._poe(child(times, "BestSignatureTime"), *best)
        self._document(parent, signature.scopes)
        attributes = signature_attributes(signature, self._evidence)
        if attributes is not None:
            parent.append(attributes)
        self._signer(parent, found)
        self._quality(parent, found.id)
        self._validation_process(parent, conclusions)
        concluded = child(parent, "SignatureValidationStatus")
        status(concluded, found.verdict)
        self._associated.write(concluded, signature, found, best[0])

    @implements("TS119441:SVR-8.4-10")
    def _signer(self, parent: etree._Element, found: SignatureOutcome | TimeStampOutcome) -> None:
        """Who signed, by the certificate that was taken for his."""
        if found.signing_certificate is not None and found.signing_certificate in self._listed:
            signer = child(parent, "SignerInformation")
            refer(signer, "SignerCertificate", found.signing_certificate)
            holder = self._words.holder(found.signing_certificate)
            if holder:
                child(signer, "Signer", holder)

    @implements("TS119441:SVR-8.4-12", "TS119441:SVP-8.2-03")
    def _validation_process(self, parent: etree._Element, conclusions: Sequence[Conclusion]) -> None:
        """By which process, under which policy of the service and which statement of practices."""
        process = child(parent, "SignatureValidationProcess")
        child(process, "SignatureValidationProcessID", f"{URN}:validationprocess:{_process(conclusions)}")
        if self._stated.service_policy:
            child(process, "SignatureValidationServicePolicy", self._stated.service_policy)
        if self._stated.practice_statement:
            child(process, "SignatureValidationPracticeStatement", self._stated.practice_statement)

    def _quality(self, parent: etree._Element, identifier: str) -> None:
        """What a signature is by TS 119 172-4, with identifiers of our own: those of ETSI are not at hand."""
        found = self._judged.qualifications
        level = found.signatures.get(identifier) if found else None
        if level is not None:
            named = level.level.name.lower().replace("_", "-")
            child(child(parent, "SignatureQuality"), "SignatureQualityInformation", f"{_QUALITY}:{named}")

    @implements("TS119441:SVR-8.4-05", "TS119441:SVR-8.4-06", "TS119441:SVR-8.4-07")
    def _constraints(
        self,
        parent: etree._Element,
        signature: Signature,
        found: SignatureOutcome | TimeStampOutcome,
        conclusions: Sequence[Conclusion],
    ) -> None:
        """Every check that was asked, once, and every constraint that the policy does not ask."""
        constraints = child(parent, "ValidationConstraintsEvaluationReport")
        policy = child(constraints, "SignatureValidationPolicy")
        named = child(policy, "SignaturePolicyIdentifier")
        known = child(named, "SignaturePolicyId", namespace=XADES)
        identifier = child(known, "SigPolicyId", namespace=XADES)
        child(identifier, "Identifier", self._outcome.policy, namespace=XADES)
        hashed = child(known, "SigPolicyHash", namespace=XADES)
        method_and_value(hashed, SHA256, self._stated.policy_digest)
        reported: set[int] = set()
        for conclusion in conclusions:
            for check in checks_of(conclusion):
                if id(check) not in reported:
                    reported.add(id(check))
                    self._constraint(constraints, conclusion, check)
        context = Context.TIME_STAMP if isinstance(found, TimeStampOutcome) else context_of(signature)
        for section, names in TABLE[context].items():
            for name in names:
                if self._judged.policy.level(context, name, section) is Level.IGNORE:
                    unasked = child(constraints, "ValidationConstraint")
                    path = ":".join((context, *((section,) if section is not Section.OWN else ()), name))
                    child(unasked, "ValidationConstraintIdentifier", f"{_CONSTRAINT}:{path}")
                    child(child(unasked, "ConstraintStatus"), "Status", f"{URN}:constraintStatus:disabled")

    def _constraint(self, parent: etree._Element, conclusion: Conclusion, check: Check) -> None:
        reported = child(parent, "ValidationConstraint")
        child(reported, "ValidationConstraintIdentifier", f"{_CHECK}:{check.id}")
        for kind, value in (
            ("process", conclusion.block),
            ("object", check.subject),
            ("level", check.level.value),
            *(("requirement", one) for one in (check.requirement,) if one),
            *check.details,
        ):
            parameter = child(reported, "ValidationConstraintParameter")
            child(parameter, "Type", f"urn:trustworks:validation:parameter:{kind.replace(' ', '-')}")
            child(parameter, "Value", value)
        applied = child(reported, "ConstraintStatus")
        state = "disabled" if check.level is Level.IGNORE else "applied"
        child(applied, "Status", f"{URN}:constraintStatus:{state}")
        concluded = child(reported, "ValidationStatus")
        if check.block is not None:
            status(concluded, check.block.verdict)
        else:
            child(concluded, "MainIndication", f"{URN}:mainindication:{_OF_CHECK[check.status]}")
        if check.text:
            child(reported, "Indications", check.text)

    @implements("TS119441:SVR-8.4-15")
    def _poe(
        self, parent: etree._Element, time: datetime, by: str | None, origin: PoeOrigin | None = None
    ) -> None:
        """When something existed, and how that is known ((EU) 2025/1942: SVR-8.4-15)."""
        child(parent, "POETime", moment(time))
        kind = "provided" if origin is PoeOrigin.CLIENT else "validation"
        child(parent, "TypeOfProof", f"{URN}:poetype:{kind}")
        if by is not None and by in self._listed:
            refer(parent, "POEObject", by)

    def _document(self, parent: etree._Element, scopes: Sequence[Scope]) -> None:
        named = [one.id for one in scopes if one.id is not None and one.id in self._covered]
        if not named:
            return
        document = child(parent, "SignersDocument")
        digest_of_data(document, self._evidence.data[named[0]])
        refer(document, "SignersDocumentRepresentation", *dict.fromkeys(named))

    # Validation objects

    def _objects(self, parent: etree._Element) -> None:
        for named, kind, octets, data in self._represented():
            listed = child(parent, "ValidationObject", id=named)
            child(listed, "ObjectType", f"{URN}:validationObject:{kind}")
            represented = child(listed, "ValidationObjectRepresentation")
            if data is None:
                child(represented, "base64", base64(octets or b""))
            elif not digest_of_data(represented, data):
                child(represented, "URI", f"urn:trustworks:data:{named}")
            poe = self._poes.get(named)
            if poe is not None:
                self._poe(child(listed, "POE"), poe.time, poe.by, poe.origin)
            self._of_time_stamp(listed, named)
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
        for named, kind in self._covered.items():
            yield named, kind, None, self._evidence.data[named]

    def _of_time_stamp(self, listed: etree._Element, named: str) -> None:
        found = next((one for one in self._outcome.time_stamps if one.id == named), None)
        if found is None:
            return
        stamp = next(one for one in self._evidence.time_stamps if one.id == named)
        self._proven(listed, stamp.time, stamp.covers)
        about = child(listed, "ValidationReport")
        concluded = child(about, "SignatureValidationStatus")
        status(concluded, found.verdict)
        self._associated.write(concluded, stamp.signature, found, stamp.time)

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
            self._constraint(constraints, found.conclusion, check)
        concluded = child(about, "SignatureValidationStatus")
        status(concluded, found.verdict)
        stamps = [one for one in record.time_stamps if one in self._listed]
        if stamps:
            data = child(concluded, "AssociatedValidationReportData")
            for one in dict.fromkeys(stamps):
                refer(data, "RelatedValidationObject", one)

    def _proven(self, listed: etree._Element, time: datetime, covers: Iterable[str]) -> None:
        """What a time-stamp or an evidence record proves to exist, and since when."""
        provided = child(listed, "POEProvisioning")
        child(provided, "POETime", moment(time))
        for one in sorted(self._listed.intersection(covers)):
            refer(provided, "ValidationObject", one)
        for signature in self._evidence.signatures:
            if signature.id in covers:
                reference = child(provided, "SignatureReference")
                value = hashlib.sha256(signature.value).digest()
                child(reference, "DigestMethod", SHA256)
                child(reference, "DigestValue", base64(value))


_OF_CHECK: Final = {
    Status.OK: "passed",
    Status.NOT_OK: "failed",
    Status.WARNING: "indeterminate",
    Status.INFORMATION: "indeterminate",
}


def _process(conclusions: Sequence[Conclusion]) -> str:
    """The process whose verdict is the signature's: the last of the standard's that asked anything."""
    for conclusion in reversed(conclusions):
        if conclusion.checks and conclusion.block in _PROCESSES:
            return _PROCESSES[conclusion.block]
    return _PROCESSES["BASIC"]
