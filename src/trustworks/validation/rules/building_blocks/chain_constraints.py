"""X.509 validation constraints that a policy sets for the certificates of a path.

Source: EN 319 102-1, 5.2.6.4 (application of X.509 validation constraints); TS 119 172-1, A.4.2.1.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from trustworks.core.der.qc_statements import QC_COMPLIANCE, QC_SSCD, QcStatements, read_qc_statements
from trustworks.core.errors import Malformed
from trustworks.core.pki.extensions import AUTHORITY_KEY_IDENTIFIER, SUBJECT_KEY_IDENTIFIER
from trustworks.core.trace import implements
from trustworks.validation.model import Level, SubIndication, indeterminate
from trustworks.validation.rules.inputs import id_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.pki.tokens import Certificate
    from trustworks.validation.policies.constraints import Context, Section
    from trustworks.validation.policies.policy import Constraint, Policy
    from trustworks.validation.rules.checks import Checks

_FAILURE: Final = indeterminate(SubIndication.CHAIN_CONSTRAINTS_FAILURE)
_COUNTRY: Final = "2.5.4.6"
_COMMON_NAME: Final = "2.5.4.3"
_ORGANIZATION: Final = "2.5.4.10"
_SERIAL_NUMBER: Final = "2.5.4.5"


@implements("EN319102-1:5.2.6.4-CONSTRAINTS")
def presence(what: str, *, there: bool) -> str | None:
    """What the policy asks a certificate for is there."""
    return None if there else f"The certificate {what}, which the policy asks for."


@implements("EN319102-1:5.2.6.4-CONSTRAINT-VALUES")
def value(constraint: Constraint, found: tuple[str, ...] | None, what: str) -> str | None:
    """One of the values in a certificate is one that the policy accepts; None: it sets no limits."""
    if found is None or any(constraint.accepts(one) for one in found):
        return None
    given = ", ".join(found) or "absent"
    return f"The {what} of the certificate is {given}; the policy accepts {', '.join(constraint.values)}."


@implements("EN319102-1:5.2.6.4-CONSTRAINT-EXTENSIONS")
def none_forbidden(constraint: Constraint, certificate: Certificate) -> str | None:
    """The certificate has no extension that the policy forbids for one in this place."""
    for oid in constraint.values:
        if certificate.has(oid):
            return f"The certificate has the extension {oid}, which does not belong to one in this place."
    return None


PURPOSES: Final = ("key-usage", "extended-key-usage")
"""What the key of a certificate is for: asked of trust anchors too, for no trust makes it another."""


def check(
    checks: Checks,
    certificate: Certificate,
    policy: Policy,
    context: Context,
    section: Section,
    *,
    anchor: bool = False,
) -> None:
    """Ask all constraints of the policy about one certificate; about a trust anchor those of its purpose."""
    for name, rule in _rules(certificate, policy, context, section).items():
        if anchor and name not in PURPOSES:
            continue
        checks.ask(
            f"xcv.{name}",
            rule,
            _FAILURE,
            level=policy.level(context, name, section),
            subject=id_of(certificate),
        )


def _rules(
    certificate: Certificate, policy: Policy, context: Context, section: Section
) -> dict[str, Callable[[], str | None]]:
    def listed(name: str) -> Constraint:
        return policy.constraint(context, name, section)

    def given(oid: str) -> tuple[str, ...]:
        return tuple(text for kind, text in certificate.subject.attributes if kind == oid)

    asked: dict[str, Callable[[], str | None]] = {
        "authority-info-access-present": partial(
            presence, "does not say where its issuer's is", there=bool(certificate.ca_issuers_urls)
        ),
        "revocation-info-access-present": partial(
            presence,
            "does not say where its revocation is told",
            there=bool(certificate.ocsp_urls or certificate.crl_distribution_points),
        ),
        "serial-number-present": partial(
            presence, "has no serial number of its subject", there=bool(given(_SERIAL_NUMBER))
        ),
        "authority-key-identifier-present": partial(
            presence, "does not say which key signed it", there=certificate.has(AUTHORITY_KEY_IDENTIFIER)
        ),
        "subject-key-identifier-present": partial(
            presence, "has no identifier of its key", there=certificate.has(SUBJECT_KEY_IDENTIFIER)
        ),
        "key-usage": partial(value, listed("key-usage"), _sorted(certificate.key_usage), "key usage"),
        "extended-key-usage": partial(
            value, listed("extended-key-usage"), certificate.extended_key_usage or (), "extended key usage"
        ),
        "policy-identifiers": partial(
            value,
            listed("policy-identifiers"),
            tuple(one.oid for one in certificate.policies or ()),
            "policy",
        ),
        "forbidden-extensions": partial(none_forbidden, listed("forbidden-extensions"), certificate),
        "country": partial(value, listed("country"), given(_COUNTRY), "country"),
        "common-name": partial(value, listed("common-name"), given(_COMMON_NAME), "common name"),
        "organization-name": partial(
            value, listed("organization-name"), given(_ORGANIZATION), "organization"
        ),
    }
    # What costs is only worked out where somebody asks.
    if any(
        policy.level(context, name, section) is not Level.IGNORE
        for name in ("self-signed", "not-self-signed")
    ):
        own = certificate.is_self_signed
        asked["self-signed"] = partial(presence, "is not signed by its own key", there=own)
        asked["not-self-signed"] = partial(presence, "is not signed by another", there=not own)
    if any(policy.level(context, name, section) is not Level.IGNORE for name in _QUALIFIED):
        statements = _statements(certificate)
        asked["qualified"] = partial(
            presence, "does not say that it is qualified", there=QC_COMPLIANCE in statements.ids
        )
        asked["qscd"] = partial(
            presence, "does not say that its key is in a qualified device", there=QC_SSCD in statements.ids
        )
        asked["qualified-type"] = partial(
            value, listed("qualified-type"), statements.types, "type of qualified certificate"
        )
    return asked


_QUALIFIED: Final = ("qualified", "qscd", "qualified-type")


def _sorted(usages: frozenset[str] | None) -> tuple[str, ...] | None:
    return None if usages is None else tuple(sorted(usages))


def _statements(certificate: Certificate) -> QcStatements:
    der = certificate.qc_statements
    if der is None:
        return QcStatements()
    try:
        return read_qc_statements(der)
    except Malformed:
        return QcStatements()  # what cannot be read says nothing
