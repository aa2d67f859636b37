"""Format checking (FC): whether the structure is what the format asks for.

Readers of formats have looked and written findings; here they get the level that the policy gives them.

Source: EN 319 102-1, 5.2.2.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.formats.evidence import Weight
from trustworks.validation.model import Level, SubIndication, failed
from trustworks.validation.policies.constraints import Context
from trustworks.validation.rules.checks import Checks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustworks.formats.evidence import Evidence, Finding, Signature, TimeStamp
    from trustworks.validation.model import Conclusion
    from trustworks.validation.policies.policy import Constraint, Policy

_FAILURE: Final = failed(SubIndication.FORMAT_FAILURE)


@implements("EN319102-1:5.2.2.4-STRUCTURE")
def structure(finding: Finding) -> str | None:
    """A finding is an objection; its weight and the policy say how grave."""
    return finding.text


@implements("EN319102-1:5.2.2.4-FORMAT")
def acceptable_format(constraint: Constraint, level: str) -> str | None:
    """The format is one that the policy accepts: by its name as a whole, or the part before the level."""
    if constraint.accepts(level) or constraint.accepts(level.split("-", 1)[0]):
        return None
    return f"The policy does not accept signatures of the format {level}."


@implements("EN319102-1:5.2.2.4-CONTAINER")
def acceptable_container(constraint: Constraint, container: str) -> str | None:
    """The container is of a type that the policy accepts."""
    if constraint.accepts(container):
        return None
    return f"The policy does not accept containers of the type {container}."


def weight_level(policy: Policy, context: Context, finding: Finding) -> Level:
    """What a finding does: by its code where the policy names it, else by its weight."""
    named = policy.findings.get(finding.code)
    if named is not None:
        return named
    match finding.weight:
        case Weight.FATAL:
            return Level.FAIL
        case Weight.SUSPICIOUS:
            return policy.level(context, "structure")
    return Level.INFORM


def _findings(checks: Checks, findings: Iterable[Finding], policy: Policy, context: Context) -> None:
    # The gravest first: what comes after a failure is not asked any more.
    order = list(Level)
    graded = [(weight_level(policy, context, finding), finding) for finding in findings]
    for level, finding in sorted(graded, key=lambda one: order.index(one[0])):
        checks.ask(
            "fc.structure",
            partial(structure, finding),
            _FAILURE,
            level=level,
            details=(("code", finding.code),),
        )


def check_signature(signature: Signature, evidence: Evidence, policy: Policy, context: Context) -> Conclusion:
    """Format checking of a signature, with what was found about the file as a whole."""
    checks = Checks("FC", signature.id)
    later = signature.revision.later if signature.revision else ()
    _findings(checks, (*evidence.findings, *signature.findings, *later), policy, context)
    container = policy.constraint(Context.CONTAINER, "acceptable-types")
    checks.ask(
        "fc.container",
        partial(acceptable_container, container, evidence.container.value),
        _FAILURE,
        level=container.level,
    )
    formats = policy.constraint(context, "acceptable-formats")
    checks.ask(
        "fc.format", partial(acceptable_format, formats, signature.level), _FAILURE, level=formats.level
    )
    return checks.conclude()


def check_time_stamp(time_stamp: TimeStamp, policy: Policy) -> Conclusion:
    """Format checking of a time-stamp token."""
    checks = Checks("FC", time_stamp.id)
    later = time_stamp.revision.later if time_stamp.revision else ()
    findings = (*time_stamp.findings, *time_stamp.signature.findings, *later)
    _findings(checks, findings, policy, Context.TIME_STAMP)
    return checks.conclude()
