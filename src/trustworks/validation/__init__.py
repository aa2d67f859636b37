"""Validation of signatures, seals and time-stamps (EN 319 102-1).

The common case:

    report = validate(Path("contract.pdf"), trust=[Path("anchors")])
    print([signature.indication for signature in report.outcome.signatures])
    print(report.explained())
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

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
from trustworks.validation.policies.constraints import Context
from trustworks.validation.policies.policy import Policy
from trustworks.validation.rules.inputs import Extra, token
from trustworks.validation.rules.surroundings import CertificateResult
from trustworks.validation.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trustworks.formats.data import Data
    from trustworks.validation.service import Replay, Report

__all__ = [
    "CertificateResult",
    "Check",
    "Conclusion",
    "Context",
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
    "replay",
    "token",
    "validate",
    "validate_certificate",
]


def validate(
    file: Path | Data,
    *,
    detached: Sequence[Path | Data] = (),
    records: Sequence[Path | Data] = (),
    policy: str | Policy = "ades",
    trust: Trust | Sequence[Path] = (),
    untrusted: Sequence[Path] = (),
    at: datetime | None = None,
    offline: bool = False,
) -> Report:
    """Validate the signatures, seals and time-stamps in a file.

    `detached` is data that it signs and does not hold, `records` are evidence records about it or that data,
    in files of their own. `policy` is the name of a shipped policy, a file, or a
    policy. `trust` are trust anchors in files and folders, also in those that `trustworks trust refresh`
    fills; `untrusted` are further certificates and revocation data. `at` is the time of validation, None:
    now. What is missing is fetched from public addresses, unless `offline`. To validate many files alike,
    make one `service.Validator`.

    Raises:
        Malformed: the file is no signed file, or something that is given beside it cannot be read.
    """
    # What the service needs beyond the process, such as a client of HTTP, others need not load.
    from trustworks.validation.gathering.fetching import Fetcher, FetchLimits  # noqa: PLC0415
    from trustworks.validation.given import Trusted, extra_of, trusted_of  # noqa: PLC0415
    from trustworks.validation.service import Validator, policy_of  # noqa: PLC0415

    moment = at or datetime.now(UTC)
    trusted = Trusted(trust=trust) if isinstance(trust, Trust) else trusted_of(trust, moment)
    return Validator(
        policy=policy_of(policy) if isinstance(policy, str) else policy,
        trust=trusted.trust,
        lists=trusted.lists,
        extra=extra_of(untrusted),
        at=at,
        fetcher=None if offline else Fetcher(FetchLimits()),
    ).validate(file, detached=detached, records=records)


def validate_certificate(
    certificate: bytes,
    *,
    trust: Trust,
    policy: str | Policy = "ades",
    at: datetime | None = None,
    certificates: Sequence[bytes] = (),
    lists: Sequence[bytes] = (),
    answers: Sequence[bytes] = (),
    context: Context = Context.SIGNATURE,
) -> CertificateResult:
    """Validate a certificate by itself, as that of a signer is validated (EN 319 102-1, 5.2.6).

    `certificates`, revocation `lists` and OCSP `answers` are all that is at hand, in DER; nothing is fetched.
    `policy` and `at` are as in `validate`; of the policy, what it asks of certificates in `context` counts.
    The verdict is `CertificateResult.conclusion`, the path that it is about `path`.

    Raises:
        Malformed: the certificate or the policy cannot be read. What else cannot be read is left out.
    """
    from trustworks.core.pki.tokens import Certificate  # noqa: PLC0415 - as above
    from trustworks.validation.rules.building_blocks import x509  # noqa: PLC0415
    from trustworks.validation.rules.inputs import NO_FILE, Inputs  # noqa: PLC0415
    from trustworks.validation.service import policy_of  # noqa: PLC0415

    revocation = (*(token("R", der) for der in lists), *(token("O", der) for der in answers))
    inputs = Inputs(
        evidence=NO_FILE,
        trust=trust,
        policy=policy_of(policy) if isinstance(policy, str) else policy,
        at=at or datetime.now(UTC),
        extra=Extra(certificates=tuple(token("C", der) for der in certificates), revocation=revocation),
        present=at is None,
    )
    return x509.validate_certificate(Certificate.read(certificate), context, inputs)


def replay(bundle: Path, *, data: Sequence[Path | Data] = ()) -> Replay:
    """Judge again what `Report.keep` wrote, by that file alone; `same` says whether the verdict is the same.

    `data` are the file and the data, where they were left out.

    Raises:
        Malformed: it is no such file, was changed, or is beyond the limits; or the data is missing.
    """
    from trustworks.validation.service import replay as again  # noqa: PLC0415 - as above

    return again(bundle, data=data)
