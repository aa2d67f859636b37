"""The validation of one file: evidence, policy, trust and a time in; verdicts and what is missing out.

Nothing is read, fetched or remembered here; the same inputs give the same outcome, at any time and anywhere.

Source: EN 319 102-1, 5.1 (selecting validation processes), 5.3 to 5.6.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.validation.model import (
    EvidenceRecordOutcome,
    Indication,
    Need,
    NeedKind,
    Outcome,
    SignatureOutcome,
    TimeStampOutcome,
    Verdict,
)
from trustworks.validation.policies.policy import shipped
from trustworks.validation.rules import ltv
from trustworks.validation.rules.basic import validate_basic
from trustworks.validation.rules.building_blocks.policies import hash_matches
from trustworks.validation.rules.inputs import NOTHING, Inputs, id_of
from trustworks.validation.rules.poe import Poes
from trustworks.validation.rules.time_stamps import validate_time_stamp
from trustworks.validation.rules.with_time import TimedResult, validate_with_time
from trustworks.validation.trust import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustworks.formats.evidence import Evidence, Reference, Signature, TimeStamp
    from trustworks.validation.model import Conclusion
    from trustworks.validation.policies.policy import Policy
    from trustworks.validation.rules.basic import BasicResult
    from trustworks.validation.rules.inputs import Extra
    from trustworks.validation.rules.ltv import StampResult
    from trustworks.validation.rules.surroundings import Known
    from trustworks.validation.trust import Trust

_TOTAL: Final = {
    Indication.PASSED: Indication.TOTAL_PASSED,
    Indication.FAILED: Indication.TOTAL_FAILED,
    Indication.INDETERMINATE: Indication.INDETERMINATE,
}


@implements("TS119441:VPR-8.1-04", disabled=lambda verdict: verdict)
def status_of(verdict: Verdict) -> Verdict:
    """The status of a signature as a whole, from the verdict of the last of its processes."""
    return Verdict(_TOTAL[verdict.indication], verdict.sub_indication)


@implements(
    "TS119441:VPR-8.1-12",
    disabled=lambda rule, evidence, **given: replace(rule(evidence, **given), at=datetime.now(UTC)),
)
def validate(
    evidence: Evidence,
    *,
    at: datetime,
    trust: Trust = NOBODY,
    policy: Policy | None = None,
    extra: Extra = NOTHING,
    present: bool = False,
    known: Known | None = None,
) -> Outcome:
    """Validate every signature, time-stamp and evidence record of a file at a time.

    `policy` None: the one for advanced electronic signatures. `extra` is evidence from outside.
    `present`: `at` is the present, and revocation data that says it is from later is refused. A pure
    function: with what its outcome `needs` fetched into `extra`, call it again with the same `at`. `known`
    is what was derived before from the same and is not derived again; it changes no outcome.
    """
    inputs = Inputs(
        evidence=evidence,
        trust=trust,
        policy=policy or shipped(),
        at=at,
        extra=extra,
        present=present,
        known=known,
    )
    return _Run(inputs).outcome()


class _Run:
    """One validation: results that several processes need, and the proofs of existence as they grow."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self.poes = Poes(inputs)
        self._stamped: dict[str, BasicResult] = {}

    def stamp(self, time_stamp: TimeStamp) -> BasicResult:
        """The result of a time-stamp at the time of validation."""
        found = self._stamped.get(time_stamp.id)
        if found is None:
            found = self._stamped[time_stamp.id] = validate_time_stamp(time_stamp, self.inputs)
        return found

    def outcome(self) -> Outcome:
        """All processes in their order."""
        inputs, evidence = self.inputs, self.inputs.evidence
        records = {
            one.id: ltv.validate_record(one, inputs, self.poes, self.stamp)
            for one in evidence.evidence_records
        }
        of_records = {named: found for one in records.values() for named, found in one.time_stamps.items()}
        timed = {one.id: self._with_time(one) for one in evidence.signatures}
        # The best times by signature time-stamps are proofs too, for what covers signatures of each other.
        stamps = ltv.validate_time_stamps(inputs, self.poes, self.stamp)
        of_stamps = {named: found.conclusion for named, found in stamps.items()}
        about_records = {named: found.conclusion for named, found in records.items()}
        signatures = tuple(
            self._signature(one, timed[one.id], of_stamps, about_records) for one in evidence.signatures
        )
        return Outcome(
            at=inputs.at,
            policy=inputs.policy.identifier,
            signatures=signatures,
            time_stamps=tuple(
                self._time_stamp(one, {**of_records, **stamps}) for one in evidence.time_stamps
            ),
            evidence_records=tuple(
                EvidenceRecordOutcome(
                    id=one.id,
                    verdict=records[one.id].conclusion.verdict,
                    conclusion=records[one.id].conclusion,
                    time=records[one.id].time,
                )
                for one in evidence.evidence_records
            ),
            poes=self.poes.all(),
            needs=self._needs(timed.values()),
        )

    def _with_time(self, signature: Signature) -> TimedResult:
        basic = validate_basic(
            signature, self.inputs, lambda time_stamp: self.stamp(time_stamp).verdict.passed
        )
        return validate_with_time(signature, self.inputs, basic, self.stamp)

    def _signature(
        self,
        signature: Signature,
        timed: TimedResult,
        stamps: dict[str, Conclusion],
        records: dict[str, Conclusion],
    ) -> SignatureOutcome:
        found = ltv.validate_archival(
            signature, self.inputs, timed, self.poes, stamps=stamps, records=records
        )
        basic, path = timed.basic, found.path or timed.path or timed.basic.path
        return SignatureOutcome(
            id=signature.id,
            verdict=status_of(found.conclusion.verdict),
            basic=basic.conclusion,
            with_time=timed.conclusion,
            archival=found.conclusion,
            signing_certificate=basic.signer.named,
            chain=tuple(id_of(one) for one in path.chain) if path else (),
            best_signature_time=found.best.time,
            best_signature_time_by=found.best.by,
            value_intact=basic.signer.intact,
            data_found=all(one.found for one in signature.references if one.mandatory),
            data_intact=_intact(signature.references),
            signing_time=signature.attributes.signing_time,
        )

    def _time_stamp(self, time_stamp: TimeStamp, archival: dict[str, StampResult]) -> TimeStampOutcome:
        basic = self.stamp(time_stamp)
        archived = archival.get(time_stamp.id)
        found, path = (
            (basic.conclusion, basic.path) if archived is None else (archived.conclusion, archived.path)
        )
        imprint = time_stamp.references[:1]
        return TimeStampOutcome(
            id=time_stamp.id,
            verdict=found.verdict,
            basic=basic.conclusion,
            archival=found,
            signing_certificate=basic.signer.named,
            chain=tuple(id_of(one) for one in path.chain) if path else (),
            time=time_stamp.time,
            imprint_found=all(one.found for one in imprint),
            imprint_intact=all(one.intact for one in imprint),
        )

    def _needs(self, timed: Iterable[TimedResult]) -> tuple[Need, ...]:
        """What would help, each once: for signers, then for time-stamping authorities, then policies."""
        found: dict[Need, None] = {}
        paths = [one.path or one.basic.path for one in timed]
        paths += [one.path for one in self._stamped.values()]
        for path in paths:
            found.update(dict.fromkeys(path.needs if path else ()))
        for signature in self.inputs.evidence.signatures:
            named = signature.attributes.policy
            if named is None or named.identifier is None or named.octets is not None:
                continue
            document = self.inputs.extra.policies.get(named.identifier)
            # One that is not what was signed does not help: whoever sends it keeps nobody from the right one.
            if document is None or hash_matches(named, document) is not None:
                urls = (named.uri,) if named.uri else ()
                found[Need(kind=NeedKind.POLICY, about=named.identifier, urls=urls)] = None
        return tuple(found)


def _intact(references: Iterable[Reference]) -> bool:
    return all(one.intact for one in references if one.mandatory or one.found)
