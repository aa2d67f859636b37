"""Validation of signatures that provide long-term availability and integrity of validation material.

Evidence records and time-stamps are validated from the newest to the oldest; each that is valid proves the
existence of what it covers, which may make the next one valid.

Source: EN 319 102-1, 5.6.3; RFC 4998, 5.3; RFC 6283, 4.3 (chains of evidence records).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.evidence import TimeStampKind
from trustworks.validation.model import Level, Poe, SubIndication, failed, indeterminate
from trustworks.validation.policies.constraints import Context, Section
from trustworks.validation.policies.suites import weaknesses
from trustworks.validation.rules import with_time as timed
from trustworks.validation.rules.building_blocks import acceptance, cryptographic
from trustworks.validation.rules.checks import Checks
from trustworks.validation.rules.inputs import context_of
from trustworks.validation.rules.past_signature import Past, validate_past_signature
from trustworks.validation.rules.poe import proven_by, proven_by_record
from trustworks.validation.rules.time_stamps import accept, check_unit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from trustworks.formats.evidence import EvidenceRecord, Signature, TimeStamp
    from trustworks.validation.model import Conclusion, Verdict
    from trustworks.validation.policies.suites import Weakness
    from trustworks.validation.rules.basic import BasicResult
    from trustworks.validation.rules.inputs import Inputs
    from trustworks.validation.rules.poe import Poes
    from trustworks.validation.rules.surroundings import CertificateResult

S = SubIndication
_RECOVERABLE: Final = timed.RECOVERABLE | {
    S.REVOCATION_OUT_OF_BOUNDS_NO_POE,
    S.NO_CERTIFICATE_CHAIN_FOUND_NO_POE,
    S.SIG_CONSTRAINTS_FAILURE,
}
_RECOVERABLE_STAMPS: Final = frozenset(
    {
        S.REVOKED_NO_POE,
        S.REVOKED_CA_NO_POE,
        S.OUT_OF_BOUNDS_NO_POE,
        S.OUT_OF_BOUNDS_NOT_REVOKED,
        S.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
        S.REVOCATION_OUT_OF_BOUNDS_NO_POE,
        S.NO_CERTIFICATE_CHAIN_FOUND_NO_POE,
    }
)
_ARCHIVAL: Final = frozenset({TimeStampKind.ARCHIVE, TimeStampKind.DOCUMENT, TimeStampKind.CONTAINER})
_CRYPTO: Final = indeterminate(S.CRYPTO_CONSTRAINTS_FAILURE_NO_POE)


@implements("EN319102-1:5.6.3.4-3")
def acceptable(verdict: Verdict) -> str | None:
    """The process with time passed, or ended with what proofs of existence may heal."""
    if verdict.passed or timed.recoverable(verdict, _RECOVERABLE):
        return None
    return "No proof of existence can help against what the validation with time ended with."


@implements("EN319102-1:5.6.3.4-3-MATERIAL")
def has_material(material: bool) -> str | None:  # noqa: FBT001 - a fact
    """There are archival time-stamps or evidence records over the signature."""
    return None if material else "Neither an archival time-stamp nor an evidence record covers the signature."


@implements("EN319102-1:5.6.3.4-5-IMPRINT")
def imprint_reliable(weak: Sequence[Weakness]) -> str | None:
    """The hash function of the imprint was reliable when the time-stamp is known to have existed."""
    return weak[0].text if weak else None


@implements("EN319102-1:5.6.3.4-1-B-FOUND")
def any_object_found(record: EvidenceRecord) -> str | None:
    """At least one data object that the evidence record is about is at hand."""
    if not record.references or any(one.found for one in record.references):
        return None
    return "Nothing that the evidence record is about is there."


@implements("EN319102-1:5.6.3.4-LEVEL")
def has_valid(found: Sequence[TimeStamp], stamps: dict[str, Conclusion], what: str) -> str | None:
    """One of some time-stamps is valid, where the policy asks for the level that it makes."""
    if any(one.id in stamps and stamps[one.id].passed for one in found):
        return None
    return f"The signature has no valid {what}, which the policy asks for."


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivalResult:
    """The conclusion, since when the signature is known to exist by all proofs, and the path it rests on."""

    conclusion: Conclusion
    best: Poe
    path: CertificateResult | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StampResult:
    """The conclusion about a time-stamp with the proofs at hand, and the path that it rests on."""

    conclusion: Conclusion
    path: CertificateResult | None


def validate_archival_time_stamp(
    time_stamp: TimeStamp, basic: BasicResult, inputs: Inputs, poes: Poes
) -> StampResult:
    """Validate a time-stamp with the proofs at hand (5.6.3.4, 5 a to d).

    Passed: what the time-stamp covers may be added to the proofs.
    """
    checks = Checks("TIME-STAMP-LTA", time_stamp.id)
    verdict = basic.verdict
    if not verdict.passed and not (
        timed.recoverable(verdict, _RECOVERABLE_STAMPS) and basic.path is not None
    ):
        checks.take("lta.time-stamp-basic", basic.conclusion)
        return StampResult(conclusion=checks.conclude(), path=basic.path)
    checks.take("lta.time-stamp-basic", basic.conclusion, level=Level.WARN)
    path = basic.path
    existed = poes.earliest(time_stamp.id).time
    if not verdict.passed and basic.path is not None:
        past = Past(
            subject=time_stamp.id,
            verdict=verdict,
            path=basic.path,
            uses=(
                *acceptance.uses_of(time_stamp.signature, time_stamp.id, basic.signer.bits),
                *acceptance.uses_of_references(time_stamp.references, time_stamp.id),
            ),
            context=Context.TIME_STAMP,
        )
        found = validate_past_signature(past, inputs, poes)
        path = found.path
        checks.take("lta.past", found.conclusion)
        check_unit(checks, time_stamp, path)
        if not checks.failed:
            accepted = accept(time_stamp, replace(basic, path=path), inputs, existed)
            checks.take("lta.sav", accepted.conclusion)
    weak = weaknesses(
        inputs.policy.suite,
        acceptance.uses_of_references(time_stamp.references[:1], time_stamp.id),
        existed,
    )
    level = inputs.policy.level(Context.TIME_STAMP, "algorithms")
    checks.ask("lta.imprint", partial(imprint_reliable, weak), _CRYPTO, level=level)
    return StampResult(conclusion=checks.conclude(), path=path)


def validate_time_stamps(
    inputs: Inputs, poes: Poes, stamp: Callable[[TimeStamp], BasicResult]
) -> dict[str, StampResult]:
    """All time-stamps but those of evidence records, the newest first; each valid one adds proofs."""
    found: dict[str, StampResult] = {}
    for one in newest_first(inputs):
        found[one.id] = validate_archival_time_stamp(one, stamp(one), inputs, poes)
        if found[one.id].conclusion.passed:
            poes.add_all(proven_by(one), one.time, one.id)
    return found


def newest_first(inputs: Inputs) -> list[TimeStamp]:
    """Time-stamps by their time, the newest first; of two at the same time, the one that covers the other."""
    own = [one for one in inputs.evidence.time_stamps if one.kind is not TimeStampKind.EVIDENCE_RECORD]
    return sorted(own, key=lambda one: (one.time, len(one.covers)), reverse=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordResult:
    """What came of an evidence record: its conclusion, those of its time-stamps, and the time it proves."""

    conclusion: Conclusion
    time_stamps: dict[str, StampResult]
    time: datetime | None


def validate_record(
    record: EvidenceRecord, inputs: Inputs, poes: Poes, stamp: Callable[[TimeStamp], BasicResult]
) -> RecordResult:
    """Validate an evidence record: its objects and links, and each time-stamp by the next (5.6.3.4, 1)."""
    policy, context = inputs.policy, Context.EVIDENCE_RECORD
    checks = Checks("EVIDENCE-RECORD", record.id)
    for finding in record.findings:
        level = policy.findings.get(finding.code, _LEVELS[finding.weight.value])
        rule = partial(_objection, finding.text)
        checks.ask("er.structure", rule, failed(S.FORMAT_FAILURE), level=level)
    for reference in record.references:
        if reference.mandatory:
            checks.ask(
                "er.data-found",
                partial(cryptographic.data_found, reference),
                indeterminate(S.SIGNED_DATA_NOT_FOUND),
                level=policy.level(context, "data-object-existence"),
            )
        checks.ask(
            "er.data-intact",
            partial(cryptographic.data_intact, reference),
            failed(S.HASH_FAILURE),
            level=policy.level(context, "data-object-intact"),
        )
    checks.ask(
        "er.any-found",
        partial(any_object_found, record),
        indeterminate(S.SIGNED_DATA_NOT_FOUND),
        level=policy.level(context, "data-object-found"),
    )
    found: dict[str, StampResult] = {}
    stamps = [inputs.time_stamps[named] for named in record.time_stamps if named in inputs.time_stamps]
    # From the last to the first: what the next proves is the time at which this one is looked at.
    for number in range(len(stamps) - 1, -1, -1):
        own = poes.branch()
        if number + 1 < len(stamps) and found[stamps[number + 1].id].conclusion.passed:
            following = stamps[number + 1]
            own.add_all(proven_by(following), following.time, following.id)
        found[stamps[number].id] = validate_archival_time_stamp(
            stamps[number], stamp(stamps[number]), inputs, own
        )
    for one in stamps:
        checks.take("er.time-stamp", found[one.id].conclusion)
    if not stamps:
        checks.ask("er.time-stamp", partial(_objection, _NO_STAMP), failed(S.FORMAT_FAILURE))
    time = stamps[0].time if stamps else None
    if time is not None:
        uses = acceptance.uses_of_references(record.references, record.id)
        weak = weaknesses(policy.suite, uses, time)
        level = policy.level(context, "algorithms")
        checks.ask("er.algorithms", partial(acceptance.reliable, weak), _CRYPTO, level=level)
    conclusion = checks.conclude()
    if conclusion.passed and time is not None:
        poes.add_all(proven_by_record(record), time, record.id)
    return RecordResult(conclusion=conclusion, time_stamps=found, time=time if conclusion.passed else None)


_NO_STAMP: Final = "The evidence record has no time-stamp."
_LEVELS: Final = {"fatal": Level.FAIL, "suspicious": Level.WARN, "note": Level.INFORM}


def _objection(text: str) -> str:
    return text


def validate_archival(
    signature: Signature,
    inputs: Inputs,
    result: timed.TimedResult,
    poes: Poes,
    *,
    stamps: dict[str, Conclusion],
    records: dict[str, Conclusion],
) -> ArchivalResult:
    """Validate a signature with all proofs of existence (5.6.3.4, 3 to 10)."""
    checks = Checks("LTA", signature.id)
    policy = inputs.policy
    over = [record for record in inputs.evidence.evidence_records if _is_over(record, signature)]
    for record in over:
        level = policy.level(Context.EVIDENCE_RECORD, "valid")
        checks.take("lta.evidence-record", records[record.id], level=level)
    checks.ask("lta.with-time", partial(acceptable, result.verdict), result.verdict, block=result.conclusion)
    own = inputs.time_stamps_of(signature)
    # One that the signature only holds, and that is over something else, makes no level.
    over_it = [one for one in own if signature.id in one.covers]
    _levels(checks, over_it, stamps, inputs, context_of(signature))
    material = bool(over) or any(_is_archival(one) for one in own)
    sunset = result.verdict.sub_indication is S.NO_CERTIFICATE_CHAIN_FOUND_NO_POE
    if not sunset:
        level = Level.INFORM if result.verdict.passed else Level.FAIL
        inner = None if result.verdict.passed or material else result.conclusion
        rule = partial(has_material, material)
        checks.ask("lta.material", rule, result.verdict, level=level, block=inner)
    if checks.failed or not (material or sunset):
        return ArchivalResult(conclusion=checks.conclude(), best=result.best, path=result.path)
    poes.add(result.best)
    level = policy.level(Context.TIME_STAMP, "valid")
    for one in own:
        if one.id in stamps:
            checks.take("lta.time-stamp", stamps[one.id], level=level)
    best = poes.earliest(signature.id)
    if result.verdict.passed or checks.failed:
        # What passed without proofs of existence needs none (5.6.3.4, 3).
        return ArchivalResult(conclusion=checks.conclude(), best=best, path=result.path)
    path = _past(checks, signature, inputs, result, poes)
    return ArchivalResult(conclusion=checks.conclude(), best=best, path=path)


def _levels(
    checks: Checks,
    own: Sequence[TimeStamp],
    stamps: dict[str, Conclusion],
    inputs: Inputs,
    context: Context,
) -> None:
    """The levels that a policy may ask for."""
    for name, kinds, what in (
        ("t-level-time-stamp", timed.KINDS, "signature time-stamp"),
        ("lta-level-time-stamp", _ARCHIVAL, "archival time-stamp"),
    ):
        level = inputs.policy.level(context, name, Section.UNSIGNED_ATTRIBUTES)
        rule = partial(has_valid, [one for one in own if one.kind in kinds], stamps, what)
        checks.ask(f"lta.{name}", rule, indeterminate(S.SIG_CONSTRAINTS_FAILURE), level=level)


def _past(
    checks: Checks,
    signature: Signature,
    inputs: Inputs,
    result: timed.TimedResult,
    poes: Poes,
) -> CertificateResult | None:
    """Past signature validation, the delay, and acceptance at the best time (5.6.3.4, 7 to 9).

    Answers with the path that the past validation rests on.
    """
    path, best, context = result.path, poes.earliest(signature.id).time, context_of(signature)
    if path is None:
        checks.take("lta.past", result.conclusion)
        return None
    past = Past(
        subject=signature.id,
        verdict=result.verdict,
        path=path,
        uses=acceptance.uses_of(signature, signature.id, path.leaf.key.bits or None),
        context=context,
    )
    found = validate_past_signature(past, inputs, poes)
    checks.take("lta.past", found.conclusion)
    delay = inputs.policy.constraint(Context.TIME_STAMP, "delay")
    if any(one.kind is TimeStampKind.SIGNATURE for one in inputs.time_stamps_of(signature)):
        rule = partial(timed.soon_enough, signature, best, delay.limit)
        checks.ask("with-time.delay", rule, indeterminate(S.SIG_CONSTRAINTS_FAILURE), level=delay.level)
    if not checks.failed:
        accepted = acceptance.accept_signature(
            signature,
            inputs.time_stamps_of(signature),
            inputs.policy,
            context,
            best,
            bits=path.leaf.key.bits or None,
            path=found.path.chain,
        )
        checks.take("lta.sav", accepted.conclusion)
    return found.path


def _is_archival(time_stamp: TimeStamp) -> bool:
    """Whether a time-stamp is over validation material; one of a document may be over the signature alone."""
    if time_stamp.kind is not TimeStampKind.DOCUMENT:
        return time_stamp.kind in _ARCHIVAL
    return any(named.startswith(("R-", "O-", "E-")) for named in time_stamp.covers)


def _is_over(record: EvidenceRecord, signature: Signature) -> bool:
    return record.owner == signature.id or signature.id in record.covers
