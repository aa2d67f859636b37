"""Revocation data that is acceptable for a certificate, the newest first.

What a list or answer says is a fact (`core.pki.revocation`). Here is asked who signed it and whether that one
may be relied on, for certificates at the time of validation and in the past alike.

Source: EN 319 102-1, 5.2.5 and 5.2.6; RFC 5280, 6.3; RFC 6960, 3.2 and 4.2.2.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from trustworks.core.der.foreign_algorithms import read_foreign_signature
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.pki.building import build_paths
from trustworks.core.pki.crl_scope import ALL_REASONS
from trustworks.core.pki.path_verdict import Issuer, issuers_of
from trustworks.core.pki.revocation import find_facts
from trustworks.core.pki.tokens import OcspAnswer
from trustworks.core.pki.validation import validate_path
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.validation.model import Level, Need, NeedKind, SubIndication, indeterminate
from trustworks.validation.policies.constraints import Context, Section
from trustworks.validation.policies.suites import Use
from trustworks.validation.rules.building_blocks.revocation_acceptance import (
    issued_after_certificate,
    issued_by,
    left_to_itself,
    others_first,
    responder_authorised,
    responder_valid,
    same_anchor,
    signer_in_force,
    signer_trusted,
    tells,
)
from trustworks.validation.rules.checks import Checks
from trustworks.validation.rules.inputs import id_of
from trustworks.validation.rules.revocation_status import Selection, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from trustworks.core.pki.building import TrustAnchor
    from trustworks.core.pki.revocation import RevocationFact
    from trustworks.core.pki.tokens import Certificate, PublicKey, RevocationList, Signed
    from trustworks.validation.model import Conclusion
    from trustworks.validation.policies.policy import Constraint
    from trustworks.validation.rules.inputs import Inputs

_GENERAL: Final = indeterminate(SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE)
_DEEPEST: Final = 4
"""How many responders stand behind each other at most: of each, revocation is asked for as well."""
_MOST_SIGNERS: Final = 10
_MOST_PATHS: Final = 20
"""How many certificates of the key that signed are tried, and paths of each: a file may have any number."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a certificate stands in its path: who issued it, and the certificates above."""

    issuer: Issuer
    above: tuple[Certificate, ...]


@implements("EN319102-1:5.2.6.4-SKIP", disabled=False)
def needs_none(certificate: Certificate, constraint: Constraint) -> bool:
    """Whether the policy asks for no revocation data, for an extension that the certificate has."""
    return any(certificate.has(oid) for oid in constraint.values)


def select(
    certificate: Certificate,
    issuer: Issuer,
    above: Sequence[Certificate],
    inputs: Inputs,
    *,
    asked: frozenset[str] = frozenset(),
) -> Selection:
    """The acceptable revocation data about a certificate. `above` are the certificates above it in its path.

    `asked` are certificates whose revocation is being asked for already: nobody vouches for himself.
    """
    # Of the path above, its top decides: by that the anchor is known that signers of lists must lead to.
    key = (certificate.sha256, issuer.key.der + (above[-1].sha256 if above else b""), asked)
    known = inputs.selections.get(key)
    if known is not None:
        return known
    found = find_facts(
        certificate, issuer, inputs.revocation_data, pool=inputs.pool, anchors=inputs.trust.anchors
    )
    checks = Checks("CRS", id_of(certificate))
    for refusal in found.refusals:
        checks.ask(
            "rac.accepted",
            partial(_refused, refusal.sentence),
            _GENERAL,
            level=Level.WARN,
            subject=token_id(refusal.token),
        )
    statuses: list[Status] = []
    needs: dict[Need, None] = {}
    for fact in found.facts:
        status, conclusion, missing = _accept(fact, certificate, _Place(issuer, tuple(above)), inputs, asked)
        checks.take("rac.accepted", conclusion, level=Level.WARN)
        needs.update(dict.fromkeys(missing))
        if status is not None:
            statuses.append(status)
    selection = Selection(
        conclusion=checks.conclude(),
        statuses=_whole(statuses),
        found=bool(found.facts or found.refusals),
        needs=() if statuses else tuple(needs),
    )
    inputs.selections[key] = selection
    return selection


def _refused(sentence: str) -> str:
    return sentence


def _whole(statuses: Sequence[Status]) -> tuple[Status, ...]:
    """Data about all reasons for revocation. Lists about some reasons count together (RFC 5280, 6.3.3).

    Of these, a revocation in one is a revocation, and the oldest stands for all where there is none.
    """
    statuses = others_first(statuses)
    found = [one for one in statuses if one.fact.reasons >= ALL_REASONS or one.fact.status == "revoked"]
    covered: set[int] = set()
    parts: list[Status] = []
    for one in statuses:
        if one not in found and not one.fact.reasons <= covered:
            covered |= one.fact.reasons
            parts.append(one)
    if covered >= ALL_REASONS:
        oldest = min(parts, key=lambda one: one.fact.order)
        found.append(replace(oldest, parts=tuple(parts)))
    newest = _authorised_first(sorted(found, key=lambda one: one.fact.order, reverse=True))
    return tuple(sorted(newest, key=lambda one: one.doubtful))


def _authorised_first(statuses: Sequence[Status]) -> tuple[Status, ...]:
    """Without what responders of other CAs say against a revocation that one who is authorised told before.

    Else whoever has a certificate for OCSP signing under any anchor could undo every revocation.
    """
    told = next((one for one in statuses if one.authorised), None)
    if told is None or told.fact.status != "revoked":
        return tuple(statuses)
    return tuple(
        one for one in statuses if one.authorised or one.fact.status == "revoked" or one.issued < told.issued
    )


def _accept(
    fact: RevocationFact,
    certificate: Certificate,
    place: _Place,
    inputs: Inputs,
    asked: frozenset[str],
) -> tuple[Status | None, Conclusion, tuple[Need, ...]]:
    """One fact: who signed it, whether that one is relied on, and when (5.2.6.4)."""
    token = token_id(fact.tokens[-1])
    checks = Checks("RAC", token)
    issuer = place.issuer
    found = _signer(fact, place, inputs)
    signer, own, path = found.certificate, found.own, found.path
    needs: tuple[Need, ...] = ()
    revoked_at = None
    level = inputs.policy.level(Context.REVOCATION, "prospective-certificate-chain")
    checks.ask("rac.trusted", partial(signer_trusted, found.trusted), _GENERAL, level=level)
    checks.ask("rac.anchor", partial(same_anchor, found.same_anchor), _GENERAL)
    level = inputs.policy.level(Context.REVOCATION, "responder-authorised")
    checks.ask("rac.authorised", partial(responder_authorised, fact), _GENERAL, level=level)
    checks.ask("rac.responder-valid", partial(responder_valid, fact, signer), _GENERAL)
    checks.ask("rac.after-issuance", partial(issued_after_certificate, fact, certificate), _GENERAL)
    present = inputs.at if inputs.present else None
    checks.ask("rac.issued", partial(issued_by, fact, present), _GENERAL)
    checks.ask("rac.tells", partial(tells, fact, certificate), _GENERAL)
    is_anchor = signer is not None and bool(inputs.trust.anchors.being(signer))
    if not checks.failed and not own and signer is not None and not is_anchor:
        needs, revoked_at = _ask_signer(checks, fact, certificate, path, inputs=inputs, asked=asked)
    if checks.failed:
        return None, checks.conclude(), needs
    status = Status(
        fact=fact,
        token=token,
        signer=signer,
        trusted=signer is None or is_anchor,
        uses=_uses(fact, signer, issuer, path, own=own),
        signer_revoked_at=revoked_at,
        self_told=not own and signer is not None and signer.key == certificate.key,
    )
    return status, checks.conclude(), ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signer:
    """Who signed revocation data.

    `own` is the certificate's own issuer; `same_anchor` is False where the signer of a list leads to another
    anchor than that. `path` has no anchor.
    """

    certificate: Certificate | None
    path: tuple[Certificate, ...] = ()
    own: bool = False
    trusted: bool = True
    same_anchor: bool = True


def _signer(fact: RevocationFact, place: _Place, inputs: Inputs) -> _Signer:
    issuer = place.issuer
    if None in fact.signers:
        return _Signer(certificate=issuer.certificate, path=place.above, own=True)
    signers = [one for one in fact.signers if one is not None][:_MOST_SIGNERS]
    elsewhere: _Signer | None = None
    for one in signers:
        if one == issuer.certificate or inputs.trust.anchors.being(one):
            return _Signer(certificate=one, path=(one,), own=one == issuer.certificate)
        if one.issuer == issuer.subject and one.signed.check(issuer.key) == "ok":
            return _Signer(certificate=one, path=(one, *place.above))
        paths = build_paths(one, anchors=inputs.trust.anchors, pool=inputs.pool, at=inputs.at, by_name=False)
        for path, _ in zip(paths, range(_MOST_PATHS), strict=False):
            if validate_path(path, at=fact.produced_at).of_chain:
                continue
            found = _Signer(certificate=one, path=path.certificates)
            if isinstance(fact.tokens[-1], OcspAnswer) or _is_under(path.anchor, place):
                return found
            elsewhere = elsewhere or replace(found, same_anchor=False)
    return elsewhere or _Signer(certificate=signers[0] if signers else None, trusted=False)


def _is_under(anchor: TrustAnchor, place: _Place) -> bool:
    """Whether the path that a place is in ends at an anchor (RFC 5280, 6.3.3 (f))."""
    if not place.above:
        return (place.issuer.subject, place.issuer.key) == (anchor.subject, anchor.key)
    top = place.above[-1]
    return top.issuer == anchor.subject and top.signed.check(anchor.key) == "ok"


def _ask_signer(
    checks: Checks,
    fact: RevocationFact,
    certificate: Certificate,
    path: tuple[Certificate, ...],
    *,
    inputs: Inputs,
    asked: frozenset[str],
) -> tuple[tuple[Need, ...], datetime | None]:
    """Revocation of who signed revocation data about a certificate, unless his own says that nobody need ask.

    Answers with what would help, and when he was revoked.
    """
    policy, section, signer = inputs.policy, Section.SIGNING_CERTIFICATE, path[0]
    level = policy.level(Context.REVOCATION, "revocation-data-available", section)
    skip = policy.constraint(Context.REVOCATION, "revocation-data-skip", section)
    if needs_none(signer, skip):
        return (), None
    if signer == certificate:
        checks.ask("rac.signer", partial(left_to_itself, fact, signer), _GENERAL, level=level)
        return (), None
    needs: list[Need] = []
    found = None
    statuses: tuple[Status, ...] = ()
    asked |= {id_of(certificate)}
    issuer = _issuer_in(signer, path, inputs)
    # Nobody vouches for who vouches for him, nor a row of responders for each other without end.
    if issuer is not None and id_of(signer) not in asked and len(asked) <= _DEEPEST:
        found = select(signer, issuer, path[1:], inputs, asked=asked)
        needs.extend(found.needs)
        statuses = tuple(one for one in found.statuses if not one.doubtful)
        if not statuses:
            needs.append(revocation_need(signer, issuer))
    checks.ask(
        "rac.signer",
        partial(signer_in_force, statuses, fact.produced_at),
        _GENERAL,
        level=level,
        block=found.conclusion if found else None,
    )
    revoked = [one.fact.revoked_at for one in statuses[:1] if one.fact.is_revoked_at(inputs.at)]
    return tuple(needs), revoked[0] if revoked else None


def _issuer_in(signer: Certificate, path: tuple[Certificate, ...], inputs: Inputs) -> Issuer | None:
    """Who issued the certificate of a signer, by the path that it leads up."""
    for found in build_paths(signer, anchors=inputs.trust.anchors, pool=inputs.pool, at=inputs.at):
        if len(path) < 2 or len(found.certificates) < 2 or found.certificates[1] == path[1]:
            return issuers_of(found)[0]
    return None


def revocation_need(certificate: Certificate, issuer: Issuer) -> Need:
    """What would help where there is no revocation data that is good enough: an OCSP answer, else a list."""
    places = [
        one.value
        for point in certificate.crl_distribution_points
        for one in (point.name.full or () if point.name else ())
        if one.form == "uri" and isinstance(one.value, str)
    ]
    return Need(
        kind=NeedKind.REVOCATION,
        about=id_of(certificate),
        urls=(*certificate.ocsp_urls, *places),
        issuer=id_of(issuer.certificate) if issuer.certificate else None,
    )


def token_id(token: RevocationList | OcspAnswer) -> str:
    """The id that a list or an answer has in the evidence graph."""
    return f"{'O' if isinstance(token, OcspAnswer) else 'R'}-{token.sha256.hex()}"


def _uses(
    fact: RevocationFact,
    signer: Certificate | None,
    issuer: Issuer,
    path: Sequence[Certificate],
    *,
    own: bool,
) -> tuple[Use, ...]:
    """The algorithms of revocation data, and of the certificate of who signed it."""
    key = issuer.key if own or signer is None else signer.key
    found: list[Use] = []
    for token in fact.tokens:
        if token.signed is not None:
            found.extend(uses_of_signed(token.signed, token_id(token), "the revocation data", key))
    if not own and signer is not None:
        above = path[1].key if len(path) > 1 else issuer.key
        what = "the certificate of who signed revocation data"
        found.extend(uses_of_signed(signer.signed, id_of(signer), what, above))
    return tuple(found)


def uses_of_signed(signed: Signed, subject: str, what: str, key: PublicKey) -> Iterable[Use]:
    """The algorithms of a signed token, with the key that signed it."""
    try:
        algorithm = read_foreign_signature(signed.algorithm)
    except (Malformed, Rejected):
        yield Use(subject=subject, what=what, digest="unknown", scheme="unknown", bits=key.bits or None)
        return
    scheme = algorithm.padding.removesuffix("-plain")
    yield Use(subject=subject, what=what, digest=algorithm.hash, scheme=scheme, bits=key.bits or None)
    if algorithm.mask is not None:
        yield Use(subject=subject, what=f"the mask of {what}", digest=algorithm.mask)
