"""What supports the verdict on a certificate, to be kept with a signature: level LT.

A verdict says that a certificate holds, and rests on revocation data; that rests on who signed it. Here all
of these are judged together, so that what is kept is enough for whoever judges again without a network.

Source: EN 319 122-1, 6.3 (and the like for the other formats), level LT; EN 319 102-1, 5.2.6.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from trustworks.core.pki.building import build_paths
from trustworks.core.pki.path_verdict import issuers_of
from trustworks.core.pki.tokens import OcspAnswer
from trustworks.core.ports import ValidationData
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.verification.validation_data import AtHand, has_no_status
from trustworks.validation.model import Level, SubIndication
from trustworks.validation.policies.constraints import Context, Section
from trustworks.validation.policies.policy import Constraint
from trustworks.validation.rules.building_blocks.freshness import is_fresh
from trustworks.validation.rules.building_blocks.revocation import select, token_id
from trustworks.validation.rules.building_blocks.revocation_acceptance import issued_by
from trustworks.validation.rules.building_blocks.x509 import validate_certificate
from trustworks.validation.rules.building_blocks.x509_path import revocation_issuer_in_bounds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from trustworks.core.pki.building import Path, TrustAnchor, TrustAnchors
    from trustworks.core.pki.tokens import Certificate
    from trustworks.validation.model import Need
    from trustworks.validation.policies.policy import Policy
    from trustworks.validation.rules.inputs import Inputs
    from trustworks.validation.rules.revocation_status import Status
    from trustworks.validation.rules.surroundings import CertificateResult
    from trustworks.validation.trust import Trust

_FRESHNESS: Final = "freshness"
_LATER_SIGNERS: Final = frozenset({SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE})
"""What is left to `unfit`: who tells today of a certificate of long ago need not have existed then."""
_MOST_ABOVE: Final = 4
"""Anchors, each above the one before, that are looked for."""
_MOST_PATHS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Supported:
    """A certificate as it was judged, and those who signed revocation data without being of its path.

    Each of these was judged for itself: their certificates need support like any other.
    """

    result: CertificateResult
    context: Context
    signers: tuple[CertificateResult, ...] = ()

    @property
    def all(self) -> tuple[CertificateResult, ...]:
        """The results of the certificate and of all signers."""
        return self.result, *self.signers

    @property
    def needs(self) -> Iterator[Need]:
        """What would support it, or support it better, each once: paths of several may come by the same."""
        yield from dict.fromkeys(need for one in self.all for need in one.needs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Above:
    """Trust in those alone who are above the nearest anchor, and the certificates that lead up to them."""

    trust: Trust
    certificates: tuple[Certificate, ...]


def with_freshness(policy: Policy, context: Context, at: datetime, since: datetime | None) -> Policy:
    """The policy with revocation data about the certificate itself that is no older than `since`.

    Of authorities it asks what it did: their lists come out every few months.
    """
    if since is None:
        return policy
    key = (context, Section.SIGNING_CERTIFICATE, _FRESHNESS)
    asked = policy.constraint(context, _FRESHNESS, Section.SIGNING_CERTIFICATE)
    limits = [at - since, *(() if asked.ignored or asked.limit is None else (asked.limit,))]
    fresh = Constraint(Level.FAIL, (), min(limits))
    return replace(policy, constraints=MappingProxyType({**policy.constraints, key: fresh}))


def support(certificate: Certificate, context: Context, inputs: Inputs) -> Supported:
    """Judge a certificate at the time of `inputs`, and everybody whose word the verdict rests on."""
    result = validate_certificate(certificate, context, inputs, forgiven=_LATER_SIGNERS)
    signers: list[CertificateResult] = []
    known = set(result.chain)
    waiting = [result]
    while waiting:
        for signer in _signers(waiting.pop()):
            if signer not in known:
                found = validate_certificate(signer, Context.REVOCATION, inputs, forgiven=_LATER_SIGNERS)
                known.update((signer, *found.chain))
                signers.append(found)
                waiting.append(found)
    return Supported(result=result, context=context, signers=tuple(signers))


def _signers(result: CertificateResult) -> Iterator[Certificate]:
    for _, status in result.used:
        for one in parts_of(status):
            if one.signer is not None:
                yield one.signer


def parts_of(status: Status) -> Sequence[Status]:
    """The revocation data that says together what a status says."""
    return status.parts or (status,)


@implements("EN319122-1:6.3-LT-STATUS", disabled=())
def untold(result: CertificateResult) -> tuple[Certificate, ...]:
    """The certificates of a path below its anchor whose status nobody tells, and somebody should."""
    if result.path is None or result.path.is_anchor_alone:
        return ()
    told = {certificate for certificate, _ in result.used}
    return tuple(one for one in result.path.certificates if one not in told and not has_no_status(one))


@implements("EN319102-1:5.2.5-FRESH-EVIDENCE", disabled=())
def overdue(found: Supported, inputs: Inputs) -> tuple[tuple[Certificate, Status], ...]:
    """The certificates of the path with their status where that is not fresh enough for the policy.

    What a policy only warns of is enough for a signature that is there already, and not for a new one.
    """
    leaf = found.result.leaf
    return tuple(
        (certificate, status)
        for certificate, status in found.result.used
        if not is_fresh(
            status,
            inputs.at,
            inputs.policy,
            found.context,
            Section.SIGNING_CERTIFICATE if certificate == leaf else Section.CA_CERTIFICATE,
        )
    )


def next_update(found: Supported, about: Certificate, inputs: Inputs, now: datetime) -> datetime | None:
    """When the next revocation data about a certificate of the path is due; None where nobody says."""
    path = found.result.path
    if path is None:
        return None
    number = path.certificates.index(about)
    statuses = select(about, issuers_of(path)[number], path.certificates[number + 1 :], inputs).statuses
    due = [one.next_update for one in statuses if one.next_update is not None]
    return min((one for one in due if one > now), default=max(due, default=None))


@implements("EN319102-1:5.2.6.4-REVOCATION-ISSUER-LATER", disabled=None)
def unfit(status: Status, at: datetime, now: datetime) -> str | None:
    """Why revocation data cannot support a verdict on the past: whoever signed it was not in force.

    At the time that is asked about, or now: revocation data of today is of a responder of today.
    """
    if status.doubtful:
        return f"{status.shown} is signed by somebody who was revoked since."
    if all(revocation_issuer_in_bounds(status, moment) is not None for moment in (at, now)):
        return f"{status.shown} is signed by somebody whose certificate is valid no more."
    return issued_by(status.fact, now)


def data_of(found: Supported, inputs: Inputs) -> ValidationData:
    """The certificates and the revocation data that it rests on, each once.

    First the path, from the certificate to the trust anchor, its certificate included where it has one; then
    those above signers of revocation data, and signers whose certificate is not in the OCSP answer itself.
    """
    lists: dict[bytes, None] = {}
    answers: dict[bytes, OcspAnswer] = {}
    for result in found.all:
        for _, status in result.used:
            for token in (token for one in parts_of(status) for token in one.fact.tokens):
                der = inputs.revocation_tokens[token_id(token)].der
                if isinstance(token, OcspAnswer):
                    answers[der] = token
                else:
                    lists[der] = None
    brought = {one for answer in answers.values() for one in answer.certificates}
    certificates = dict.fromkeys(found.result.chain)
    for result in found.signers:
        certificates.update(dict.fromkeys(one for one in result.chain if one not in brought))
    return ValidationData(
        certificates=tuple(one.der for one in certificates), lists=tuple(lists), answers=tuple(answers)
    )


@implements("EN319122-1:6.3-LT-STATUS", disabled=True)
def is_whole(found: Supported, data: ValidationData, inputs: Inputs) -> bool:
    """Whether what is to be kept is what level LT needs, by the rule by which levels are told."""
    at_hand = AtHand(data.certificates, data.lists, data.answers, anchors=inputs.trust.anchors)
    return at_hand.are_complete([found.result.leaf.der])


@implements("TRUSTWORKS:SIGNING-FURTHEST-ANCHOR", disabled=())
def above(found: Supported, inputs: Inputs) -> tuple[Above, ...]:
    """Whom else evidence can go up to, the furthest first: anchors above the one that the path led to.

    Only where the certificates between are at hand: nobody is asked whether there is one.
    """
    path, leaf = found.result.path, found.result.leaf
    passed: list[TrustAnchor] = []
    chain = dict.fromkeys(found.result.chain)
    ways: list[Above] = []
    while path is not None and len(ways) < _MOST_ABOVE:
        passed.append(path.anchor)
        trust = inputs.trust.without(passed)
        path = _path_over(path.anchor, leaf, trust.anchors_in(found.context), tuple(chain), inputs)
        if path is not None:
            chain.update(dict.fromkeys(path.certificates))
            if path.anchor.certificate is not None:
                chain[path.anchor.certificate] = None
            ways.append(Above(trust=trust, certificates=tuple(chain)))
    return tuple(reversed(ways))


def _path_over(
    anchor: TrustAnchor,
    leaf: Certificate,
    anchors: TrustAnchors,
    chain: Sequence[Certificate],
    inputs: Inputs,
) -> Path | None:
    """A path to other anchors that comes by one that was passed."""
    top = chain[-1]
    if top.is_self_issued and not any(one != top for one in inputs.pool.named(top.subject)):
        return None
    pool = inputs.pool.with_certificates(chain)
    paths = build_paths(leaf, anchors=anchors, pool=pool, at=inputs.at, by_name=False)
    return next(
        (
            path
            for path, _ in zip(paths, range(_MOST_PATHS), strict=False)
            if any((one.subject, one.key) == (anchor.subject, anchor.key) for one in path.certificates)
        ),
        None,
    )
