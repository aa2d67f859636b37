"""The outcome as data that JSON can hold: what `trustworks validate --json` and the API answer.

The names stay as they are from version to version; new ones may come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trustworks.core.trace import implements
from trustworks.formats.evidence import Container, ReferenceKind
from trustworks.formats.findings import FINDINGS
from trustworks.validation.policies.applicability import objections
from trustworks.validation.report.words import Words, deciding, moment, warned_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustworks.formats.evidence import (
        EvidenceRecord,
        Finding,
        Reference,
        Scope,
        Signature,
        TimeStamp,
    )
    from trustworks.validation.model import (
        Check,
        EvidenceRecordOutcome,
        SignatureOutcome,
        TimeStampOutcome,
        Verdict,
    )
    from trustworks.validation.qualifying import Qualifications
    from trustworks.validation.report.judged import Judged


@implements("TS119441:SVR-8.4-01", disabled=dict)
def plain(judged: Judged) -> dict[str, Any]:
    """All of the outcome: signatures, time-stamps, evidence records, in the order of the file."""
    evidence, outcome, qualifications = judged.evidence, judged.outcome, judged.qualifications
    words = Words(judged)
    signatures = {one.id: one for one in evidence.signatures}
    stamps = {one.id: one for one in evidence.time_stamps}
    records = {one.id: one for one in evidence.evidence_records}
    time_stamps = {
        one.id: _time_stamp(stamps[one.id], one, words) | _stamp_qualification(one.id, qualifications)
        for one in outcome.time_stamps
    }
    return {
        "validation_time": moment(outcome.at),
        "policy": outcome.policy,
        "container": None if evidence.container is Container.NONE else evidence.container.value,
        "media_type": evidence.media_type,
        "signatures": [
            _signature(signatures[one.id], one, words, time_stamps) | _qualification(one.id, qualifications)
            for one in outcome.signatures
        ],
        "timestamps": list(time_stamps.values()),
        "evidence_records": [_record(records[one.id], one, time_stamps) for one in outcome.evidence_records],
        "findings": _findings(evidence.findings),
        "troubles": list(judged.troubles),
        "trusted_lists_overdue": list(qualifications.overdue) if qualifications else [],
        "policy_not_taken": list(judged.policy.not_taken),
        "qualification_policy": None if qualifications is None else list(objections(judged.policy)),
    }


def _signature(
    signature: Signature, outcome: SignatureOutcome, words: Words, time_stamps: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    attributes = signature.attributes
    data_intact = outcome.data_found and outcome.data_intact
    return {
        "id": signature.id,
        "name": signature.name,
        "file": signature.file,
        "format": signature.format.value,
        "level": signature.level,
        "parent": signature.parent,
        "indication": outcome.indication.value,
        "sub_indication": _sub_indication(outcome.verdict),
        "cryptographically_valid": (
            outcome.value_intact and _own_references_intact(signature) and _is_protected(signature)
        ),
        "signature_intact": outcome.value_intact,
        "data_found": outcome.data_found,
        "data_intact": data_intact,
        "signer": words.holder(outcome.signing_certificate),
        "signing_certificate": outcome.signing_certificate,
        "signing_time": moment(attributes.signing_time) if attributes.signing_time else None,
        "best_signature_time": moment(outcome.best_signature_time),
        "best_signature_time_proven_by": outcome.best_signature_time_by,
        "timestamps": [time_stamps[one] for one in signature.time_stamps if one in time_stamps],
        "scopes": [_scope(one) for one in signature.scopes],
        "references": [_reference(one) for one in signature.references],
        "reasons": _reasons(deciding(outcome)),
        "warnings": list(warned_of(outcome)),
        "findings": _findings(
            (*signature.findings, *(signature.revision.later if signature.revision else ()))
        ),
    }


@implements("TS119441:SVR-8.4-04")
def _sub_indication(verdict: Verdict) -> str | None:
    """Why the status is not TOTAL-PASSED."""
    return verdict.sub_indication.value if verdict.sub_indication else None


def _own_references_intact(signature: Signature) -> bool:
    """Whether what the value itself protects is intact; what a manifest names is protected by that."""
    own = (one for one in signature.references if one.kind is not ReferenceKind.MANIFEST_ENTRY)
    return all(one.found and one.intact for one in own)


def _is_protected(signature: Signature) -> bool:
    """Whether the structure lets the value protect anything.

    A value may compute, and yet the standard calls the signature invalid: signed attributes that CMS does not
    allow (RFC 5652, 11; RFC 6211, 2), a byte range with a second gap (ISO 32000-2, 12.8.1).
    """
    return not any(FINDINGS[one.code].unprotected for one in signature.findings)


@implements("TS119441:SVR-B-13", disabled=dict)
def _qualification(identifier: str, qualifications: Qualifications | None) -> dict[str, Any]:
    """What the trusted lists say of a signature (TS 119 615); all None where there are none to ask."""
    found = qualifications.signatures.get(identifier) if qualifications else None
    return {
        "qualification": found.level.value if found else None,
        "certificate_qualification": {
            "status": found.certificate.status.value,
            "results": sorted(one.value for one in found.certificate.results),
            "device": found.device.result.value if found.device.result else None,
            "country": found.certificate.country,
            "warnings": [*found.certificate.sub_status, *found.device.sub_status],
        }
        if found
        else None,
    }


@implements("TS119441:SVR-B-08", disabled=dict)
def _stamp_qualification(identifier: str, qualifications: Qualifications | None) -> dict[str, Any]:
    found = qualifications.time_stamps.get(identifier) if qualifications else None
    return {"qualification": [one.value for one in found.results] if found else None}


def _time_stamp(stamp: TimeStamp, outcome: TimeStampOutcome, words: Words) -> dict[str, Any]:
    return {
        "id": stamp.id,
        "kind": stamp.kind.value,
        "form": stamp.form,
        "file": stamp.file,
        "of": stamp.owner,
        "time": moment(stamp.time),
        "indication": outcome.verdict.indication.value,
        "sub_indication": _sub_indication(outcome.verdict),
        "data_found": outcome.imprint_found,
        "data_intact": outcome.imprint_intact,
        "produced_by": words.holder(outcome.signing_certificate),
        "signing_certificate": outcome.signing_certificate,
        "policy": stamp.policy,
        "scopes": [_scope(one) for one in stamp.scopes],
        "reasons": _reasons(deciding(outcome)),
        "warnings": list(warned_of(outcome)),
        "findings": _findings(stamp.findings),
    }


def _record(
    record: EvidenceRecord, outcome: EvidenceRecordOutcome, time_stamps: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    return {
        "id": record.id,
        "form": record.form,
        "file": record.file,
        "of": record.owner,
        "time": moment(outcome.time) if outcome.time else None,
        "indication": outcome.verdict.indication.value,
        "sub_indication": _sub_indication(outcome.verdict),
        "data_found": all(one.found for one in record.references if one.mandatory),
        "data_intact": all(one.intact for one in record.references if one.mandatory),
        "reasons": _reasons(deciding(outcome)),
        "timestamps": [time_stamps[one] for one in record.time_stamps if one in time_stamps],
        "scopes": [_scope(one) for one in record.scopes],
        "references": [_reference(one) for one in record.references],
        "findings": _findings(record.findings),
    }


@implements("TS119172-4:REQ-4.5-01-e", disabled=dict)
def _scope(scope: Scope) -> dict[str, Any]:
    return {
        "kind": scope.kind.value,
        "name": scope.name,
        "text": scope.text,
        "transforms": list(scope.transforms),
        "data": scope.id,
    }


def _reference(reference: Reference) -> dict[str, Any]:
    return {
        "kind": reference.kind.value,
        "name": reference.name,
        "digest_algorithm": reference.digest_algorithm,
        "digest": reference.expected.hex() if reference.expected is not None else None,
        "found": reference.found,
        "intact": reference.intact,
        "mandatory": reference.mandatory,
        "why": reference.why,
    }


@implements("TS119441:VPR-B-14", "TS119172-4:REQ-4.3-04", disabled=list)
def _reasons(checks: Iterable[Check]) -> list[dict[str, Any]]:
    return [
        {"check": one.id, "about": one.subject, "text": one.text or one.name, "requirement": one.requirement}
        for one in checks
    ]


def _findings(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    return [
        {"code": one.code, "text": one.text, "weight": one.weight.value, "requirement": one.requirement}
        for one in findings
    ]
