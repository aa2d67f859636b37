"""Dual control: how many approvals an act needs and of whom, and what is still missing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Refused, TrustworksError
from trustworks.core.roles.approvals import verify_approval
from trustworks.core.roles.model import Act, QuorumPolicy, Role
from trustworks.core.roles.rules.access import CLOCKS_DIFFER
from trustworks.core.roles.rules.credentials import check_credential
from trustworks.core.roles.rules.duties import may
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime, timedelta

    from trustworks.core.roles.approvals import Approval
    from trustworks.core.roles.model import Operator

_OFFICER: Final = frozenset({Role.SECURITY_OFFICER})

# By kind of act; a kind that is not named has the policy of the longest one before a dot of it, at last "".
DEFAULTS: Final[dict[str, QuorumPolicy]] = {
    policy.kind: policy
    for policy in (
        QuorumPolicy(kind="", approvals=2, among=_OFFICER),
        QuorumPolicy(kind="ceremony", approvals=2, distinct_roles=True),
        QuorumPolicy(kind="ceremony.root", approvals=2, among=_OFFICER, distinct_roles=True),
        QuorumPolicy(kind="ceremony.sub-ca", approvals=2, among=_OFFICER, distinct_roles=True),
        QuorumPolicy(kind="key", approvals=2),
        QuorumPolicy(kind="roles.change", approvals=2, among=_OFFICER),
        QuorumPolicy(kind="termination", approvals=2, among=_OFFICER, distinct_roles=True),
        QuorumPolicy(kind="revocation.mass", approvals=2, among=frozenset({Role.REVOCATION_OFFICER})),
    )
}

# The kinds that a standard, or the product, puts under dual control, with the requirement; the least is two.
DUAL_CONTROL: Final = {
    "ceremony": "EN319411-1:GEN-6.5.1-04",
    "ceremony.backup": "EN319411-1:GEN-6.5.2-06",
    "ceremony.restore": "EN319411-1:GEN-6.5.2-06",
    "key": "EN319411-1:GEN-6.5.4-01",
    "roles": "TRUSTWORKS:ROLES-CHANGES-APPROVED",
    "termination": "TRUSTWORKS:TERMINATION-APPROVED",
    "api": "TRUSTWORKS:ROLES-DUAL-CONTROL",
    "certificate.qualified": "TRUSTWORKS:ROLES-DUAL-CONTROL",
    "revocation.mass": "TRUSTWORKS:ROLES-DUAL-CONTROL",
    "status": "TRUSTWORKS:ROLES-DUAL-CONTROL",
}
_WITH_OFFICER: Final = frozenset({"ceremony.root", "ceremony.sub-ca"})


@dataclass(frozen=True, slots=True, kw_only=True)
class QuorumVerdict:
    """What approvals come to: those that count, those that do not and why, and what is missing."""

    policy: QuorumPolicy
    counted: tuple[Approval, ...]
    not_counted: tuple[tuple[Approval, str], ...]
    missing: tuple[str, ...]

    @property
    def met(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


def policy_for(kind: str, own: Mapping[str, QuorumPolicy], *, lasts: timedelta | None = None) -> QuorumPolicy:
    """The policy for an act of this kind: the provider's `own`, else ours, of the longest name that fits.

    `lasts`: for how long an approval counts.
    """
    known = {**DEFAULTS, **own}
    while kind not in known:
        kind = kind.rpartition(".")[0]
    return replace(known[kind], lasts=lasts)


@implements(
    "EN319411-1:GEN-6.5.1-04",
    "EN319411-1:GEN-6.5.2-06",
    "EN319411-1:GEN-6.5.4-01",
    "TRUSTWORKS:ROLES-CHANGES-APPROVED",
    "TRUSTWORKS:ROLES-DUAL-CONTROL",
)
def check_dual_control(policy: QuorumPolicy) -> None:
    """Refuse a policy that would let one person alone do what a standard puts under dual control."""
    kind = policy.kind
    while kind and kind not in DUAL_CONTROL:
        kind = kind.rpartition(".")[0]
    if kind and policy.approvals < 2:
        raise Refused(
            DUAL_CONTROL[kind],
            f"{policy.kind} is under dual control: its quorum is 2 approvals at least, and not "
            f"{policy.approvals}.",
        )


@implements("EN319411-1:GEN-6.5.1-14")
def check_officer_among(policy: QuorumPolicy) -> None:
    """Refuse a policy for an authority's ceremony in which no security officer need take part."""
    if policy.kind in _WITH_OFFICER and Role.SECURITY_OFFICER not in policy.among:
        raise Refused(
            "EN319411-1:GEN-6.5.1-14",
            f"{policy.kind} needs a security officer among those who approve: add security-officer to among.",
        )


@implements(
    "TRUSTWORKS:ROLES-QUORUM",
    "EN319411-1:GEN-6.5.1-04",
    disabled=lambda policy, approvals, _operators, **_: QuorumVerdict(
        policy=policy, counted=tuple(approvals), not_counted=(), missing=()
    ),
)
def quorum(
    policy: QuorumPolicy,
    approvals: Iterable[Approval],
    operators: Iterable[Operator],
    *,
    what: str,
    sha256: str,
    at: datetime,
    concerned: Collection[str] = (),
) -> QuorumVerdict:
    """What the approvals of `what` about the subject with this SHA-256 come to, at the moment `at`.

    Every signature is verified here, with the operators' own credentials. Of each operator the newest
    approval counts that is good; with distinct roles the first one for a role. The operators `concerned` by
    what is approved do not count.
    """
    known = {one.name: one for one in operators}
    not_counted: list[tuple[Approval, str]] = []
    newest: dict[str, Approval] = {}
    for approval in sorted(approvals, key=lambda one: one.content.time):
        content = approval.content
        if content.what != what or content.sha256 != sha256:
            why: str | None = "it is about something else"
        elif content.operator in concerned:
            why = "it is about that operator himself"
        else:
            why = _objection(policy, approval, known.get(content.operator), at)
        if why is None:
            earlier = newest.pop(content.operator, None)
            if earlier is not None:
                not_counted.append((earlier, "the same operator gave a newer one"))
            newest[content.operator] = approval
        else:
            not_counted.append((approval, why))
    counted: list[Approval] = []
    for approval in newest.values():
        role = approval.content.role
        if policy.distinct_roles and any(role is one.content.role for one in counted):
            not_counted.append(
                (approval, f"another operator approved as {role.value}, and roles must differ")
            )
        else:
            counted.append(approval)
    return QuorumVerdict(
        policy=policy,
        counted=tuple(counted),
        not_counted=tuple(not_counted),
        missing=_missing(policy, counted),
    )


@implements("TRUSTWORKS:ROLES-APPROVAL-ONCE", disabled=lambda approvals, _used: tuple(approvals))
def not_used(approvals: Iterable[Approval], used: Mapping[str, datetime]) -> tuple[Approval, ...]:
    """The approvals that no act was done by yet: each serves once. `used` says which did, and when."""
    return tuple(one for one in approvals if one.approval_id not in used)


@implements("TRUSTWORKS:ROLES-QUORUM")
def check_met(
    verdict: QuorumVerdict, what: str, sha256: str, *, used: Mapping[str, datetime] | None = None
) -> None:
    """Refuse an act that its approvals do not allow yet, with what is missing and how it is approved.

    `used` are earlier approvals of it, by which it was done once.
    """
    if not verdict.met:
        spent = (
            f"The approvals given for this were used up by one act ({max(used.values()):%Y-%m-%d %H:%M:%S} "
            "UTC), and serve no other. "
            if used
            else ""
        )
        raise Refused(
            "TRUSTWORKS:ROLES-QUORUM",
            f"{spent}No operator does this alone; this is missing: {', '.join(verdict.missing)}. To approve "
            f"it: trustworks roles approve {what} {sha256} --as NAME --key FILE. Then run this again.",
        )


@implements("TRUSTWORKS:ROLES-APPROVAL-LEFT")
def check_all_count(verdict: QuorumVerdict, ids: Collection[str]) -> None:
    """Refuse to finish an act by approvals of which one counts no more, though the others would suffice."""
    if {one.approval_id for one in verdict.counted} != set(ids):
        raise Refused(
            "TRUSTWORKS:ROLES-APPROVAL-LEFT",
            "Of the approvals that were held for this act one counts no more. Have the act approved anew.",
        )


def _missing(policy: QuorumPolicy, counted: list[Approval]) -> tuple[str, ...]:
    present = {one.content.role for one in counted}
    found = [f"the approval of a {role.value}" for role in Role if role in policy.among - present]
    lacking = policy.approvals - len(counted)
    if lacking > len(found):
        found.append(
            f"{lacking - len(found)} more approval{'' if lacking - len(found) == 1 else 's'}"
            f"{' of other roles' if policy.distinct_roles else ' of other operators'}"
        )
    return tuple(found)


@implements("TRUSTWORKS:ROLES-APPROVAL-KEPT", disabled=False)
def was_given_before(operator: Operator, role: Role, time: datetime) -> bool:
    """Whether an approval is older than the grant of its role: what ended with the role does not come back.

    The clock of the operator's machine may be behind ours by `CLOCKS_DIFFER`.
    """
    return any(held is role and time < since - CLOCKS_DIFFER for held, since in operator.granted)


def _objection(  # noqa: PLR0911 - one for each thing that may be wrong
    policy: QuorumPolicy, approval: Approval, operator: Operator | None, at: datetime
) -> str | None:
    """Why an approval does not count, or None."""
    content = approval.content
    if operator is None or operator.state != "active":
        return f"{content.operator} is no active operator"
    role = content.role
    if role not in operator.roles:
        return f"{content.operator} is not {role.value}"
    if was_given_before(operator, role, content.time):
        return f"{content.operator} lost the role {role.value} after it, and got it again"
    if not may({role}, Act.APPROVE) or (policy.roles and role not in policy.roles):
        return f"no {role.value} approves this"
    if content.time > at + CLOCKS_DIFFER:
        return "its time is in the future"
    if policy.lasts is not None and at - content.time > policy.lasts:
        return f"it is older than {policy.lasts}"
    credential = operator.credential(approval.key_id)
    if credential is None or not credential.is_usable:
        return f"its key is no credential of {content.operator}"
    try:
        check_credential(credential, content.time)
        verify_approval(approval, credential)
    except TrustworksError as error:
        return str(error)
    return None
