"""Verdicts as values: indications, checks in their blocks, proofs of existence, and what is still missing.

Everything is frozen and compares by value, so that two runs over the same evidence give equal outcomes.

Source: EN 319 102-1, 5.1.3 (status indications), 5.1.4 and 5.1.5 (sub-indications, building blocks).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from datetime import datetime


class Indication(StrEnum):
    """The status of a whole signature (TOTAL-PASSED, TOTAL-FAILED) or of a part (PASSED, FAILED)."""

    TOTAL_PASSED = "TOTAL-PASSED"
    TOTAL_FAILED = "TOTAL-FAILED"
    PASSED = "PASSED"
    FAILED = "FAILED"
    INDETERMINATE = "INDETERMINATE"


class SubIndication(StrEnum):
    """Why the status is not PASSED."""

    FORMAT_FAILURE = "FORMAT_FAILURE"
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    CERTIFICATE_CHAIN_GENERAL_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE_NO_POE = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    POLICY_PROCESSING_ERROR = "POLICY_PROCESSING_ERROR"
    SIGNATURE_POLICY_NOT_AVAILABLE = "SIGNATURE_POLICY_NOT_AVAILABLE"
    TIMESTAMP_ORDER_FAILURE = "TIMESTAMP_ORDER_FAILURE"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND_NO_POE = "NO_CERTIFICATE_CHAIN_FOUND_NO_POE"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    REVOKED_CA_NO_POE = "REVOKED_CA_NO_POE"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    OUT_OF_BOUNDS_NOT_REVOKED = "OUT_OF_BOUNDS_NOT_REVOKED"
    REVOCATION_OUT_OF_BOUNDS_NO_POE = "REVOCATION_OUT_OF_BOUNDS_NO_POE"
    NO_POE = "NO_POE"
    TRY_LATER = "TRY_LATER"
    SIGNED_DATA_NOT_FOUND = "SIGNED_DATA_NOT_FOUND"


class Level(StrEnum):
    """What a constraint of the policy does when it is not met."""

    FAIL = "fail"
    WARN = "warn"
    INFORM = "inform"
    IGNORE = "ignore"


class Status(StrEnum):
    """How one check ended."""

    OK = "ok"
    NOT_OK = "not-ok"
    WARNING = "warning"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An indication with its sub-indication."""

    indication: Indication
    sub_indication: SubIndication | None = None

    @property
    def passed(self) -> bool:
        """Whether it is PASSED or TOTAL-PASSED."""
        return self.indication is Indication.PASSED or self.indication is Indication.TOTAL_PASSED


PASSED: Final = Verdict(Indication.PASSED)


def failed(sub_indication: SubIndication) -> Verdict:
    """FAILED with a sub-indication."""
    return Verdict(Indication.FAILED, sub_indication)


def indeterminate(sub_indication: SubIndication) -> Verdict:
    """INDETERMINATE with a sub-indication."""
    return Verdict(Indication.INDETERMINATE, sub_indication)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question that was asked about one object, and how it ended.

    `id` is stable (``cv.data-intact``); `name` says what holds when it is ok; `text` says what is wrong, a
    sentence (empty when ok). `subject` is the id of the object. `details` are names and values for people
    and reports. `block` is the block whose result the check is about.
    """

    id: str
    name: str
    status: Status
    level: Level
    subject: str
    text: str = ""
    details: tuple[tuple[str, str], ...] = ()
    requirement: str | None = None
    block: Conclusion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What a building block or a process came to, and the checks that led there, in their order.

    `block` is its short name: ``FC ISC VCI CV XCV SAV`` and so on, ``BASIC WITH-TIME LTA`` for processes.
    `time` is the time for which it was asked, where that differs from the time of validation.
    """

    block: str
    subject: str
    verdict: Verdict
    checks: tuple[Check, ...]
    time: datetime | None = None

    @property
    def indication(self) -> Indication:
        """The status."""
        return self.verdict.indication

    @property
    def sub_indication(self) -> SubIndication | None:
        """Why it is not PASSED."""
        return self.verdict.sub_indication

    @property
    def passed(self) -> bool:
        """Whether the status is PASSED."""
        return self.verdict.passed

    def reasons(self) -> tuple[Check, ...]:
        """The checks that decided: the failed ones, each followed into the block that it is about."""
        found: list[Check] = []
        for check in self.checks:
            if check.status is Status.NOT_OK:
                inner = check.block.reasons() if check.block else ()
                found.extend(inner or (check,))
        return tuple(found)

    def warnings(self) -> tuple[Check, ...]:
        """Checks that ended with a warning, in inner blocks too, each once."""
        found: list[Check] = []
        # Blocks are shared by processes that go on from them: by identity, for to compare them is costly.
        seen: set[int] = set()
        waiting = [self]
        while waiting:
            block = waiting.pop(0)
            if id(block) in seen:
                continue
            seen.add(id(block))
            found.extend(check for check in block.checks if check.status is Status.WARNING)
            waiting.extend(check.block for check in block.checks if check.block is not None)
        return tuple(found)


class PoeOrigin(StrEnum):
    """Where a proof of existence comes from ((EU) 2025/1942: SVR-8.4-15 of TS 119 441)."""

    SIGNATURE = "signature"
    """A time-stamp or evidence record from within the signed file."""
    CLIENT = "client"
    """Told by who asks for the validation."""
    SERVER = "server"
    """The time of validation, at which everything is at hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poe:
    """Proof that an object existed at a time. `by` is the time-stamp or evidence record that proves it."""

    object: str
    time: datetime
    origin: PoeOrigin
    by: str | None = None


class NeedKind(StrEnum):
    """What kind of evidence is missing."""

    ISSUER = "issuer"
    """The certificate of the issuer of a certificate."""
    REVOCATION = "revocation"
    """A revocation list or an OCSP answer about a certificate."""
    POLICY = "policy"
    """The document of the signature policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Evidence that is missing and would help. `about` is the object; `urls` say where it may be had."""

    kind: NeedKind
    about: str
    urls: tuple[str, ...] = ()
    issuer: str | None = None
    """For revocation: the certificate of the issuer, with which an OCSP request is made."""
    fresher_than: datetime | None = None
    """For revocation: what is at hand was issued then, and is too old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureOutcome:
    """All about one signature: the final verdict, and the conclusion of each process that was run."""

    id: str
    verdict: Verdict
    basic: Conclusion
    with_time: Conclusion
    archival: Conclusion
    signing_certificate: str | None
    chain: tuple[str, ...]
    """Ids of certificates from the signer's to the trust anchor's, as far as known."""
    best_signature_time: datetime
    best_signature_time_by: str | None
    """The time-stamp or evidence record that proves it; None: the time of validation."""
    value_intact: bool
    """The signature value verifies with the signing certificate's key."""
    data_found: bool
    data_intact: bool
    signing_time: datetime | None

    @property
    def indication(self) -> Indication:
        """The status of the signature."""
        return self.verdict.indication

    @property
    def sub_indication(self) -> SubIndication | None:
        """Why it is not TOTAL-PASSED."""
        return self.verdict.sub_indication


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeStampOutcome:
    """All about one time-stamp. `verdict` is that of the process that could use all proofs of existence."""

    id: str
    verdict: Verdict
    basic: Conclusion
    archival: Conclusion
    signing_certificate: str | None
    chain: tuple[str, ...]
    time: datetime
    imprint_found: bool
    imprint_intact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRecordOutcome:
    """All about one evidence record. `time` is that of its first time-stamp where it is valid."""

    id: str
    verdict: Verdict
    conclusion: Conclusion
    time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What validation of one file came to. `needs` is empty when no more evidence would change it."""

    at: datetime
    policy: str
    """Identifier of the validation policy."""
    signatures: tuple[SignatureOutcome, ...]
    time_stamps: tuple[TimeStampOutcome, ...]
    evidence_records: tuple[EvidenceRecordOutcome, ...]
    poes: tuple[Poe, ...]
    needs: tuple[Need, ...]
