"""Validation of signatures, seals and time-stamps (EN 319 102-1).

The common case:

    evidence = formats.read(Stored(path))
    outcome = validate(evidence, at=datetime.now(UTC), trust=Trust.of(anchors))
    print([signature.indication for signature in outcome.signatures])
"""

from trustworks.validation.inputs import Extra, token
from trustworks.validation.model import (
    Check,
    Conclusion,
    EvidenceRecordOutcome,
    Indication,
    Level,
    Need,
    NeedKind,
    Outcome,
    Poe,
    PoeOrigin,
    SignatureOutcome,
    Status,
    SubIndication,
    TimeStampOutcome,
    Verdict,
)
from trustworks.validation.policy import Policy
from trustworks.validation.process import validate
from trustworks.validation.trust import Trust

__all__ = [
    "Check",
    "Conclusion",
    "EvidenceRecordOutcome",
    "Extra",
    "Indication",
    "Level",
    "Need",
    "NeedKind",
    "Outcome",
    "Poe",
    "PoeOrigin",
    "Policy",
    "SignatureOutcome",
    "Status",
    "SubIndication",
    "TimeStampOutcome",
    "Trust",
    "Verdict",
    "token",
    "validate",
]
