"""Objects of the evidence in a few words each, for reports that people read."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed
from trustworks.core.pki.tokens import Certificate
from trustworks.formats.evidence import TimeStampKind, Weight
from trustworks.validation.model import SubIndication
from trustworks.validation.policies.applicability import objections

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.formats.evidence import Finding, Signature
    from trustworks.validation.model import (
        Check,
        EvidenceRecordOutcome,
        SignatureOutcome,
        TimeStampOutcome,
    )
    from trustworks.validation.report.judged import Judged

KINDS: Final = {
    TimeStampKind.CONTENT: "content time-stamp",
    TimeStampKind.SIGNATURE: "signature time-stamp",
    TimeStampKind.REFERENCES: "time-stamp over references",
    TimeStampKind.SIGNATURE_AND_REFERENCES: "time-stamp over signature and references",
    TimeStampKind.ARCHIVE: "archive time-stamp",
    TimeStampKind.DOCUMENT: "document time-stamp",
    TimeStampKind.CONTAINER: "container time-stamp",
    TimeStampKind.EVIDENCE_RECORD: "archive time-stamp of an evidence record",
    TimeStampKind.DETACHED: "time-stamp",
}
_COMMON_NAME: Final = "2.5.4.3"
_ORGANISATION: Final = "2.5.4.10"
_SHORT: Final = 14
_FIELD_UNREADABLE: Final = frozenset({"pades.contents", "pades.no-byte-range", "pades.dictionary-type"})
_SIGNATURE_UNREADABLE: Final = frozenset(
    {"asic.signature-unreadable", "cms.signer-unreadable", "jades.unreadable-signature", "xades.unreadable"}
)
_CAME_LATER: Final = frozenset({"pades.form-changed", "pades.annotated"})
"""Notes about what pages show beside what was signed. Validation data shows nothing."""


def moment(time: datetime) -> str:
    """A moment in UTC, to the second, as RFC 3339 writes it."""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def short(identifier: str) -> str:
    """The beginning of an id, enough to tell it from others on a page."""
    return identifier[:_SHORT]


def deciding(found: SignatureOutcome | TimeStampOutcome | EvidenceRecordOutcome) -> tuple[Check, ...]:
    """The checks that decided a verdict; none where it is passed, whatever an earlier process came to."""
    if found.verdict.passed:
        return ()
    for name in ("archival", "conclusion", "with_time", "basic"):
        conclusion = getattr(found, name, None)
        if conclusion is not None and conclusion.sub_indication is found.verdict.sub_indication:
            reasons = conclusion.reasons()
            if reasons:
                return tuple(reasons)
    return ()


def structural(signature: Signature) -> tuple[Finding, ...]:
    """What of the structure, and of changes after signing, a reader has to know of; notes are left out."""
    later = signature.revision.later if signature.revision else ()
    return tuple(one for one in (*signature.findings, *later) if one.weight is not Weight.NOTE)


def came_later(signature: Signature) -> tuple[str, ...]:
    """What came after the signed revision and is permitted, but may show what the signer did not see."""
    later = signature.revision.later if signature.revision else ()
    return tuple(one.text for one in later if one.code in _CAME_LATER and one.weight is Weight.NOTE)


def identified(found: SignatureOutcome) -> bool:
    """Whether it is known who signed: the value is by the key of a certificate whose path to an anchor held.

    A signature that fails only for what it says or lacks (signature acceptance) was still made by its signer.
    """
    if found.verdict.passed:
        return True
    if found.sub_indication is not SubIndication.SIG_CONSTRAINTS_FAILURE:
        return False
    blocks = {check.block.block: check.block for check in found.basic.checks if check.block is not None}
    return (
        found.value_intact
        and found.data_intact
        and all(name in blocks and blocks[name].passed for name in ("CV", "XCV"))
    )


def nothing_there(judged: Judged) -> str | None:
    """Says that there is nothing to judge, and whether there is a signature that cannot be read."""
    outcome = judged.outcome
    if outcome.signatures or outcome.time_stamps or outcome.evidence_records:
        return None
    codes = {one.code for one in judged.evidence.findings}
    if codes & _FIELD_UNREADABLE:
        return "A signature field is there and cannot be read. There is no other signature in the file."
    if codes & _SIGNATURE_UNREADABLE:
        return "A signature is there and cannot be read. There is no other signature in the file."
    return "There is no signature, time-stamp or evidence record in the file."


def about_file(judged: Judged) -> tuple[Finding, ...]:
    """What was found about the file as a whole, but for what decided about a signature or warns of one."""
    outcome = judged.outcome
    every: tuple[SignatureOutcome | TimeStampOutcome | EvidenceRecordOutcome, ...] = (
        *outcome.signatures,
        *outcome.time_stamps,
        *outcome.evidence_records,
    )
    decided = {one.text or one.name for found in every for one in deciding(found)[:1]}
    warned = {text for found in every for text in warned_of(found)}
    return tuple(
        one
        for one in judged.evidence.findings
        if one.text not in decided and not (one.weight is Weight.NOTE and one.text in warned)
    )


def remarks(
    judged: Judged,
    found: SignatureOutcome | TimeStampOutcome | EvidenceRecordOutcome,
    signature: Signature | None = None,
    *,
    reasons: int | None = None,
) -> tuple[tuple[str, str], ...]:
    """What is to be said of an object beside its verdict: each sentence once, with its heaviest weight.

    `reasons` is how many of the checks that decided are told already (None: all). What is about the file is
    told with the file.
    """
    said = {one.text or one.name for one in deciding(found)[:reasons]}
    said |= {one.text for one in about_file(judged) if one.weight is not Weight.NOTE}
    weighed = () if signature is None else structural(signature)
    heaviest = [
        *((one.weight.value, one.text) for one in weighed if one.weight is Weight.FATAL),
        *((one.weight.value, one.text) for one in weighed if one.weight is not Weight.FATAL),
        *(("warning", text) for text in warned_of(found)),
        *(("later", text) for text in (came_later(signature) if signature else ())),
    ]
    told: dict[str, str] = {}
    for weight, text in heaviest:
        if text not in said:
            told.setdefault(text, weight)
    return tuple((weight, text) for text, weight in told.items())


def warned_of(found: SignatureOutcome | TimeStampOutcome | EvidenceRecordOutcome) -> tuple[str, ...]:
    """What the policy lets pass with a warning, each sentence once."""
    every = (getattr(found, name, None) for name in ("archival", "with_time", "basic", "conclusion"))
    conclusions = [one for one in every if one is not None]
    texts = (check.text or check.name for one in conclusions for check in one.warnings())
    return tuple(dict.fromkeys(texts))


def cautions(judged: Judged) -> tuple[str, ...]:
    """What of the trusted lists and the policy a reader has to know of, whatever the verdict."""
    overdue = judged.qualifications.overdue if judged.qualifications else ()
    lacking = () if judged.qualifications is None else objections(judged.policy)
    return (
        *overdue,
        *([f"The policy is none for qualified signatures: {'; '.join(lacking)}."] if lacking else ()),
        *(f"Not asked, though the policy's file has it: {one}" for one in judged.policy.not_taken),
    )


class Words:
    """Names the objects of one evidence graph, and certificates that came from outside it."""

    def __init__(self, judged: Judged) -> None:
        evidence, outside = judged.evidence, judged.extra.certificates
        self._certificates = {**evidence.certificates, **{one.id: one for one in outside}}
        self._signatures = {one.id: one for one in evidence.signatures}
        self._time_stamps = {one.id: one for one in evidence.time_stamps}
        self._records = {one.id: one for one in evidence.evidence_records}

    def certificate(self, identifier: str | None) -> Certificate | None:
        """A certificate of the evidence as it can be read; None where it is not there or cannot be."""
        token = self._certificates.get(identifier or "")
        try:
            return None if token is None else Certificate.read(token.der)
        except Malformed:
            return None

    def holder(self, identifier: str | None) -> str | None:
        """Whose certificate it is: the common name of its subject, else all of the subject."""
        certificate = self.certificate(identifier)
        if certificate is None:
            return None
        for kind in (_COMMON_NAME, _ORGANISATION):
            values = certificate.subject.values(kind)
            if values:
                return values[0]
        return certificate.subject.text or None

    def maker(self, identifier: str | None, *, held: bool) -> str | None:
        """As `holder`; where the verdict is not passed, as no more than what a certificate says."""
        holder = self.holder(identifier)
        return holder if held or holder is None else f"{holder} (as the certificate says)"

    def about(self, identifier: str) -> str:
        """What an object is, in words."""
        holder = self.holder(identifier)
        if holder is not None:
            return f"the certificate of {holder}"
        if identifier in self._signatures:
            signature = self._signatures[identifier]
            what = "counter-signature" if signature.parent else "signature"
            return f"the {what} {signature.name}" if signature.name else f"the {what}"
        if identifier in self._time_stamps:
            stamp = self._time_stamps[identifier]
            return f"the {KINDS[stamp.kind]} of {moment(stamp.time)}"
        if identifier in self._records:
            return "the evidence record"
        kinds = {
            "C": "a certificate",
            "R": "a revocation list",
            "O": "an OCSP answer",
            "D": "the signed data",
        }
        return kinds.get(identifier[:1], "an object")


_FUNCTIONS: Final = {"md5": "MD5", "sha512_256": "SHA-512/256", "ripemd160": "RIPEMD-160"}


def function_name(hash_name: str) -> str:
    """A hash function of `formats.data.HASHES` as people call it."""
    if hash_name in _FUNCTIONS:
        return _FUNCTIONS[hash_name]
    if hash_name.startswith("sha3_"):
        return f"SHA3-{hash_name.removeprefix('sha3_')}"
    return f"SHA-{hash_name.removeprefix('sha')}"
