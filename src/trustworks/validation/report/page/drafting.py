"""Drafts the report for people: from the verdict to what a lawyer asks, then what an expert asks."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.pages.drawing import spaced
from trustworks.formats.data import DigestOnly
from trustworks.validation.qualification.certificate import qualified_content
from trustworks.validation.report.explain import ADVICE
from trustworks.validation.report.page import sentences
from trustworks.validation.report.page.checks import Tree
from trustworks.validation.report.page.evidence import certificates, proofs, revocation, when
from trustworks.validation.report.page.model import Covered, Fact, Item, Page, Tone
from trustworks.validation.report.text import verdict
from trustworks.validation.report.words import (
    KINDS,
    Words,
    about_file,
    came_later,
    cautions,
    deciding,
    function_name,
    identified,
    remarks,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from trustworks.formats.data import Data
    from trustworks.formats.evidence import EvidenceRecord, Scope, Signature, TimeStamp
    from trustworks.validation.model import (
        Conclusion,
        EvidenceRecordOutcome,
        SignatureOutcome,
        TimeStampOutcome,
        Verdict,
    )
    from trustworks.validation.report.judged import Judged

_FOR_SIGNATURES: Final = 1
_FOR_SEALS: Final = 2
_SIGNED_BY: Final = "Signed by"
_SAID_TO_BE: Final = "Said to be signed by"
_SAID: Final = "as the certificate says; that it is so was not found"


def drafted(judged: Judged) -> Page:
    """The report about one file."""
    return _Draft(judged).page()


class _Draft:
    def __init__(self, judged: Judged) -> None:
        self._judged = judged
        self._words = Words(judged)
        self._tree = Tree(self._words)

    def page(self) -> Page:
        judged, evidence, outcome = self._judged, self._judged.evidence, self._judged.outcome
        signatures = {one.id: one for one in evidence.signatures}
        stamps = {one.id: one for one in evidence.time_stamps}
        records = {one.id: one for one in evidence.evidence_records}
        signed = [
            self._signature(number, signatures[one.id], one)
            for number, one in enumerate(outcome.signatures, 1)
        ]
        stamped = [
            self._time_stamp(number, stamps[one.id], one) for number, one in enumerate(outcome.time_stamps, 1)
        ]
        recorded = [
            self._record(number, records[one.id], one)
            for number, one in enumerate(outcome.evidence_records, 1)
        ]
        tone, heading = _together(signed, stamped, recorded)
        name = judged.files[0].name if judged.files else None
        return Page(
            title=f"Validation of {name or 'a signed file'}",
            tone=tone,
            word=sentences.WORDS[tone],
            heading=heading,
            sentence=signed[0].sentence if len(signed) == 1 else sentences.MEANING[tone],
            at=when(outcome.at),
            summary=tuple(_summary(signed)),
            policy=tuple(self._policy()),
            files=tuple(_covered(one.name, "", one) for one in judged.files),
            cautions=(
                *cautions(judged),
                *(one.text for one in about_file(judged)),
            ),
            signatures=tuple(signed),
            time_stamps=tuple(stamped),
            records=tuple(recorded),
            certificates=tuple(certificates(judged, self._words)),
            revocation=tuple(revocation(judged)),
            proofs=tuple(proofs(judged, self._words)),
            troubles=judged.troubles,
            version=version("trustworks"),
        )

    def _policy(self) -> Iterator[Fact]:
        policy = self._judged.policy
        yield Fact(label="Time of validation", value=when(self._judged.outcome.at))
        yield Fact(label="Policy", value=policy.name, more=policy.description)
        yield Fact(label="Its identifier", value=policy.identifier)
        yield Fact(label="Algorithms by", value=policy.suite.name)

    # A signature

    def _signature(self, number: int, signature: Signature, found: SignatureOutcome) -> Item:
        what = "Counter-signature" if signature.parent else "Signature"
        return self._item(
            "signature",
            anchor=f"signature-{number}",
            title=f"{what} {number}",
            outcome=found,
            facts=tuple(self._signed(signature, found)),
            scopes=signature.scopes,
            warnings=tuple(
                text for label, text in remarks(self._judged, found, signature) if label != "later"
            ),
            conclusions=(found.archival, found.with_time, found.basic),
        )

    def _signed(self, signature: Signature, found: SignatureOutcome) -> Iterator[Fact]:
        attributes = signature.attributes
        held = identified(found)
        yield from self._holder(_SIGNED_BY if held else _SAID_TO_BE, found.signing_certificate, held=held)
        yield Fact(label="In what capacity", value=self._capacity(signature, found))
        yield Fact(label="Qualified", value=self._qualified(found.id), more=self._lists(found.id))
        if found.best_signature_time_by is None:
            proven = "not before this validation"
            yield Fact(label="Proven to exist", value=proven, more="no time-stamp that holds covers it")
        else:
            by = self._words.about(found.best_signature_time_by)
            yield Fact(label="Proven to exist", value=when(found.best_signature_time), more=f"by {by}")
        claimed = attributes.signing_time
        yield Fact(
            label="Time that the signer claims",
            value=when(claimed) if claimed else "none",
            more="nobody else confirms it" if claimed else "",
        )
        if attributes.commitments:
            meant = (sentences.COMMITMENTS.get(one, one) for one in attributes.commitments)
            yield Fact(label="The signer commits to", value=", ".join(meant))
        if attributes.reason:
            yield Fact(label="Reason", value=attributes.reason, more="as the signer says")
        if attributes.location:
            yield Fact(
                label="Place", value=", ".join(attributes.location.values()), more="as the signer says"
            )
        yield Fact(label="Format and level", value=signature.level)
        if later := came_later(signature):
            yield Fact(label="Changed after signing", value=" ".join(later))

    def _holder(self, label: str, identifier: str | None, *, held: bool = True) -> Iterator[Fact]:
        """Who it was; where the signature was not found to hold, as no more than the certificate says."""
        certificate = self._words.certificate(identifier)
        if certificate is None:
            yield Fact(label=label, value="unknown", more="no certificate is at hand")
            return
        yield Fact(
            label=label,
            value=self._words.holder(identifier) or "unknown",
            more=spaced(certificate.subject.text) if held else f"{_SAID}: {spaced(certificate.subject.text)}",
        )
        yield Fact(label="Certificate issued by", value=spaced(certificate.issuer.text))

    def _capacity(self, signature: Signature, found: SignatureOutcome) -> str:
        roles = [f"{role} (as the signer says)" for role in signature.attributes.claimed_roles]
        if signature.attributes.certified_roles:
            roles.append("with a role that an attribute certificate tells")
        certificate = self._words.certificate(found.signing_certificate)
        types = qualified_content(certificate).types if certificate else frozenset[int]()
        kind = {
            frozenset({_FOR_SIGNATURES}): "a natural person: the certificate is for signatures",
            frozenset({_FOR_SEALS}): "an organisation: the certificate is for seals",
        }.get(types)
        if kind is not None:
            roles.insert(0, kind if identified(found) else f"{kind} ({_SAID})")
        return "; ".join(roles) or "nothing is said of it"

    def _qualified(self, identifier: str) -> str:
        if self._judged.qualifications is None:
            return sentences.NOT_ASKED
        level = self._judged.qualifications.signatures.get(identifier)
        return sentences.NO_PATH if level is None else sentences.QUALIFIED[level.level]

    def _lists(self, identifier: str) -> str:
        """The level's short name, and whose list said so."""
        found = self._judged.qualifications
        level = found.signatures.get(identifier) if found else None
        if level is None:
            return ""
        country = level.certificate.country
        return f"{level.level.value}, by the trusted list of {country}" if country else level.level.value

    # Time-stamps and evidence records

    def _time_stamp(self, number: int, stamp: TimeStamp, found: TimeStampOutcome) -> Item:
        facts = [
            Fact(label="Time", value=when(stamp.time)),
            *self._holder(
                "Made by" if found.verdict.passed else "Said to be made by",
                found.signing_certificate,
                held=found.verdict.passed,
            ),
            Fact(label="Qualified", value=self._stamp_qualified(found.id)),
        ]
        if stamp.policy:
            facts.append(Fact(label="Time-stamp policy", value=stamp.policy))
        kind = KINDS[stamp.kind]
        return self._item(
            "time-stamp",
            anchor=f"time-stamp-{number}",
            title=f"{kind[0].upper()}{kind[1:]} {number}",
            outcome=found,
            facts=tuple(facts),
            scopes=stamp.scopes,
            warnings=tuple(one.text for one in stamp.findings),
            conclusions=(found.archival, found.basic),
        )

    def _stamp_qualified(self, identifier: str) -> str:
        if self._judged.qualifications is None:
            return sentences.NOT_ASKED
        found = self._judged.qualifications.time_stamps.get(identifier)
        if found is None:
            return sentences.NO_PATH
        return ", ".join(one.value.replace("_", " ") for one in found.results)

    def _record(self, number: int, record: EvidenceRecord, found: EvidenceRecordOutcome) -> Item:
        since = when(found.time) if found.time else "nothing is proven"
        return self._item(
            "evidence record",
            anchor=f"evidence-record-{number}",
            title=f"Evidence record {number}",
            outcome=found,
            facts=(Fact(label="Proves since", value=since), Fact(label="Form", value=record.form)),
            scopes=record.scopes,
            warnings=tuple(one.text for one in record.findings),
            conclusions=(found.conclusion,),
        )

    def _item(
        self,
        thing: str,
        *,
        anchor: str,
        title: str,
        outcome: SignatureOutcome | TimeStampOutcome | EvidenceRecordOutcome,
        facts: tuple[Fact, ...],
        scopes: Sequence[Scope],
        warnings: Iterable[str],
        conclusions: Iterable[Conclusion],
    ) -> Item:
        tone = sentences.TONES[outcome.verdict.indication]
        reasons = dict.fromkeys(one.text or one.name for one in deciding(outcome))
        return Item(
            anchor=anchor,
            title=title,
            tone=tone,
            word=sentences.WORDS[tone],
            indication=verdict(outcome.verdict),
            sentence=_sentence(outcome.verdict, thing),
            because=tuple(reasons),
            advice=ADVICE[why] if (why := outcome.verdict.sub_indication) else "",
            facts=facts,
            covers=tuple(_covered(one.name, one.text, one.data) for one in scopes),
            warnings=tuple(dict.fromkeys(warnings)),
            blocks=self._tree.blocks(conclusions),
        )


def _sentence(found: Verdict, thing: str) -> str:
    tone = sentences.TONES[found.indication]
    if found.sub_indication is None:
        return sentences.MEANING[tone]
    why = sentences.WHY[found.sub_indication].format(thing=thing, maker=sentences.THINGS[thing])
    meaning = sentences.MEANING[tone]
    if tone is Tone.FAILED:  # whatever the sentence before is about
        meaning = f"The {thing}{meaning.removeprefix('It')}"
    return f"{why} {meaning}"


def _covered(name: str | None, text: str, data: Data | None) -> Covered:
    """What is covered, with its digest: by SHA-256, or that which was given in place of it and compared."""
    digest = size = ""
    function = "sha256"
    if data is not None:
        if isinstance(data, DigestOnly) and data.digests:
            function = data.digests[0][0]
        try:
            digest = data.digest(function).hex()
        except (Rejected, OSError):  # a replay has large data for the time of the judgement alone
            digest = ""
        if digest and data.size:
            size = f"{data.size} octet{'' if data.size == 1 else 's'}"
    return Covered(
        name=name or "without a name", text=text, function=function_name(function), digest=digest, size=size
    )


def _summary(signatures: Sequence[Item]) -> Iterator[Fact]:
    """What is asked first: of one signature its facts, of several a line for each."""
    if len(signatures) == 1:
        asked = (_SIGNED_BY, _SAID_TO_BE, "In what capacity", "Qualified", "Proven to exist")
        yield from (fact for fact in signatures[0].facts if fact.label in asked)
        return
    for one in signatures:
        known = {fact.label: fact.value for fact in one.facts}
        yield Fact(
            label=one.title,
            value=f"{one.word}; {_signer(known)}",
            more=f"Qualified: {known['Qualified']}. Proven to exist: {known['Proven to exist']}.",
        )


def _signer(known: Mapping[str, str]) -> str:
    if _SIGNED_BY in known:
        return f"signed by {known[_SIGNED_BY]}"
    return f"said to be signed by {known[_SAID_TO_BE]}"


def _together(
    signatures: Sequence[Item], stamps: Sequence[Item], records: Sequence[Item]
) -> tuple[Tone, str]:
    """The verdict about the file: that of its signatures; without any, of time-stamps and records."""
    judged, what = (signatures, "signature") if signatures else ((*stamps, *records), "time-stamp")
    if not judged:
        return Tone.OPEN, "There is no signature, time-stamp or evidence record in the file"
    if not signatures and not stamps:
        what = "evidence record"
    counted = Counter(one.tone for one in judged)
    tone = next(one for one in (Tone.FAILED, Tone.OPEN, Tone.PASSED) if counted[one])
    return tone, _heading(tone, counted[tone], len(judged), what)


def _heading(tone: Tone, number: int, total: int, what: str) -> str:
    if total == 1:
        return {
            Tone.PASSED: f"The {what} holds",
            Tone.FAILED: f"The {what} does not hold",
            Tone.OPEN: f"Whether the {what} holds cannot be said",
        }[tone]
    if number == total:
        return {
            Tone.PASSED: f"All {total} {what}s hold",
            Tone.FAILED: f"None of the {total} {what}s holds",
            Tone.OPEN: f"Whether the {total} {what}s hold cannot be said",
        }[tone]
    return {
        Tone.FAILED: f"{number} of {total} {what}s {'does' if number == 1 else 'do'} not hold",
        Tone.OPEN: f"Whether {number} of {total} {what}s {'holds' if number == 1 else 'hold'} cannot be said",
    }[tone]
