"""What was asked of a signature: every check as a constraint, and what the policy does not ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.validation.model import Level, Status, TimeStampOutcome
from trustworks.validation.policies.constraints import TABLE, Context, Section
from trustworks.validation.report.etsi.associated import checks_of
from trustworks.validation.report.etsi.elements import (
    SHA256,
    URN,
    XADES,
    child,
    method_and_value,
    status,
)
from trustworks.validation.rules.inputs import context_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml import etree

    from trustworks.formats.evidence import Signature
    from trustworks.validation.model import Check, Conclusion, SignatureOutcome
    from trustworks.validation.report.judged import Judged

_CHECK: Final = "urn:trustworks:validation:check"
"""Identifiers of constraints: TS 119 102-2 leaves them to who validates."""

_CONSTRAINT: Final = "urn:trustworks:validation:constraint"
_OF_CHECK: Final = {
    Status.OK: "passed",
    Status.NOT_OK: "failed",
    Status.WARNING: "indeterminate",
    Status.INFORMATION: "indeterminate",
}


@implements("TS119441:SVR-8.4-05", "TS119441:SVR-8.4-06", "TS119441:SVR-8.4-07")
def evaluated(
    parent: etree._Element,
    signature: Signature,
    found: SignatureOutcome | TimeStampOutcome,
    conclusions: Sequence[Conclusion],
    *,
    judged: Judged,
    policy_digest: bytes,
) -> None:
    """Every check that was asked, once, and every constraint that the policy does not ask."""
    constraints = child(parent, "ValidationConstraintsEvaluationReport")
    policy = child(constraints, "SignatureValidationPolicy")
    named = child(policy, "SignaturePolicyIdentifier")
    known = child(named, "SignaturePolicyId", namespace=XADES)
    identifier = child(known, "SigPolicyId", namespace=XADES)
    child(identifier, "Identifier", judged.outcome.policy, namespace=XADES)
    hashed = child(known, "SigPolicyHash", namespace=XADES)
    method_and_value(hashed, SHA256, policy_digest)
    reported: set[int] = set()
    for conclusion in conclusions:
        for check in checks_of(conclusion):
            if id(check) not in reported:
                reported.add(id(check))
                constraint(constraints, conclusion, check)
    context = Context.TIME_STAMP if isinstance(found, TimeStampOutcome) else context_of(signature)
    for section, names in TABLE[context].items():
        for name in names:
            if judged.policy.level(context, name, section) is Level.IGNORE:
                unasked = child(constraints, "ValidationConstraint")
                path = ":".join((context, *((section,) if section is not Section.OWN else ()), name))
                child(unasked, "ValidationConstraintIdentifier", f"{_CONSTRAINT}:{path}")
                child(child(unasked, "ConstraintStatus"), "Status", f"{URN}:constraintStatus:disabled")


def constraint(parent: etree._Element, conclusion: Conclusion, check: Check) -> None:
    """One check with its parameters, and how it ended."""
    reported = child(parent, "ValidationConstraint")
    child(reported, "ValidationConstraintIdentifier", f"{_CHECK}:{check.id}")
    for kind, value in (
        ("process", conclusion.block),
        ("object", check.subject),
        ("level", check.level.value),
        *(("requirement", one) for one in (check.requirement,) if one),
        *check.details,
    ):
        parameter = child(reported, "ValidationConstraintParameter")
        child(parameter, "Type", f"urn:trustworks:validation:parameter:{kind.replace(' ', '-')}")
        child(parameter, "Value", value)
    applied = child(reported, "ConstraintStatus")
    state = "disabled" if check.level is Level.IGNORE else "applied"
    child(applied, "Status", f"{URN}:constraintStatus:{state}")
    concluded = child(reported, "ValidationStatus")
    if check.block is not None:
        status(concluded, check.block.verdict)
    else:
        child(concluded, "MainIndication", f"{URN}:mainindication:{_OF_CHECK[check.status]}")
    if check.text:
        child(reported, "Indications", check.text)
