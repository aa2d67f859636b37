"""Past signature validation (PSV): whether what speaks against a signature now did so when it was made.

A signature ends with one reason, and others may hide behind it: that an algorithm is weak behind that the
certificate has expired, or the other way round. So the path is judged again without each reason that is
forgiven, until none is left: the standard looks at the one that it was told.

Source: EN 319 102-1, 5.6.2.4.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from trustworks.core.pki.path_verdict import issuers_of
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.validation.model import Indication, Level, SubIndication, failed, indeterminate
from trustworks.validation.policies.constraints import Section
from trustworks.validation.policies.suites import weaknesses
from trustworks.validation.rules.building_blocks.freshness import check_freshness
from trustworks.validation.rules.building_blocks.revocation import needs_none, select
from trustworks.validation.rules.building_blocks.x509 import validate_path_again, validate_this_path
from trustworks.validation.rules.building_blocks.x509_path import authorities_had_not_expired
from trustworks.validation.rules.checks import Checks
from trustworks.validation.rules.inputs import id_of
from trustworks.validation.rules.past import proven_in_force, validate_past_certificate
from trustworks.validation.rules.with_time import before_expiration, not_before_issuance

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from trustworks.core.pki.building import Path
    from trustworks.core.pki.tokens import Certificate
    from trustworks.validation.model import Conclusion, Verdict
    from trustworks.validation.policies.constraints import Context
    from trustworks.validation.policies.suites import Use, Weakness
    from trustworks.validation.rules.inputs import Inputs
    from trustworks.validation.rules.past import PastCertificate
    from trustworks.validation.rules.poe import Poes
    from trustworks.validation.rules.revocation_status import Status
    from trustworks.validation.rules.surroundings import CertificateResult

S = SubIndication


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is asked about: a signature or time-stamp by its id, and how it stands now.

    `uses` are the algorithms of the signature itself.
    """

    subject: str
    verdict: Verdict
    path: CertificateResult
    uses: tuple[Use, ...]
    context: Context


@dataclass(frozen=True, slots=True, kw_only=True)
class PastResult:
    """The conclusion, and the path that it rests on."""

    conclusion: Conclusion
    path: CertificateResult


@implements("EN319102-1:5.6.2.4.4-1")
def revocation_in_bounds(statuses: Sequence[Status], poes: Poes) -> str | None:
    """Who signed some revocation data about the signer is proven to have existed while valid."""
    if any(_is_proven(status, poes) for status in statuses):
        return None
    return (
        "That the certificate of who signed the revocation data about the signer existed while it was "
        "valid is not proven."
    )


def _is_proven(status: Status, poes: Poes) -> bool:
    signer = status.signer
    if not proven_in_force(status, poes):
        return False
    if status.trusted or signer is None:
        return True
    return poes.exists_within(id_of(signer), signer.not_before, signer.not_after)


@implements("EN319102-1:5.6.2.4.4-3")
def existed(best: datetime, control: datetime) -> str | None:
    """The signature is known to have existed by the control time."""
    if best <= control:
        return None
    return f"That the signature existed by {control:%Y-%m-%d %H:%M:%SZ} is not proven."


@implements("EN319102-1:5.6.2.4.4-3-CA")
def status_proven_before(statuses: Sequence[Status], poes: Poes, revoked_at: datetime | None) -> str | None:
    """Revocation data about the signer is known to have existed before the authority was revoked."""
    if revoked_at is not None and any(poes.exists_at(one.token, revoked_at) for one in statuses):
        return None
    return "That revocation data about the signer existed before its authority was revoked is not proven."


@implements("EN319102-1:5.6.2.4.4-4")
def used_while_reliable(weak: Sequence[Weakness], poes: Poes) -> str | None:
    """Whatever a weak algorithm protects is known to have existed while the algorithm was reliable."""
    for one in weak:
        if one.until is None or poes.earliest(one.use.subject).time >= one.until:
            return f"{one.text} That it was used before is not proven."
    return None


def _stays(verdict: Verdict) -> str:
    reason = verdict.sub_indication or verdict.indication
    return f"Nothing that is proven about the past helps against {reason}."


@implements("EN319102-1:5.6.2.4.4-PATH", disabled=lambda past, _path, _inputs: past)
def resting_on(past: Past, path: Path | None, inputs: Inputs) -> Past:
    """What is asked about, with the path that held in the past in place of that which got furthest now.

    What is wrong with one path says nothing of another: the reasons are those of the path that is relied on.
    """
    if path is None or path == past.path.path:
        return past
    found = validate_this_path(path, past.context, inputs)
    of_path = past.verdict == past.path.conclusion.verdict
    return replace(past, path=found, verdict=found.conclusion.verdict if of_path else past.verdict)


def validate_past_signature(past: Past, inputs: Inputs, poes: Poes) -> PastResult:
    """Validate a signature, or a time-stamp's signature, with all proofs of existence at hand."""
    checks = Checks("PSV", past.subject)
    best = poes.earliest(past.subject).time
    pcv = validate_past_certificate(past.path.leaf, past.context, inputs, poes, best, present=past.path.path)
    if pcv.conclusion.passed:
        past = resting_on(past, pcv.path, inputs)
    conclusion = _validate(checks, past, pcv, inputs, poes)
    return PastResult(conclusion=conclusion, path=past.path)


def _validate(checks: Checks, past: Past, pcv: PastCertificate, inputs: Inputs, poes: Poes) -> Conclusion:
    statuses, out_of_bounds = _statuses(checks, past, inputs, poes)
    best = poes.earliest(past.subject).time
    checks.ask(
        "psv.certificate",
        partial(_reason, pcv.conclusion),
        past.verdict,
        block=pcv.conclusion,
        details=(("control-time", f"{pcv.control:%Y-%m-%dT%H:%M:%SZ}"),) if pcv.control else (),
    )
    if checks.failed or pcv.control is None:
        return checks.conclude()
    checks.ask("psv.existed", partial(existed, best, pcv.control), past.verdict, level=Level.WARN)
    _reasons(checks, past, inputs, poes, statuses, known=existed(best, pcv.control) is None)
    if out_of_bounds:
        level = inputs.policy.level(
            past.context, "revocation-issuer-not-expired", Section.SIGNING_CERTIFICATE
        )
        checks.ask(
            "psv.revocation-in-bounds",
            partial(revocation_in_bounds, statuses, poes),
            indeterminate(S.REVOCATION_OUT_OF_BOUNDS_NO_POE),
            level=level,
        )
    return checks.conclude()


def _statuses(checks: Checks, past: Past, inputs: Inputs, poes: Poes) -> tuple[tuple[Status, ...], bool]:
    """Revocation data about the signer, and whether none of it is proven as step 1 asks."""
    path = past.path.path
    if path is None or path.is_anchor_alone:
        return (), False
    skip = inputs.policy.constraint(past.context, "revocation-data-skip", Section.SIGNING_CERTIFICATE)
    if needs_none(path.leaf, skip):
        return (), False
    found = select(path.leaf, issuers_of(path)[0], path.certificates[1:], inputs).statuses
    checks.ask(
        "psv.revocation-in-bounds",
        partial(revocation_in_bounds, found, poes),
        indeterminate(S.REVOCATION_OUT_OF_BOUNDS_NO_POE),
        level=Level.WARN,
    )
    proven = tuple(one for one in found if _is_proven(one, poes))
    return proven or found, not proven


def _reasons(
    checks: Checks,
    past: Past,
    inputs: Inputs,
    poes: Poes,
    statuses: Sequence[Status],
    *,
    known: bool,
) -> None:
    """One reason after another, until the path holds without those that are forgiven."""
    forgiven: set[SubIndication] = set()
    while not past.verdict.passed and not checks.failed:
        sub = past.verdict.sub_indication
        if sub is None or sub in forgiven:
            checks.ask("psv.stays", partial(_stays, past.verdict), past.verdict)
            break
        _compare(checks, past, inputs, poes, statuses, known=known)
        forgiven.add(sub)
        path = validate_path_again(past.path, past.context, inputs, frozenset(forgiven))
        past = replace(past, path=path, verdict=path.conclusion.verdict)


def _compare(
    checks: Checks,
    past: Past,
    inputs: Inputs,
    poes: Poes,
    statuses: Sequence[Status],
    *,
    known: bool,
) -> None:
    """Steps 3 to 6: by the reason that the signature is not valid now."""
    leaf, verdict, best = past.path.leaf, past.verdict, poes.earliest(past.subject).time
    sub = verdict.sub_indication if verdict.indication is Indication.INDETERMINATE else None
    suspended = sub is S.TRY_LATER and past.path.suspended_at is not None
    match sub:
        case S.NO_CERTIFICATE_CHAIN_FOUND_NO_POE if known:
            _within(checks, leaf, best, S.OUT_OF_BOUNDS_NO_POE)
        case S.REVOKED_NO_POE | S.REVOCATION_OUT_OF_BOUNDS_NO_POE if known:
            _within(checks, leaf, best, S.OUT_OF_BOUNDS_NOT_REVOKED)
        case S.TRY_LATER if known and suspended:
            _within(checks, leaf, best, S.OUT_OF_BOUNDS_NOT_REVOKED)
        case S.REVOKED_CA_NO_POE if known:
            rule = partial(status_proven_before, statuses, poes, past.path.revoked_at)
            checks.ask("psv.before-ca-revocation", rule, verdict)
            _within(checks, leaf, best, S.OUT_OF_BOUNDS_NOT_REVOKED)
        case S.OUT_OF_BOUNDS_NO_POE | S.OUT_OF_BOUNDS_NOT_REVOKED if known:
            _within(checks, leaf, best, sub)
            checks.ask(
                "psv.path-in-bounds",
                partial(authorities_had_not_expired, past.path.path, inputs.policy.model, best),
                indeterminate(S.OUT_OF_BOUNDS_NO_POE),
                level=inputs.policy.level(past.context, "not-expired", Section.CA_CERTIFICATE),
            )
        case S.CRYPTO_CONSTRAINTS_FAILURE_NO_POE:
            weak = weaknesses(inputs.policy.suite, (*past.uses, *past.path.uses), inputs.at)
            checks.ask("psv.algorithms", partial(used_while_reliable, weak, poes), verdict)
        case S.TRY_LATER if not suspended:
            above = [
                (Section.CA_CERTIFICATE, status)
                for certificate, status in past.path.used
                if certificate != leaf
            ]
            for section, status in (*((Section.SIGNING_CERTIFICATE, one) for one in statuses[:1]), *above):
                fresh = check_freshness(status, best, inputs.policy, past.context, section)
                checks.ask("psv.fresh", partial(_reason, fresh), verdict, block=fresh)
        case _:
            checks.ask("psv.stays", partial(_stays, verdict), verdict)


def _within(checks: Checks, leaf: Certificate, best: datetime, otherwise: SubIndication) -> None:
    checks.ask("psv.issued", partial(not_before_issuance, best, leaf), failed(S.NOT_YET_VALID))
    checks.ask("psv.in-bounds", partial(before_expiration, best, leaf), indeterminate(otherwise))


def _reason(conclusion: Conclusion) -> str | None:
    reasons = conclusion.reasons()
    return reasons[0].text if reasons else None
