"""Signature acceptance validation (SAV): signed attributes as the policy asks, and reliable algorithms.

Source: EN 319 102-1, 5.2.8 (acceptance), 5.2.9 (algorithm obsolescence).
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.data import hasher
from trustworks.formats.evidence import Format, TimeStampKind
from trustworks.validation.model import SubIndication, indeterminate
from trustworks.validation.policies.constraints import Section
from trustworks.validation.policies.suites import Use, weaknesses
from trustworks.validation.rules.checks import Checks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from trustworks.core.pki.tokens import Certificate
    from trustworks.formats.evidence import CertificateReference, Reference, Signature, TimeStamp
    from trustworks.validation.model import Conclusion
    from trustworks.validation.policies.constraints import Context
    from trustworks.validation.policies.policy import Constraint, Policy
    from trustworks.validation.policies.suites import Weakness

_CONSTRAINTS: Final = indeterminate(SubIndication.SIG_CONSTRAINTS_FAILURE)
_CRYPTO: Final = indeterminate(SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE)
_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
_SIGNED: Final = Section.SIGNED_ATTRIBUTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The conclusion, and the uses of algorithms that were not reliable, where that is why it failed.

    `timeless`: what of a signature was asked whatever the time is, for the same signature at another time.
    """

    conclusion: Conclusion
    weak: tuple[Weakness, ...] = ()
    timeless: Conclusion | None = None


@implements("EN319102-1:5.2.8.4-PRESENT")
def present(found: object, what: str) -> str | None:
    """An attribute that the policy asks for is there."""
    return None if found else f"The signature has no {what}, which the policy asks for."


@implements("EN319102-1:5.2.8.4-VALUE")
def one_of(constraint: Constraint, found: Iterable[str], what: str) -> str | None:
    """An attribute is there, and one of its values is one that the policy accepts."""
    values = tuple(found)
    if any(constraint.accepts(value) for value in values):
        return None
    if not values:
        return f"The signature has no {what}, which the policy asks for."
    return f"The {what} of the signature is {', '.join(values)}; accepted: {', '.join(constraint.values)}."


@implements("EN319102-1:5.2.8.4-TIME")
def claimed_in_validity(signature: Signature, leaf: Certificate) -> str | None:
    """The time of signing that is claimed is one at which the certificate was valid."""
    claimed = signature.attributes.signing_time
    if claimed is None or leaf.not_before <= claimed <= leaf.not_after:
        return None
    return f"The signature claims {claimed:%Y-%m-%d %H:%M:%SZ}, when its certificate was not valid."


@implements("EN319102-1:5.2.8.4.2.1-UNIQUE")
def unique(signature: Signature) -> str | None:
    """The signing-certificate attribute has one reference alone."""
    count = len(signature.signing_certificate)
    return None if count <= 1 else f"{count} certificates are referred to as that of the signer."


@implements("EN319102-1:5.2.8.4.2.1-PATH")
def references_only(signature: Signature, path: Sequence[Certificate]) -> str | None:
    """Every certificate that the signed attribute refers to is in the path, as far as that is known."""
    others = signature.signing_certificate[1:]
    if path and not all(any(_refers(one, certificate) for certificate in path) for one in others):
        return "The signature refers to certificates that are not in the path of its signer."
    return None


@implements("EN319102-1:5.2.8.4.2.1-ALL")
def references_all(signature: Signature, path: Sequence[Certificate]) -> str | None:
    """Every certificate of the path is referred to by the signed attribute."""
    references = signature.signing_certificate
    if all(any(_refers(one, certificate) for one in references) for certificate in path):
        return None
    return "The signature does not refer to every certificate in the path of its signer."


def _refers(reference: CertificateReference, certificate: Certificate) -> bool:
    """Whether the digest in a reference is that of a certificate."""
    if reference.digest is None or reference.digest_algorithm is None:
        return False
    try:
        running = hasher(reference.digest_algorithm)
    except Rejected:
        return False
    running.update(certificate.der)
    return running.digest() == reference.digest


@implements("EN319102-1:5.2.9.4-2")
def reliable(weak: Sequence[Weakness]) -> str | None:
    """Every algorithm was reliable at the time that is asked for."""
    return weak[0].text if weak else None


def uses_of(signature: Signature, subject: str, bits: int | None) -> tuple[Use, ...]:
    """The algorithms of a signature: of its value, and of what is digested below it."""
    algorithm = signature.algorithm
    found = [
        Use(
            subject=subject,
            what="the signature value",
            digest=algorithm.digest,
            scheme=algorithm.scheme,
            bits=bits,
        )
    ]
    if algorithm.mask_digest is not None and algorithm.mask_digest != algorithm.digest:
        found.append(Use(subject=subject, what="the mask of the signature", digest=algorithm.mask_digest))
    found.extend(uses_of_references(signature.references, subject))
    return tuple(dict.fromkeys(found))


def uses_of_references(references: Sequence[Reference], subject: str) -> tuple[Use, ...]:
    """The digests of references."""
    return tuple(
        Use(subject=subject, what=f"the digest of {one.name or one.kind.value}", digest=one.digest_algorithm)
        for one in references
        if one.digest_algorithm is not None
    )


def algorithms(
    checks: Checks, uses: Sequence[Use], policy: Policy, context: Context, at: datetime
) -> tuple[Weakness, ...]:
    """Ask whether algorithms are reliable; what was not, where that ended the block."""
    weak = weaknesses(policy.suite, uses, at)
    details = [("time", _told(at))]
    for one in weak:
        details.append(("algorithm", one.algorithm))
        details.append(("until", f"{one.until:%Y-%m-%d}" if one.until else "never"))
    ok = checks.ask(
        "sav.algorithms",
        partial(reliable, weak),
        _CRYPTO,
        level=policy.level(context, "algorithms"),
        details=details,
    )
    return () if ok else weak


@lru_cache(maxsize=64)
def _told(at: datetime) -> str:
    """Of the time of validation it is asked for every object."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def accept_signature(
    signature: Signature,
    time_stamps: Sequence[TimeStamp],
    policy: Policy,
    context: Context,
    at: datetime,
    *,
    bits: int | None,
    path: Sequence[Certificate],
    before: Accepted | None = None,
) -> Accepted:
    """Acceptance of a signature at a time. `bits`: of the signer's key; `path`: from the signer upwards.

    `before` is its acceptance at another time, of all the same: what it has of all times is not asked again.
    """
    timeless = None if before is None else before.timeless
    if timeless is None:
        asked = Checks("SAV", signature.id)
        _signing_certificate(asked, signature, policy, context, path)
        _attributes(asked, signature, policy, context)
        level = policy.level(context, "signing-time-in-validity", _SIGNED)
        for leaf in path[:1]:
            rule = partial(claimed_in_validity, signature, leaf)
            asked.ask("sav.signing-time-in-validity", rule, _CONSTRAINTS, level=level)
        _time_stamps(asked, signature, time_stamps, policy, context)
        timeless = asked.conclude()
    checks = Checks("SAV", signature.id, at, after=timeless)
    weak = algorithms(checks, uses_of(signature, signature.id, bits), policy, context, at)
    _reference_digests(checks, signature, policy, context, at)
    return Accepted(conclusion=checks.conclude(), weak=weak, timeless=timeless)


def accept_time_stamp(
    time_stamp: TimeStamp,
    policy: Policy,
    context: Context,
    at: datetime,
    *,
    bits: int | None,
    path: Sequence[Certificate],
) -> Accepted:
    """Acceptance of a time-stamp at a time: its signature's attributes and algorithms, and its imprint's."""
    signature = time_stamp.signature
    checks = Checks("SAV", time_stamp.id, at)
    _signing_certificate(checks, signature, policy, context, path)
    uses = (
        *uses_of(signature, time_stamp.id, bits),
        *uses_of_references(time_stamp.references, time_stamp.id),
    )
    weak = algorithms(checks, uses, policy, context, at)
    return Accepted(conclusion=checks.conclude(), weak=weak)


def _signing_certificate(
    checks: Checks,
    signature: Signature,
    policy: Policy,
    context: Context,
    path: Sequence[Certificate],
) -> None:
    questions = {
        "signing-certificate-present": partial(
            present, signature.signing_certificate, "signed reference to the signing certificate"
        ),
        "signing-certificate-unique": partial(unique, signature),
        "references-path-only": partial(references_only, signature, path),
        "references-all-path": partial(references_all, signature, path),
    }
    for name, rule in questions.items():
        checks.ask(f"sav.{name}", rule, _CONSTRAINTS, level=policy.level(context, name, _SIGNED))


def _attributes(checks: Checks, signature: Signature, policy: Policy, context: Context) -> None:
    found = signature.attributes
    digest = (
        signature.format in {Format.JADES, Format.XADES}
        or _MESSAGE_DIGEST in found.names
        or "message-digest" in found.names
        or not found.names
    )
    presence: dict[str, tuple[object, str]] = {
        "signing-time": (found.signing_time, "signing time"),
        "message-digest-or-signed-properties": (digest, "message digest"),
        "signer-location": (found.location, "signer's location"),
    }
    for name, (value, what) in presence.items():
        level = policy.level(context, name, _SIGNED)
        checks.ask(f"sav.{name}", partial(present, value, what), _CONSTRAINTS, level=level)
    values: dict[str, tuple[tuple[str, ...], str]] = {
        "content-type": (_listed(found.content_type), "content type"),
        "content-hints": (_listed(found.content_hints), "content hints"),
        "commitment-type": (found.commitments, "commitment type"),
        "claimed-roles": (found.claimed_roles, "claimed role"),
        "certified-roles": (("*",) * found.certified_roles, "certified role"),
    }
    for name, (given, what) in values.items():
        constraint = policy.constraint(context, name, _SIGNED)
        rule = partial(one_of, constraint, given, what)
        checks.ask(f"sav.{name}", rule, _CONSTRAINTS, level=constraint.level)


def _listed(value: str | None) -> tuple[str, ...]:
    return () if value is None else (value,)


def _time_stamps(
    checks: Checks, signature: Signature, time_stamps: Sequence[TimeStamp], policy: Policy, context: Context
) -> None:
    # Whoever adds to a signature may add a time-stamp that is over something else.
    kinds = {
        one.kind for one in time_stamps if one.kind is TimeStampKind.CONTENT or signature.id in one.covers
    }
    archival = {TimeStampKind.ARCHIVE, TimeStampKind.DOCUMENT, TimeStampKind.CONTAINER}
    presence: dict[str, tuple[object, str, Section]] = {
        "content-time-stamp": (TimeStampKind.CONTENT in kinds, "content time-stamp", _SIGNED),
        "counter-signature": (
            signature.counter_signatures,
            "counter-signature",
            Section.UNSIGNED_ATTRIBUTES,
        ),
        "signature-time-stamp": (
            TimeStampKind.SIGNATURE in kinds,
            "signature time-stamp",
            Section.UNSIGNED_ATTRIBUTES,
        ),
        "archive-time-stamp": (kinds & archival, "archive time-stamp", Section.UNSIGNED_ATTRIBUTES),
    }
    for name, (value, what, section) in presence.items():
        level = policy.level(context, name, section)
        checks.ask(f"sav.{name}", partial(present, value, what), _CONSTRAINTS, level=level)


def _reference_digests(
    checks: Checks, signature: Signature, policy: Policy, context: Context, at: datetime
) -> None:
    level = policy.level(context, "certificate-digest-algorithm", _SIGNED)
    uses = tuple(
        Use(
            subject=signature.id,
            what="the reference to the signing certificate",
            digest=reference.digest_algorithm,
        )
        for reference in signature.signing_certificate
        if reference.digest_algorithm is not None
    )
    weak = weaknesses(policy.suite, uses, at)
    checks.ask("sav.certificate-digest-algorithm", partial(reliable, weak), _CRYPTO, level=level)
