"""What stands beside a status in the report of TS 119 102-2: chain, revocation, algorithms, qualification.

Source: TS 119 102-2 V1.4.1, 4.3.13 (from its schema; the text is not at hand). What a trusted list says of a
signature, and what was found about the file, have no elements of their own there: they are
reported as further data, with identifiers of our own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed
from trustworks.core.pki.tokens import OcspAnswer, RevocationList
from trustworks.core.trace import implements
from trustworks.formats.evidence import Weight
from trustworks.validation.model import Status
from trustworks.validation.policies.suites import weaknesses
from trustworks.validation.report.etsi.elements import child, refer, uri
from trustworks.validation.report.words import moment
from trustworks.validation.rules.building_blocks.acceptance import uses_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

    from lxml import etree

    from trustworks.core.pki.tokens import Certificate
    from trustworks.formats.evidence import Finding, Signature, Token
    from trustworks.validation.model import Check, Conclusion, SignatureOutcome, TimeStampOutcome
    from trustworks.validation.report.judged import Judged
    from trustworks.validation.report.words import Words

QUALIFICATION: Final = "urn:trustworks:validation:qualification"
FINDING: Final = "urn:trustworks:validation:finding"
_REVOKED: Final = "xcv.not-revoked"
_ANCHORED: Final = frozenset({"xcv.since", "pcv.path"})
"""Checks of paths that lead to a trust anchor: they are asked of no others."""


def checks_of(conclusion: Conclusion) -> Iterator[Check]:
    """Every check of a block and of the blocks that it is about, in the order in which they were asked."""
    for check in conclusion.checks:
        yield check
        if check.block is not None:
            yield from checks_of(check.block)


class Associated:
    """Writes AssociatedValidationReportData; `listed` are the ids of all validation objects."""

    def __init__(self, judged: Judged, words: Words, listed: Collection[str]) -> None:
        self._judged = judged
        self._words = words
        self._listed = listed

    def write(
        self,
        concluded: etree._Element,
        signature: Signature,
        found: SignatureOutcome | TimeStampOutcome,
        at: datetime,
    ) -> None:
        """The element, where there is anything to say. `at`: when the algorithms had to be reliable."""
        data = child(concluded, "AssociatedValidationReportData")
        known = [one for one in found.chain if one in self._listed]
        if known and known[-1] == found.chain[-1] and self._leads_to_anchor(found):
            refer(data, "TrustAnchor", known[-1])
        if known:
            certificates = child(data, "CertificateChain")
            refer(certificates, "SigningCertificate", known[0])
            for one in known[1:]:
                refer(certificates, "IntermediateCertificate", one)
        related = [
            one for one in (*signature.time_stamps, *signature.evidence_records) if one in self._listed
        ]
        for one in dict.fromkeys(related):
            refer(data, "RelatedValidationObject", one)
        self._revoked(data, found)
        self._algorithms(data, signature, found, at)
        self._further(data, found.id)
        if not len(data):
            concluded.remove(data)

    def _leads_to_anchor(self, found: SignatureOutcome | TimeStampOutcome) -> bool:
        conclusions = (found.basic, found.archival)
        checks = [one for part in conclusions for one in checks_of(part) if one.id in _ANCHORED]
        return any(one.status is Status.OK for one in checks)

    def _revoked(self, data: etree._Element, found: SignatureOutcome | TimeStampOutcome) -> None:
        """The certificate of the path that is revoked, since when, and by what."""
        for check in checks_of(found.basic):
            if check.id != _REVOKED or check.status is not Status.NOT_OK or check.subject not in self._listed:
                continue
            certificate = self._words.certificate(check.subject)
            told = None if certificate is None else self._told(certificate)
            if told is None:
                continue
            since, token = told
            revoked = child(data, "RevocationStatusInformation")
            refer(revoked, "ValidationObjectId", check.subject)
            child(revoked, "RevocationTime", moment(since))
            refer(revoked, "RevocationObject", token)
            return

    def _told(self, certificate: Certificate) -> tuple[datetime, str] | None:
        tokens = {
            **self._judged.evidence.revocation,
            **{one.id: one for one in self._judged.extra.revocation},
        }
        for token in tokens.values():
            since = _revoked_since(token, certificate)
            if since is not None:
                return since, token.id
        return None

    def _algorithms(
        self,
        data: etree._Element,
        signature: Signature,
        found: SignatureOutcome | TimeStampOutcome,
        at: datetime,
    ) -> None:
        """Whether the algorithms of the signature were reliable, by the suite of the policy."""
        suite = self._judged.policy.suite
        if not suite.digests or found.signing_certificate not in self._listed:
            return
        certificate = self._words.certificate(found.signing_certificate)
        if certificate is None:
            return
        try:
            bits = certificate.key.bits
        except Malformed:
            bits = None
        weak = weaknesses(suite, uses_of(signature, found.id, bits), at)
        information = child(data, "CryptoInformation")
        refer(information, "ValidationObjectId", found.signing_certificate or "")
        child(information, "Algorithm", uri(signature.algorithm.name))
        child(information, "SecureAlgorithm", "false" if weak else "true")
        if weak and weak[0].until is not None:
            child(information, "NotAfter", moment(weak[0].until))

    def _further(self, data: etree._Element, identifier: str) -> None:
        told = [
            *((f"{QUALIFICATION}:{kind}", value) for kind, value in self._from_lists(identifier)),
            *about_the_file(self._judged.evidence.findings),
        ]
        if not told:
            return
        additional = child(data, "AdditionalValidationReportData")
        for kind, value in told:
            reported = child(additional, "ReportData")
            child(reported, "Type", uri(kind))
            child(reported, "Value", value)

    def _from_lists(self, identifier: str) -> Iterator[tuple[str, str]]:
        """The outcomes of TS 119 615: tokens of the standard, as they are."""
        found = self._judged.qualifications
        level = found.signatures.get(identifier) if found else None
        if level is not None:
            yield "certificate-status", level.certificate.status.value
            yield from (("certificate", one.value) for one in sorted(level.certificate.results))
            yield "device-status", level.device.status.value
            if level.device.result is not None:
                yield "device", level.device.result.value
            yield from _sub_status(level.certificate.country, level.certificate.sub_status)
            yield from _sub_status("", level.device.sub_status)
        stamp = found.time_stamps.get(identifier) if found else None
        if stamp is not None:
            yield "time-stamp-status", stamp.status.value
            yield from (("time-stamp", one.value) for one in stamp.results)
            yield from _sub_status(stamp.country, stamp.sub_status)


@implements("TRUSTWORKS:VALIDATION-REPORT-FINDINGS", disabled=list)
def about_the_file(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    """What of the file as a whole, and of what was given with it, a reader has to know of."""
    return [(f"{FINDING}:{one.code}", one.text) for one in findings if one.weight is not Weight.NOTE]


def _sub_status(country: str, found: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    yield from (("sub-status", one) for one in found)
    if country:
        yield "trusted-list", country


def _revoked_since(token: Token, certificate: Certificate) -> datetime | None:
    try:
        if token.id.startswith("R-"):
            listed = RevocationList.read(token.der)
            entry = listed.find(certificate.serial) if listed.issuer == certificate.issuer else None
            return None if entry is None else entry.revoked_at
        answers = OcspAnswer.read(token.der).responses
    except Malformed:
        return None
    return next(
        (
            one.revoked_at
            for one in answers
            if one.serial == certificate.serial and one.status == "revoked" and one.revoked_at is not None
        ),
        None,
    )
