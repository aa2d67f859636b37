"""The validation report of TS 119 102-2 V1.4.1 in XML; `seal` seals it.

Every check is reported as an individual constraint, in the order in which they were asked; every object of
the evidence as a validation object, with the earliest proof of its existence and where that comes from.

Source: TS 119 102-2 V1.4.1, 4 and 5 (from its schema; the text is not at hand).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lxml import etree

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.evidence import ScopeKind
from trustworks.validation.report.etsi.associated import Associated
from trustworks.validation.report.etsi.attributes import signature_attributes
from trustworks.validation.report.etsi.constraints import evaluated
from trustworks.validation.report.etsi.elements import (
    DS,
    TSL,
    URN,
    VR,
    XADES,
    base64,
    child,
    digest_of_data,
    refer,
    status,
)
from trustworks.validation.report.etsi.objects import Objects
from trustworks.validation.report.words import Words, moment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from trustworks.formats.evidence import Scope, Signature, TimeStamp
    from trustworks.validation.model import Conclusion, PoeOrigin, SignatureOutcome, TimeStampOutcome
    from trustworks.validation.report.judged import Judged

_QUALITY: Final = "urn:trustworks:validation:signature-quality"
_PROCESSES: Final = {"BASIC": "Basic", "WITH-TIME": "LTVM", "LTA": "LTA"}


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


def reportable(judged: Judged) -> bool:
    """Whether the file has something that a report can be about."""
    return bool(judged.outcome.signatures or judged.outcome.time_stamps)


class _Writer:
    def __init__(self, judged: Judged, stated: Stated) -> None:
        self._judged = judged
        self._evidence = judged.evidence
        self._outcome = judged.outcome
        self._stated = stated
        self._words = Words(judged)
        self._objects = Objects(judged)
        self._associated = Associated(judged, self._words, self._objects.listed)

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
        if self._objects.listed:
            self._objects.write(child(root, "SignatureValidationObjects"), self._associated)
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
        poe = self._objects.poes.get(found.id)
        return poe.origin if poe is not None and poe.time == found.best_signature_time else None

    def _about_stamp(self, root: etree._Element, stamp: TimeStamp, found: TimeStampOutcome) -> None:
        poe = self._objects.poes.get(stamp.id)
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
        evaluated(
            parent,
            signature,
            found,
            conclusions,
            judged=self._judged,
            policy_digest=self._stated.policy_digest,
        )
        times = child(parent, "ValidationTimeInfo")
        child(times, "ValidationTime", moment(self._outcome.at))
        self._objects.poe(child(times, "BestSignatureTime"), *best)
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
        if found.signing_certificate is not None and found.signing_certificate in self._objects.listed:
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

    def _document(self, parent: etree._Element, scopes: Sequence[Scope]) -> None:
        named = [one.id for one in scopes if one.id is not None and one.id in self._objects.covered]
        if not named:
            return
        document = child(parent, "SignersDocument")
        digest_of_data(document, self._evidence.data[named[0]])
        refer(document, "SignersDocumentRepresentation", *dict.fromkeys(named))


def _process(conclusions: Sequence[Conclusion]) -> str:
    """The process whose verdict is the signature's: the last of the standard's that asked anything."""
    for conclusion in reversed(conclusions):
        if conclusion.checks and conclusion.block in _PROCESSES:
            return _PROCESSES[conclusion.block]
    return _PROCESSES["BASIC"]
