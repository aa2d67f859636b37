"""Whether a path holds at a time: RFC 5280, 6.1, complete but for revocation, which `revocation` judges.

The verdict is a value that has every check that failed, not only the first, each with its code and its
certificate. A validation by EN 319 102-1 asks differently of a chain that is broken, of a certificate out of
its validity, and of one that is revoked; so validity is apart from all else, and the time is a parameter.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from trustworks.core.pki import extensions as ext
from trustworks.core.pki.path_verdict import DEFAULT_SETTINGS, Failure, FailureCode, PathSettings, PathVerdict
from trustworks.core.pki.policy_graph import PolicyGraph
from trustworks.core.trace import implements
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from trustworks.core.pki.building import Path, TrustAnchor
    from trustworks.core.pki.certificate import Certificate
    from trustworks.core.pki.name_constraints import NameSpace
    from trustworks.core.pki.public_keys import PublicKey


# Extensions that are processed, or whose processing is the caller's in any case: purposes, statements of the
# end entity, where revocations are listed. They may be critical.
PROCESSED: Final = frozenset(
    {
        ext.BASIC_CONSTRAINTS,
        ext.KEY_USAGE,
        ext.EXTENDED_KEY_USAGE,
        ext.SUBJECT_ALT_NAME,
        ext.ISSUER_ALT_NAME,
        ext.CERTIFICATE_POLICIES,
        ext.POLICY_MAPPINGS,
        ext.POLICY_CONSTRAINTS,
        ext.INHIBIT_ANY_POLICY,
        ext.NAME_CONSTRAINTS,
        ext.CRL_DISTRIBUTION_POINTS,
        ext.AUTHORITY_KEY_IDENTIFIER,
        ext.SUBJECT_KEY_IDENTIFIER,
    }
)

# Extensions without which no answer can be given: if they cannot be read, the certificate is refused even
# where they are not critical. The others tell of ways, not of rights.
_NEEDED: Final = frozenset(
    {
        ext.BASIC_CONSTRAINTS,
        ext.KEY_USAGE,
        ext.EXTENDED_KEY_USAGE,
        ext.POLICY_MAPPINGS,
        ext.POLICY_CONSTRAINTS,
        ext.INHIBIT_ANY_POLICY,
        ext.NAME_CONSTRAINTS,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """The state variables of RFC 5280, 6.1.2, above a certificate."""

    graph: PolicyGraph
    names: NameSpace
    explicit_policy: int
    inhibit_any_policy: int
    policy_mapping: int
    max_path_length: int
    issuer: Certificate | TrustAnchor
    key: PublicKey


@dataclass(frozen=True, slots=True)
class _Step:
    """A certificate and its place; `number` counts from the end entity, which is 0."""

    certificate: Certificate
    number: int
    settings: PathSettings

    @property
    def is_last(self) -> bool:
        """Whether the certificate is the end entity's."""
        return self.number == 0

    def failed(self, code: FailureCode, sentence: str) -> Failure:
        return Failure(code, self.certificate, self.number, f"{self.certificate} {sentence}.")


def validate_path(path: Path, *, at: datetime, settings: PathSettings = DEFAULT_SETTINGS) -> PathVerdict:
    """Hold a path against RFC 5280, 6.1, at a time.

    A certificate that is a trust anchor itself is trusted as it is; only its validity is looked at, and what
    of it cannot be processed.
    """
    certificates = path.certificates
    state = _start(path, settings)
    failures: list[Failure] = []
    failures += _check_anchor(path, at)
    graph = state.graph
    for number in range(len(certificates) - 1, -1, -1):
        step = _Step(certificates[number], number, settings)
        failures += _check_validity(step, at)
        failures += _check_extensions(step)
        if path.is_anchor_alone:
            break
        failures += _check_signature(step, state)
        failures += _check_names(step, state)
        graph = _policies_of(step, state)
        if step.is_last:
            state = replace(state, graph=graph, explicit_policy=_last_explicit(step, state))
            failures += _check_policies_required(step, state, settings)
        else:
            state = replace(state, graph=graph)
            failures += _check_policies(step, state)
            failures += _check_ca(step, state)
            state = _next(step, state)
    leaf = certificates[0]
    key = leaf.key if path.is_anchor_alone else leaf.key.inheriting(state.key)
    return PathVerdict(
        path=path,
        at=at,
        failures=tuple(failures),
        policies=() if path.is_anchor_alone else state.graph.for_user(settings.user_initial_policies),
        key=key,
    )


def _start(path: Path, settings: PathSettings) -> _State:
    """The state above the first certificate (RFC 5280, 6.1.2)."""
    length = len(path.certificates)
    return _State(
        graph=PolicyGraph.start(),
        names=settings.names,
        explicit_policy=0 if settings.explicit_policy else length + 1,
        inhibit_any_policy=0 if settings.inhibit_any_policy else length + 1,
        policy_mapping=0 if settings.inhibit_policy_mapping else length + 1,
        max_path_length=length,
        issuer=path.anchor,
        key=path.anchor.key,
    )


@implements("EN319102-1:5.2.6-SUNSET")
def _check_anchor(path: Path, at: datetime) -> tuple[Failure, ...]:
    """The time is within the anchor's own dates."""
    number = len(path.certificates) - 1
    top, anchor = path.certificates[number], path.anchor
    if anchor.since is not None and at < anchor.since:
        words = f"leads to {anchor}, which is trusted from {anchor.since:%Y-%m-%d %H:%M:%SZ} only."
        return (Failure(FailureCode.ANCHOR_NOT_YET, top, number, f"{top} {words}"),)
    if anchor.sunset is not None and at > anchor.sunset:
        words = f"leads to {anchor}, which was trusted until {anchor.sunset:%Y-%m-%d %H:%M:%SZ}."
        return (Failure(FailureCode.ANCHOR_SUNSET, top, number, f"{top} {words}"),)
    return ()


@implements("RFC5280:6.1.3-VALIDITY")
def _check_validity(step: _Step, at: datetime) -> tuple[Failure, ...]:
    """The time is within the certificate's validity, both ends included (RFC 5280, 6.1.3 (a)(2))."""
    certificate = step.certificate
    if at < certificate.not_before:
        words = f"is valid from {certificate.not_before:%Y-%m-%d %H:%M:%SZ} only"
        return (step.failed(FailureCode.NOT_YET_VALID, words),)
    if at > certificate.not_after:
        words = f"was valid until {certificate.not_after:%Y-%m-%d %H:%M:%SZ}"
        return (step.failed(FailureCode.EXPIRED, words),)
    return ()


@implements("RFC5280:6.1.3-SIGNATURE")
def _check_signature(step: _Step, state: _State) -> tuple[Failure, ...]:
    """The issuer's name and the issuer's key (RFC 5280, 6.1.3 (a)(1) and (4))."""
    certificate, issuer = step.certificate, state.issuer
    found: list[Failure] = []
    if certificate.issuer != issuer.subject:
        found.append(step.failed(FailureCode.NAME_CHAINING, f"was not issued by {issuer}, by its name"))
    match certificate.signed.check(state.key):
        case "wrong":
            words = f"has a signature that {issuer} did not make"
            found.append(step.failed(FailureCode.SIGNATURE, words))
        case "algorithm-unknown":
            words = f"has a signature whose algorithm cannot be verified with the key of {issuer}"
            found.append(step.failed(FailureCode.ALGORITHM, words))
        case "key-unusable":
            words = f"was signed by {issuer}, whose key cannot be used"
            found.append(step.failed(FailureCode.KEY, words))
    if certificate.inner_algorithm != certificate.signed.algorithm:
        words = "names one algorithm in what is signed and another beside the signature"
        found.append(step.failed(FailureCode.ALGORITHM, words))
    return tuple(found)


@implements("RFC5280:6.1.3-NAMES")
def _check_names(step: _Step, state: _State) -> tuple[Failure, ...]:
    """Names within the constraints above; a CA that issued to itself is exempt (6.1.3 (b) and (c))."""
    if step.certificate.is_self_issued and not step.is_last:
        return ()
    objection = state.names.objection(step.certificate)
    return () if objection is None else (step.failed(FailureCode.NAME_CONSTRAINTS, objection),)


def _policies_of(step: _Step, state: _State) -> PolicyGraph:
    """Which policies are valid for a certificate (RFC 5280, 6.1.3 (d) and (e))."""
    certificate = step.certificate
    exempt = not step.is_last and certificate.is_self_issued
    return state.graph.below(certificate.policies, any_allowed=state.inhibit_any_policy > 0 or exempt)


@implements("RFC5280:6.1.3-POLICIES")
def _check_policies(step: _Step, state: _State) -> tuple[Failure, ...]:
    """A policy is valid, where one is required; none is mapped from or to any (6.1.3 (f), 6.1.4 (a))."""
    found: list[Failure] = []
    if state.explicit_policy == 0 and not state.graph:
        words = "leaves no policy valid, and one is required"
        found.append(step.failed(FailureCode.POLICY, words))
    if any(ext.ANY_POLICY in pair for pair in step.certificate.policy_mappings):
        words = "maps a policy from or to any policy, which nobody may"
        found.append(step.failed(FailureCode.POLICY_MAPPING, words))
    return tuple(found)


def _last_explicit(step: _Step, state: _State) -> int:
    """explicit_policy at the end (RFC 5280, 6.1.5 (a) and (b))."""
    constraints = step.certificate.policy_constraints
    if constraints is not None and constraints.require_explicit_policy == 0:
        return 0
    return max(state.explicit_policy - 1, 0)


@implements("RFC5280:6.1.5-POLICIES")
def _check_policies_required(step: _Step, state: _State, settings: PathSettings) -> tuple[Failure, ...]:
    """A policy that the user accepts is valid for the end entity, where one is required (6.1.5 (g))."""
    if state.explicit_policy > 0 or state.graph.for_user(settings.user_initial_policies):
        return ()
    words = "has no valid policy that is accepted, and one is required"
    return (step.failed(FailureCode.POLICY, words),)


@implements("RFC5280:6.1.4-CA")
def _check_ca(step: _Step, state: _State) -> tuple[Failure, ...]:
    """What makes a CA: basic constraints, path length, key usage (RFC 5280, 6.1.4 (k) to (n))."""
    return tuple(_ca_failures(step, state))


def _ca_failures(step: _Step, state: _State) -> Iterator[Failure]:
    certificate = step.certificate
    if certificate.version < 3:
        yield step.failed(FailureCode.NOT_CA, "is of a version that cannot say that it is a CA's")
    elif certificate.basic_constraints is None:
        yield step.failed(FailureCode.NOT_CA, "has no basic constraints, and so is no CA's certificate")
    elif not certificate.is_ca:
        yield step.failed(FailureCode.NOT_CA, "is not a CA's certificate, and issued one")
    if not certificate.is_self_issued and state.max_path_length <= 0:
        yield step.failed(FailureCode.PATH_LENGTH, "is below a CA that allows no further CA there")
    usage = certificate.key_usage
    if usage is not None and "keyCertSign" not in usage:
        yield step.failed(FailureCode.KEY_USAGE, "may not sign certificates, by its key usage")


def _next(step: _Step, state: _State) -> _State:
    """The state above the next certificate (RFC 5280, 6.1.4 (b) to (m))."""
    certificate = step.certificate
    graph = state.graph
    if certificate.policy_mappings:
        any_policy = next((one for one in certificate.policies or () if one.oid == ext.ANY_POLICY), None)
        graph = graph.mapped(
            certificate.policy_mappings,
            allowed=state.policy_mapping > 0,
            any_qualifiers=() if any_policy is None else any_policy.qualifiers,
        )
    constraints = certificate.name_constraints
    counted = 0 if certificate.is_self_issued else 1
    explicit = max(state.explicit_policy - counted, 0)
    mapping = max(state.policy_mapping - counted, 0)
    inhibit = max(state.inhibit_any_policy - counted, 0)
    policy = certificate.policy_constraints
    if policy is not None and policy.require_explicit_policy is not None:
        explicit = min(explicit, policy.require_explicit_policy)
    if policy is not None and policy.inhibit_policy_mapping is not None:
        mapping = min(mapping, policy.inhibit_policy_mapping)
    if certificate.inhibit_any_policy is not None:
        inhibit = min(inhibit, certificate.inhibit_any_policy)
    length = max(state.max_path_length - counted, 0)
    basic = certificate.basic_constraints
    if basic is not None and basic.path_length is not None:
        length = min(length, basic.path_length)
    return _State(
        graph=graph,
        names=state.names if constraints is None else state.names.narrowed(constraints),
        explicit_policy=explicit,
        inhibit_any_policy=inhibit,
        policy_mapping=mapping,
        max_path_length=length,
        issuer=certificate,
        key=certificate.key.inheriting(state.key),
    )


@implements("RFC5280:4.2-CRITICAL")
def _check_extensions(step: _Step) -> tuple[Failure, ...]:
    """No critical extension that nobody processes, and none needed that cannot be read (4.2, 6.1.4 (o))."""
    return tuple(_extension_failures(step))


def _extension_failures(step: _Step) -> Iterator[Failure]:
    certificate, settings = step.certificate, step.settings
    known = PROCESSED | (settings.processed if step.is_last else settings.processed_of_cas)
    for oid, critical, _ in certificate.extensions:
        if critical and oid not in known:
            words = f"has the critical extension {oid}, which is not processed"
            yield step.failed(FailureCode.CRITICAL_EXTENSION, words)
    for oid, why in certificate.faults.items():
        if oid in _NEEDED or certificate.is_critical(oid):
            words = f"has the extension {oid}, which cannot be read: {why.removesuffix('.')}"
            yield step.failed(FailureCode.EXTENSION_UNREADABLE, words)
