"""Validation context initialization (VCI): the signature policy that a signature names.

Source: EN 319 102-1, 5.2.4.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.formats.data import hasher
from trustworks.validation.model import SubIndication, indeterminate
from trustworks.validation.rules.checks import Checks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.formats.evidence import PolicyReference, Signature
    from trustworks.validation.model import Conclusion
    from trustworks.validation.policies.constraints import Context
    from trustworks.validation.policies.policy import Constraint, Policy

_ERROR: Final = indeterminate(SubIndication.POLICY_PROCESSING_ERROR)
_UNAVAILABLE: Final = indeterminate(SubIndication.SIGNATURE_POLICY_NOT_AVAILABLE)

NONE: Final = "none"
IMPLIED: Final = "implied"
ANY: Final = "any"
"""In place of identifiers in ``acceptable-policies``; ``any`` stands for every policy that is named."""


@implements("EN319102-1:5.2.4.4-ACCEPTABLE")
def acceptable(constraint: Constraint, named: PolicyReference | None) -> str | None:
    """The signature policy, or that there is none, is what the validation policy accepts."""
    if named is None:
        return None if constraint.accepts(NONE) else "The signature names no policy, and must."
    identifier = named.identifier or IMPLIED
    if constraint.accepts(identifier) or constraint.accepts(ANY):
        return None
    return f"The signature policy {identifier} is not one of those that are accepted."


@implements("EN319102-1:5.2.4.4-AVAILABLE")
def available(named: PolicyReference, document: bytes | None) -> str | None:
    """The document of an explicit policy is at hand."""
    if named.identifier is None or document is not None:
        return None
    return f"The document of the signature policy {named.identifier} is not there."


@implements("EN319102-1:5.2.4.4-HASH")
def hash_matches(named: PolicyReference, document: bytes | None) -> str | None:
    """The digest of the policy's document is the signed one; the agreed zero digest says nothing."""
    if document is None or named.zero or named.digest is None or named.digest_algorithm is None:
        return None
    try:
        running = hasher(named.digest_algorithm)
    except Rejected as error:
        return str(error)
    running.update(document)
    if running.digest() == named.digest:
        return None
    return f"The document of the signature policy {named.identifier} is not the one that was signed."


def initialise(
    signature: Signature, policy: Policy, context: Context, documents: Mapping[str, bytes]
) -> Conclusion:
    """Look at the signature policy. `documents` are policies by their identifiers, given from outside."""
    checks = Checks("VCI", signature.id)
    named = signature.attributes.policy
    constraint = policy.constraint(context, "acceptable-policies")
    checks.ask("vci.acceptable", partial(acceptable, constraint, named), _ERROR, level=constraint.level)
    if named is not None:
        document = named.octets or documents.get(named.identifier or "")
        level = policy.level(context, "policy-available")
        checks.ask("vci.available", partial(available, named, document), _UNAVAILABLE, level=level)
        level = policy.level(context, "policy-hash-match")
        checks.ask("vci.hash", partial(hash_matches, named, document), _ERROR, level=level)
    return checks.conclude()
