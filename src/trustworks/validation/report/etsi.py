"""The validation report of TS 119 102-2 V1.4.1 in XML, not sealed.

Every check is reported as an individual constraint, in the order in which they were asked; every object of
the evidence as a validation object, with the earliest proof of its existence and where that comes from.

Source: TS 119 102-2 V1.4.1, 4 and 5 (from its schema; the text is not at hand).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lxml import etree

from trustworks.core.errors import Rejected
from trustworks.formats.evidence import ScopeKind
from trustworks.validation.model import Level, PoeOrigin, Status
from trustworks.validation.report.attributes import signature_attributes
from trustworks.validation.report.elements import (
    DS,
    SHA256,
    URN,
    VR,
    XADES,
    base64,
    child,
    digest,
    method_and_value,
    refer,
    status,
)
from trustworks.validation.report.words import Words, moment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Signature
    from trustworks.validation.model import (
        Check,
        Conclusion,
        Poe,
        SignatureOutcome,
    )
    from trustworks.validation.report.judged import Judged

_CHECK: Final = "urn:trustworks:validation:check"
"""Identifiers of constraints: TS 119 102-2 leaves them to who validates."""

_PROCESSES: Final = {"BASIC": "Basic", "WITH-TIME": "LTVM", "LTA": "LTA"}
_OBJECTS: Final = {"C": "certificate", "R": "CRL", "O": "OCSPResponse"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What the service states of itself.

    The SHA-256 over its validation policy; the OID of the policy of the service, as a URN ((EU) 2025/1942:
    SVP-8.2-03); the URL of its practice statement.
    """

    policy_digest: bytes
    service_policy: str | None = None
    practice_statement: str | None = None


def report(judged: Judged, stated: Stated) -> etree._Element:
    """The report as an element, not sealed.

    Raises:
        Rejected: ``report.no-signature``: the file has none, and the schema knows no report about none.
    """
    if not judged.outcome.signatures:
        raise Rejected(
            "report.no-signature",
            "The file has no signature; a validation report of TS 119 102-2 is about signatures.",
        )
    return _Writer(judged, stated).written()


class _Writer:
    def __init__(self, judged: Judged, stated: Stated) -> None:
        evidence, outcome, extra = judged.evidence, judged.outcome, judged.extra
        self._evidence = evidence
        self._outcome = outcome
        self._stated = stated
        self._extra = extra
        self._words = Words(judged)
        self._listed = {
            *evidence.certificates,
            *evidence.revocation,
            *evidence.data,
            *(one.id for one in evidence.time_stamps),
            *(one.id for one in evidence.evidence_records),
            *(one.id for one in (*extra.certificates, *extra.revocation)),
        }
        self._poes: dict[str, Poe] = {}
        for poe in sorted(outcome.poes, key=lambda one: (one.time, one.by or "")):
            self._poes.setdefault(poe.object, poe)

    def written(self) -> etree._Element:
        root = etree.Element(f"{{{VR}}}ValidationReport", nsmap={None: VR, "ds": DS, "xades": XADES})
        signatures = {one.id: one for one in self._evidence.signatures}
        for one in self._outcome.signatures:
            self._signature(root, signatures[one.id], one)
        if self._listed:
            self._objects(child(root, "SignatureValidationObjects"))
        return root

    # One signature

    def _signature(self, root: etree._Element, signature: Signature, found: SignatureOutcome) -> None:
        parent = child(root, "SignatureValidationReport")
        identifier = child(parent, "SignatureIdentifier", id=found.id)
        digest(identifier, signature.signed.digest("sha256"))
        child(identifier, "SignatureValue", base64(signature.value), namespace=DS)
        child(identifier, "HashOnly", "false")
        digest_only = any(one.kind is ScopeKind.DIGEST for one in signature.scopes)
        child(identifier, "DocHashOnly", "true" if digest_only else "false")
        if signature.name:
            child(identifier, "DAIdentifier", signature.name)
        self._constraints(parent, found)
        times = child(parent, "ValidationTimeInfo")
        child(times, "ValidationTime", moment(self._outcome.at))
        best = child(times, "BestSignatureTime")
        self._poe(best, found.best_signature_time, found.best_signature_time_by)
        self._document(parent, signature)
        attributes = signature_attributes(signature)
        if attributes is not None:
            parent.append(attributes)
        if found.signing_certificate is not None and found.signing_certificate in self._listed:
            signer = child(parent, "SignerInformation")
            refer(signer, "SignerCertificate", found.signing_certificate)
            holder = self._words.holder(found.signing_certificate)
            if holder:
                child(signer, "Signer", holder)
        process = child(parent, "SignatureValidationProcess")
        child(process, "SignatureValidationProcessID", f"{URN}:validationprocess:{_process(found)}")
        if self._stated.service_policy:
            child(process, "SignatureValidationServicePolicy", self._stated.service_policy)
        if self._stated.practice_statement:
            child(process, "SignatureValidationPracticeStatement", self._stated.practice_statement)
        concluded = child(parent, "SignatureValidationStatus")
        status(concluded, found.verdict)
        self._chain(concluded, found.chain)

    def _constraints(self, parent: etree._Element, found: SignatureOutcome) -> None:
        constraints = child(parent, "ValidationConstraintsEvaluationReport")
        policy = child(constraints, "SignatureValidationPolicy")
        named = child(policy, "SignaturePolicyIdentifier")
        known = child(named, "SignaturePolicyId", namespace=XADES)
        identifier = child(known, "SigPolicyId", namespace=XADES)
        child(identifier, "Identifier", self._outcome.policy, namespace=XADES)
        hashed = child(known, "SigPolicyHash", namespace=XADES)
        method_and_value(hashed, SHA256, self._stated.policy_digest)
        for conclusion in (found.basic, found.with_time, found.archival):
            for check in _checks(conclusion):
                self._constraint(constraints, conclusion, check)

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

    def _poe(
        self, parent: etree._Element, time: datetime, by: str | None, origin: PoeOrigin | None = None
    ) -> None:
        """When something existed, and how that is known ((EU) 2025/1942: SVR-8.4-15)."""
        child(parent, "POETime", moment(time))
        kind = "provided" if origin is PoeOrigin.CLIENT else "validation"
        child(parent, "TypeOfProof", f"{URN}:poetype:{kind}")
        if by is not None and by in self._listed:
            refer(parent, "POEObject", by)

    def _document(self, parent: etree._Element, signature: Signature) -> None:
        named = [one.id for one in signature.scopes if one.id in self._evidence.data]
        if not named:
            return
        document = child(parent, "SignersDocument")
        digest(document, self._evidence.data[named[0] or ""].digest("sha256"))
        refer(document, "SignersDocumentRepresentation", *(one for one in dict.fromkeys(named) if one))

    def _chain(self, concluded: etree._Element, chain: tuple[str, ...]) -> None:
        known = [one for one in chain if one in self._listed]
        if not known:
            return
        data = child(concluded, "AssociatedValidationReportData")
        certificates = child(data, "CertificateChain")
        refer(certificates, "SigningCertificate", known[0])
        for one in known[1:]:
            refer(certificates, "IntermediateCertificate", one)

    # Validation objects

    def _objects(self, parent: etree._Element) -> None:
        for named, kind, octets, data in self._represented():
            listed = child(parent, "ValidationObject", id=named)
            child(listed, "ObjectType", f"{URN}:validationObject:{kind}")
            represented = child(listed, "ValidationObjectRepresentation")
            if octets is not None:
                child(represented, "base64", base64(octets))
            elif data is not None:
                digest(represented, data.digest("sha256"))
            poe = self._poes.get(named)
            if poe is not None:
                self._poe(child(listed, "POE"), poe.time, poe.by, poe.origin)
            self._of_time_stamp(listed, named)

    def _represented(self) -> Iterator[tuple[str, str, bytes | None, Data | None]]:
        tokens = [*self._evidence.certificates.values(), *self._evidence.revocation.values()]
        tokens.extend((*self._extra.certificates, *self._extra.revocation))
        for token in {one.id: one for one in tokens}.values():
            yield token.id, _OBJECTS[token.id[0]], token.der, None
        for stamp in self._evidence.time_stamps:
            yield stamp.id, "timestamp", stamp.der, None
        for record in self._evidence.evidence_records:
            yield record.id, "evidencerecord", record.octets, None
        for named, data in self._evidence.data.items():
            yield named, "signedData", None, data

    def _of_time_stamp(self, listed: etree._Element, named: str) -> None:
        for found in self._outcome.time_stamps:
            if found.id != named:
                continue
            stamp = next(one for one in self._evidence.time_stamps if one.id == named)
            provided = child(listed, "POEProvisioning")
            child(provided, "POETime", moment(stamp.time))
            for one in sorted(stamp.covers & self._listed):
                refer(provided, "ValidationObject", one)
            about = child(listed, "ValidationReport")
            concluded = child(about, "SignatureValidationStatus")
            status(concluded, found.verdict)
            self._chain(concluded, found.chain)


_OF_CHECK: Final = {
    Status.OK: "passed",
    Status.NOT_OK: "failed",
    Status.WARNING: "indeterminate",
    Status.INFORMATION: "indeterminate",
}


def _checks(conclusion: Conclusion) -> Iterator[Check]:
    for check in conclusion.checks:
        yield check
        if check.block is not None:
            yield from _checks(check.block)


def _process(found: SignatureOutcome) -> str:
    """The process whose verdict is the signature's."""
    for conclusion in (found.archival, found.with_time, found.basic):
        if conclusion.checks:
            return _PROCESSES[conclusion.block]
    return _PROCESSES["BASIC"]
