"""Validation of signatures with time and with long-term validation data.

A signature time-stamp proves that the signature existed earlier than now; what speaks against it only since
then is forgiven. After each thing that is forgiven the path is judged again without it, so that nothing hides
behind it: the standard stops at the first, and judges the rest only if somebody else does.

Source: EN 319 102-1, 5.5.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from trustworks.core.moments import duration_in_words
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.evidence import TimeStampKind
from trustworks.validation.model import (
    Indication,
    Level,
    Poe,
    PoeOrigin,
    SubIndication,
    failed,
    indeterminate,
)
from trustworks.validation.policies.constraints import Context, Section
from trustworks.validation.policies.suites import weaknesses
from trustworks.validation.rules.building_blocks import acceptance
from trustworks.validation.rules.building_blocks.freshness import check_freshness, is_fresh
from trustworks.validation.rules.building_blocks.x509 import validate_certificate
from trustworks.validation.rules.building_blocks.x509_path import authorities_had_not_expired
from trustworks.validation.rules.checks import Checks
from trustworks.validation.rules.inputs import context_of
from trustworks.validation.rules.order import in_order

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from trustworks.core.pki.tokens import Certificate
    from trustworks.formats.evidence import Signature, TimeStamp
    from trustworks.validation.model import Conclusion, Verdict
    from trustworks.validation.rules.basic import BasicResult
    from trustworks.validation.rules.inputs import Inputs
    from trustworks.validation.rules.surroundings import CertificateResult

S = SubIndication

RECOVERABLE: Final = frozenset(
    {
        S.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
        S.REVOKED_NO_POE,
        S.REVOKED_CA_NO_POE,
        S.TRY_LATER,
        S.OUT_OF_BOUNDS_NO_POE,
        S.OUT_OF_BOUNDS_NOT_REVOKED,
    }
)
"""What a signature time-stamp may yet turn to PASSED (5.5.4, 2)."""

KINDS: Final = (TimeStampKind.SIGNATURE, TimeStampKind.SIGNATURE_AND_REFERENCES, TimeStampKind.DOCUMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedResult:
    """The conclusion, since when the signature exists by its own time-stamps, and its path as judged last."""

    conclusion: Conclusion
    best: Poe
    path: CertificateResult | None
    basic: BasicResult

    @property
    def verdict(self) -> Verdict:
        """The verdict of the process."""
        return self.conclusion.verdict


@implements("EN319102-1:5.5.4-2")
def acceptable(verdict: Verdict) -> str | None:
    """The basic process passed, or ended with what time may heal."""
    if verdict.passed or recoverable(verdict, RECOVERABLE):
        return None
    return f"No time-stamp can help: the basic validation ended {_shown(verdict)}."


def recoverable(verdict: Verdict, among: frozenset[SubIndication]) -> bool:
    """Whether a verdict is INDETERMINATE for one of some reasons."""
    return verdict.indication is Indication.INDETERMINATE and verdict.sub_indication in among


@implements("EN319102-1:5.5.4-3-A")
def over_signature(signature: Signature, time_stamp: TimeStamp) -> str | None:
    """The time-stamp is over the signature, as the format says how: it has its imprint, and covers it.

    A signature may hold a time-stamp that is over something else, whose imprint is intact as well.
    """
    if not time_stamp.references or not time_stamp.references[0].intact:
        return "The time-stamp is not over this signature: its imprint is another."
    if signature.id not in time_stamp.covers:
        return "The time-stamp is not over this signature, but over something else."
    return None


@implements("EN319102-1:5.5.4-4-ISSUED")
def not_before_issuance(best: datetime, certificate: Certificate) -> str | None:
    """The signature did not exist before its certificate was valid."""
    if best >= certificate.not_before:
        return None
    return (
        f"The signature existed at {best:%Y-%m-%d %H:%M:%SZ}, before its certificate became valid at "
        f"{certificate.not_before:%Y-%m-%d %H:%M:%SZ}."
    )


@implements("EN319102-1:5.5.4-4-EXPIRED")
def before_expiration(best: datetime, certificate: Certificate) -> str | None:
    """The signature is known to have existed before its certificate expired."""
    if best <= certificate.not_after:
        return None
    return (
        f"The certificate expired at {certificate.not_after:%Y-%m-%d %H:%M:%SZ}; that the signature existed "
        "before is not proven."
    )


@implements("EN319102-1:5.5.4-4-REVOKED")
def revoked_after(best: datetime, revoked_at: datetime | None) -> str | None:
    """The revocation came after the time at which the signature is known to have existed."""
    if revoked_at is not None and revoked_at > best:
        return None
    when = f" at {revoked_at:%Y-%m-%d %H:%M:%SZ}" if revoked_at else ""
    return f"The certificate was revoked{when}; that the signature existed before is not proven."


def told_when_signed(fresh: bool) -> str | None:  # noqa: FBT001 - a fact
    """What is known of an expired certificate's revocation was recent when the signature came.

    Nothing newer can be had any more, so that a policy that only warns of old data does not help here.
    """
    if fresh:
        return None
    return (
        "The revocation data about the expired certificate was no longer fresh when the signature came, so "
        "that nobody knows whether the certificate was revoked then."
    )


@implements("EN319102-1:5.5.4-7")
def suspended_after(best: datetime, suspended_at: datetime | None) -> str | None:
    """The suspension came after the time at which the signature is known to have existed."""
    if suspended_at is not None and suspended_at > best:
        return None
    return "The certificate is suspended; that the signature existed before is not proven. Try again later."


@implements("EN319102-1:5.5.4-5-A")
def has_signing_time(signature: Signature) -> str | None:
    """There is a claimed signing time, where the policy limits the delay of time-stamps."""
    if signature.attributes.signing_time is not None:
        return None
    return "The signature claims no signing time, from which the policy would count the delay of time-stamps."


@implements("EN319102-1:5.5.4-5-B")
def soon_enough(signature: Signature, best: datetime, delay: timedelta | None) -> str | None:
    """The signature was time-stamped within the delay that the policy allows after the claimed time."""
    claimed = signature.attributes.signing_time
    if claimed is None or delay is None or best - claimed <= delay:
        return None
    limit = duration_in_words(delay)
    return f"The signature was time-stamped later than {limit} after the time of signing that it claims."


def validate_with_time(
    signature: Signature,
    inputs: Inputs,
    basic: BasicResult,
    stamp: Callable[[TimeStamp], BasicResult],
) -> TimedResult:
    """Validate a signature with its signature time-stamps. `stamp` gives a time-stamp's own result (5.4)."""
    checks = Checks("WITH-TIME", signature.id)
    best = Poe(object=signature.id, time=inputs.at, origin=PoeOrigin.SERVER)
    ok = checks.ask(
        "with-time.basic", partial(acceptable, basic.verdict), basic.verdict, block=basic.conclusion
    )
    if not ok:
        return TimedResult(conclusion=checks.conclude(), best=best, path=basic.path, basic=basic)
    valid = _time_stamps(checks, signature, inputs, stamp)
    for one in valid:
        # The time of validation is a whole second: what was stamped in that second is not from after it.
        time = min(one.time, max(inputs.at, one.time.replace(microsecond=0)))
        if time < best.time or (time == best.time and best.origin is PoeOrigin.SERVER):
            best = Poe(object=signature.id, time=time, origin=PoeOrigin.SIGNATURE, by=one.id)
    path = _compare(checks, signature, inputs, basic, best.time)
    if valid:
        _order(checks, signature, inputs)
        _delay(checks, signature, inputs, best.time)
    if not checks.failed:
        _accept(checks, signature, inputs, basic, path=path, best=best.time)
    return TimedResult(conclusion=checks.conclude(), best=best, path=path, basic=basic)


def _time_stamps(
    checks: Checks, signature: Signature, inputs: Inputs, stamp: Callable[[TimeStamp], BasicResult]
) -> tuple[TimeStamp, ...]:
    """The signature time-stamps that are valid now (5.5.4, 3)."""
    valid: list[TimeStamp] = []
    for one in inputs.time_stamps_of(signature, *KINDS):
        rule = partial(over_signature, signature, one)
        checks.ask("with-time.imprint", rule, _ORDER, level=Level.WARN, subject=one.id)
        if rule() is None:
            result = stamp(one)
            checks.take("with-time.time-stamp", result.conclusion, level=Level.WARN)
            if result.verdict.passed:
                valid.append(one)
    return tuple(valid)


_ORDER: Final = indeterminate(S.TIMESTAMP_ORDER_FAILURE)
_CONSTRAINTS: Final = indeterminate(S.SIG_CONSTRAINTS_FAILURE)


def _compare(
    checks: Checks, signature: Signature, inputs: Inputs, basic: BasicResult, best: datetime
) -> CertificateResult | None:
    """Times compared (5.5.4, 4, 6 and 7), for one reason after another until none is left."""
    path, certificate = basic.path, basic.signer.certificate
    context = context_of(signature)
    if certificate is None or path is None:
        return path
    checks.ask("with-time.issued", partial(not_before_issuance, best, certificate), failed(S.NOT_YET_VALID))
    forgiven: set[SubIndication] = set()
    verdict = path.conclusion.verdict
    while not checks.failed and not verdict.passed:
        sub = verdict.sub_indication
        if sub is None or sub in forgiven or not recoverable(verdict, RECOVERABLE):
            checks.take("with-time.path", path.conclusion)
            break
        _forgive(checks, sub, inputs, path, (best, context))
        forgiven.add(sub)
        if not checks.failed:
            path = validate_certificate(certificate, context, inputs, forgiven=frozenset(forgiven))
            verdict = path.conclusion.verdict
    return path


def _forgive(
    checks: Checks,
    sub: SubIndication,
    inputs: Inputs,
    path: CertificateResult,
    timed: tuple[datetime, Context],
) -> None:
    """What speaks against the signature came only after it existed; else the block ends with it."""
    best, context = timed
    kept = indeterminate(sub)
    leaf = path.leaf
    bounds = inputs.policy.level(Context.TIME_STAMP, "best-signature-time-before-expiration")
    not_revoked = indeterminate(S.OUT_OF_BOUNDS_NOT_REVOKED)
    match sub:
        case S.REVOKED_NO_POE | S.REVOKED_CA_NO_POE:
            level = inputs.policy.level(Context.TIME_STAMP, "revocation-after-best-signature-time")
            checks.ask("with-time.revoked", partial(revoked_after, best, path.revoked_at), kept, level=level)
            checks.ask("with-time.expired", partial(before_expiration, best, leaf), not_revoked, level=bounds)
        case S.OUT_OF_BOUNDS_NOT_REVOKED:
            checks.ask("with-time.expired", partial(before_expiration, best, leaf), kept, level=bounds)
            recent = all(
                is_fresh(status, best, inputs.policy, context, Section.SIGNING_CERTIFICATE)
                for certificate, status in path.used
                if certificate == leaf
            )
            no_poe = indeterminate(S.OUT_OF_BOUNDS_NO_POE)
            checks.ask("with-time.fresh", partial(told_when_signed, recent), no_poe)
            checks.ask(
                "with-time.path-in-bounds",
                partial(authorities_had_not_expired, path.path, inputs.policy.model, best),
                indeterminate(S.OUT_OF_BOUNDS_NO_POE),
                level=inputs.policy.level(context, "not-expired", Section.CA_CERTIFICATE),
            )
        case S.TRY_LATER if path.suspended_at is not None:
            checks.ask("with-time.suspended", partial(suspended_after, best, path.suspended_at), kept)
        case S.TRY_LATER:
            for certificate, status in path.used:
                section = Section.SIGNING_CERTIFICATE if certificate == leaf else Section.CA_CERTIFICATE
                fresh = check_freshness(status, best, inputs.policy, context, section)
                checks.ask("with-time.fresh", partial(_text, fresh), kept, block=fresh)
        case _:
            # OUT_OF_BOUNDS_NO_POE and weak algorithms of the path: only proofs of existence for the
            # certificates can help (5.6).
            checks.take("with-time.path", path.conclusion)


def _text(conclusion: Conclusion) -> str | None:
    reasons = conclusion.reasons()
    return reasons[0].text if reasons else None


def _order(checks: Checks, signature: Signature, inputs: Inputs) -> None:
    """The coherence of the times in time-stamps (5.5.4, 4 e)."""
    stamps = inputs.time_stamps_of(signature)
    level = inputs.policy.level(Context.TIME_STAMP, "order")
    checks.ask("with-time.order", partial(in_order, stamps), _ORDER, level=level)


def _delay(checks: Checks, signature: Signature, inputs: Inputs, best: datetime) -> None:
    """The delay of time-stamps (5.5.4, 5)."""
    delay = inputs.policy.constraint(Context.TIME_STAMP, "delay")
    checks.ask(
        "with-time.signing-time", partial(has_signing_time, signature), _CONSTRAINTS, level=delay.level
    )
    rule = partial(soon_enough, signature, best, delay.limit)
    checks.ask("with-time.delay", rule, _CONSTRAINTS, level=delay.level)


def _accept(
    checks: Checks,
    signature: Signature,
    inputs: Inputs,
    basic: BasicResult,
    *,
    path: CertificateResult | None,
    best: datetime,
) -> None:
    """Acceptance at the best signature time, and the algorithms of everything else now (5.5.4, 8 to 10)."""
    context = context_of(signature)
    accepted = acceptance.accept_signature(
        signature,
        inputs.time_stamps_of(signature),
        inputs.policy,
        context,
        best,
        bits=path.leaf.key.bits if path else None,
        path=path.chain if path else (),
        before=basic.accepted if path is basic.path else None,
    )
    checks.take("with-time.sav", accepted.conclusion)
    if path is not None:
        weak = weaknesses(inputs.policy.suite, path.uses, inputs.at)
        checks.ask(
            "with-time.algorithms",
            partial(acceptance.reliable, weak),
            indeterminate(S.CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
            level=inputs.policy.level(context, "algorithms"),
        )


def _shown(verdict: Verdict) -> str:
    sub = f"/{verdict.sub_indication}" if verdict.sub_indication else ""
    return f"{verdict.indication}{sub}"
