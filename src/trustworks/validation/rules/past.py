"""The past: validation of certificates at earlier times, sliding of the time, and of signatures.

Source: EN 319 102-1, 5.6.2.1 (past certificate validation), 5.6.2.2 (validation time sliding), 5.6.2.4 (past
signature validation).
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Final

from trustworks.core.pki.building import build_paths
from trustworks.core.pki.path_verdict import issuers_of
from trustworks.core.pki.validation import validate_path
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.validation.model import SubIndication, indeterminate
from trustworks.validation.policies.constraints import Section
from trustworks.validation.policies.policy import Model
from trustworks.validation.policies.suites import weaknesses
from trustworks.validation.rules.building_blocks import chain_constraints
from trustworks.validation.rules.building_blocks.freshness import check_freshness, is_fresh
from trustworks.validation.rules.building_blocks.revocation import needs_none, select, uses_of_signed
from trustworks.validation.rules.building_blocks.x509 import MOST_PATHS
from trustworks.validation.rules.building_blocks.x509_path import OF_PATH
from trustworks.validation.rules.checks import Checks
from trustworks.validation.rules.inputs import id_of, path_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from trustworks.core.pki.building import Path, TrustAnchor
    from trustworks.core.pki.path_verdict import Failure
    from trustworks.core.pki.tokens import Certificate
    from trustworks.validation.model import Conclusion
    from trustworks.validation.policies.constraints import Context
    from trustworks.validation.policies.suites import Weakness
    from trustworks.validation.rules.inputs import Inputs
    from trustworks.validation.rules.poe import Poes
    from trustworks.validation.rules.revocation_status import Status

S = SubIndication
_KEY_COMPROMISE: Final = 1
_UNSPECIFIED: Final = (None, 0)
_MOMENT: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCertificate:
    """The conclusion, and the time to which validation could be moved back; None where there was no path."""

    conclusion: Conclusion
    control: datetime | None
    path: Path | None = None


@implements("EN319102-1:5.6.2.1.4-1")
def path_found(found: bool) -> str | None:  # noqa: FBT001 - a fact
    """There is a prospective path to a trust anchor, whenever it was trusted."""
    return None if found else "No path of certificates leads to a trust anchor."


@implements("EN319102-1:5.6.2.1.4-2")
def path_held(failures: Sequence[Failure]) -> str | None:
    """The path held at a time when all its certificates were valid."""
    return failures[0].sentence if failures else None


@implements("EN319102-1:5.6.2.2.4-SINCE")
def trusted_then(anchor: TrustAnchor, control: datetime) -> str | None:
    """The trust anchor was trusted by the control time already."""
    if anchor.since is None or anchor.since <= control:
        return None
    return (
        f"The path leads to {anchor}, which is trusted from {anchor.since:%Y-%m-%d %H:%M:%SZ} only; it "
        f"can be relied on until {control:%Y-%m-%d %H:%M:%SZ}."
    )


@implements("EN319102-1:5.6.2.2.4-2-A")
def proven(statuses: Sequence[Status], certificate: Certificate, control: datetime) -> str | None:
    """Certificate and revocation data are known to have existed by the control time."""
    if statuses:
        return None
    when = f"{control:%Y-%m-%d %H:%M:%SZ}"
    return f"That {certificate} and revocation data about it existed by {when} is not proven."


@implements("EN319102-1:5.6.2.2.4-2-B", disabled=lambda _status, _model, _number, control: control)
def moved_by_revocation(status: Status, model: Model, number: int, control: datetime) -> datetime:
    """The control time after a revocation: the time of it, unless the model lets what was before hold."""
    fact = status.fact
    if fact.status != "revoked" or fact.revoked_at is None:
        return control
    grave = fact.reason == _KEY_COMPROMISE or fact.reason in _UNSPECIFIED
    if model is Model.SHELL or (model is Model.HYBRID and number > 0) or grave:
        return min(control, fact.revoked_at)
    return control


@implements("EN319102-1:5.6.2.2.4-2-C", disabled=lambda _status, _fresh, control: control)
def moved_by_freshness(
    status: Status,
    fresh: bool,  # noqa: FBT001 - a fact
    control: datetime,
) -> datetime:
    """The control time after data that is not fresh: when the data was issued."""
    return control if fresh else min(control, status.issued)


@implements("EN319102-1:5.6.2.2.4-2-D", disabled=lambda _weak, control: control)
def moved_by_algorithms(weak: Sequence[Weakness], control: datetime) -> datetime:
    """The control time before the first algorithm was no longer reliable."""
    # `until` is the first moment at which it no longer was.
    return min((control, *(one.until - _MOMENT for one in weak if one.until is not None)))


def slide(path: Path, context: Context, inputs: Inputs, poes: Poes, best: datetime) -> PastCertificate:
    """Validation time sliding: from the anchor down, how late each certificate can be relied on (5.6.2.2).

    `best` is since when what the certificate is to be relied on for is known to exist.
    """
    checks = Checks("VTS", id_of(path.leaf))
    control = inputs.at
    if path.anchor.sunset is not None and path.anchor.sunset < control:
        control = path.anchor.sunset
    issuers = issuers_of(path)
    numbers = () if path.is_anchor_alone else range(len(path.certificates) - 1, -1, -1)
    for number in numbers:
        certificate, issuer = path.certificates[number], issuers[number]
        section = Section.CA_CERTIFICATE if number else Section.SIGNING_CERTIFICATE
        status = None
        uses = list(uses_of_signed(certificate.signed, id_of(certificate), OF_PATH, issuer.key))
        if not needs_none(certificate, inputs.policy.constraint(context, "revocation-data-skip", section)):
            found = select(certificate, issuer, path.certificates[number + 1 :], inputs).statuses
            fitting = _existing(found, certificate, control, poes)
            level = inputs.policy.level(context, "acceptable-revocation-data-found", section)
            checks.ask(
                "vts.proven",
                partial(proven, fitting, certificate, control),
                indeterminate(S.NO_POE),
                level=level,
                subject=id_of(certificate),
            )
            status = fitting[0] if fitting else None
        if checks.failed:
            break
        if status is not None:
            uses.extend(status.uses)
            if status.fact.status == "revoked" and status.fact.is_revoked_at(control):
                control = moved_by_revocation(status, inputs.policy.model, number, control)
            else:
                fresh = check_freshness(status, control, inputs.policy, context, section)
                wanted = min(control, best)
                # Where the policy only warns, the data must have been fresh at least for what it is to prove.
                recent = fresh.passed and is_fresh(status, wanted, inputs.policy, context, section)
                control = moved_by_freshness(status, recent, control)
        control = moved_by_algorithms(weaknesses(inputs.policy.suite, uses, control), control)
    rule = partial(trusted_then, path.anchor, control)
    checks.ask("vts.since", rule, indeterminate(S.NO_CERTIFICATE_CHAIN_FOUND))
    return PastCertificate(conclusion=checks.conclude(), control=control, path=path)


@implements("EN319102-1:5.2.6.4-REVOCATION-ISSUER-REVOKED", disabled=lambda *_: True)
def proven_in_force(status: Status, poes: Poes) -> bool:
    """Whether revocation data is known to have existed before who signed it was revoked, if he was."""
    revoked_at = status.signer_revoked_at
    return not status.doubtful or (revoked_at is not None and poes.exists_at(status.token, revoked_at))


def _existing(
    statuses: Sequence[Status], certificate: Certificate, control: datetime, poes: Poes
) -> tuple[Status, ...]:
    """Revocation data issued by the control time, that is known to have existed then with the certificate."""
    if not poes.exists_at(id_of(certificate), control):
        return ()
    return tuple(
        one
        for one in statuses
        if one.issued <= control and poes.exists_at(one.token, control) and proven_in_force(one, poes)
    )


def validate_past_certificate(
    certificate: Certificate,
    context: Context,
    inputs: Inputs,
    poes: Poes,
    best: datetime,
    *,
    present: Path | None = None,
) -> PastCertificate:
    """Past certificate validation: the path on which the control time is the latest (5.6.2.1).

    `best` is since when what the certificate is to be relied on for is known to exist. `present` is the path
    by which it was judged now; of paths that are as good it is the one.
    """
    latest: PastCertificate | None = None
    anchors = inputs.trust.anchors_in(context)
    built = build_paths(certificate, anchors=anchors, pool=inputs.pool, at=certificate.not_before)
    others = (path for path in built if path != present)
    paths = others if present is None else chain([present], others)
    for path, _ in zip(paths, range(MOST_PATHS), strict=False):
        found = _past_path(path, context, inputs, poes, best)
        if latest is None or _better(found, latest):
            latest = found
    if latest is not None:
        return latest
    checks = Checks("PCV", id_of(certificate))
    checks.ask("pcv.chain", partial(path_found, found=False), indeterminate(S.NO_CERTIFICATE_CHAIN_FOUND))
    return PastCertificate(conclusion=checks.conclude(), control=None)


def _better(one: PastCertificate, other: PastCertificate) -> bool:
    if one.conclusion.passed != other.conclusion.passed:
        return one.conclusion.passed
    return bool(one.control and other.control and one.control > other.control)


def _past_path(path: Path, context: Context, inputs: Inputs, poes: Poes, best: datetime) -> PastCertificate:
    checks = Checks("PCV", id_of(path.leaf))
    moment = _moment(path, inputs.policy.model)
    verdict = validate_path(path, at=moment, settings=path_settings(inputs.policy, context))
    failures = () if path.is_anchor_alone else verdict.of_chain
    if inputs.policy.model is Model.SHELL and not path.is_anchor_alone:
        failures = (*failures, *verdict.out_of_validity)
    checks.ask("pcv.path", partial(path_held, failures), indeterminate(S.CERTIFICATE_CHAIN_GENERAL_FAILURE))
    control = None
    if not checks.failed:
        slid = slide(path, context, inputs, poes, best)
        checks.take("pcv.slide", slid.conclusion)
        control = slid.control
    if not checks.failed and control is not None:
        alone = path.is_anchor_alone
        for number, certificate in enumerate(path.certificates):
            section = Section.CA_CERTIFICATE if number else Section.SIGNING_CERTIFICATE
            chain_constraints.check(checks, certificate, inputs.policy, context, section, anchor=alone)
    return PastCertificate(conclusion=checks.conclude(), control=control, path=path)


def _moment(path: Path, model: Model) -> datetime:
    """A date at which the path is looked at: all were valid (shell), or the signer's was (5.6.2.1.4, 2)."""
    if model is Model.SHELL:
        return max(one.not_before for one in path.certificates)
    return path.leaf.not_before
