"""How operators, approvals and changes of roles are shown, as JSON values and as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trustworks.core.roles.approvals import Approval
    from trustworks.core.roles.model import Credential, OpenHold, Operator
    from trustworks.core.roles.rules.quorum import QuorumVerdict
    from trustworks.core.roles.standing import Standing


def as_json_of(operator: Operator) -> dict[str, Any]:
    """An operator as JSON values."""
    return {
        "name": operator.name,
        "state": operator.state,
        "roles": sorted(role.value for role in operator.roles),
        "enrolled_at": operator.enrolled_at.isoformat(),
        "enrolled_by": operator.enrolled_by,
        "credentials": [credential_dict(one) for one in operator.credentials],
    }


def credential_dict(credential: Credential) -> dict[str, Any]:
    """A credential as JSON values."""
    removed, until = credential.removed_at, credential.locked_until
    return {
        "key": credential.key_id,
        "kind": credential.kind,
        "label": credential.label,
        "added_at": credential.added_at.isoformat(),
        "added_by": credential.added_by,
        "removed_at": None if removed is None else removed.isoformat(),
        "failures": credential.failures,
        "locked_until": None if until is None else until.isoformat(),
    }


def operator_lines(operator: Operator) -> list[str]:
    """An operator as text."""
    roles = ", ".join(sorted(role.value for role in operator.roles)) or "no role"
    lines = [
        f"{operator.name}: {operator.state}, {roles}",
        f"  enrolled {operator.enrolled_at:%Y-%m-%d %H:%M} UTC by {operator.enrolled_by}",
    ]
    for one in operator.credentials:
        gone = "" if one.is_usable else f", removed {one.removed_at:%Y-%m-%d %H:%M} UTC"
        lines.append(f"  {one.kind} {one.label}, key {one.key_id}{gone}")
        if one.locked_until is not None:
            lines.append(
                f"    failed {one.failures} times; locked out until {one.locked_until:%Y-%m-%d %H:%M} UTC"
            )
    return lines


def approval_text(approval: Approval) -> str:
    """An approval in one line."""
    content = approval.content
    return (
        f"{content.time:%Y-%m-%d %H:%M} UTC  {content.operator} as {content.role.value}: "
        f"{content.what} {content.sha256} ({approval.form})"
    )


def held_dict(one: OpenHold) -> dict[str, Any]:
    """Approvals that are held, as JSON values."""
    return {
        "hold": one.hold.hold_id,
        "what": one.what,
        "sha256": one.sha256,
        "approvals": list(one.hold.ids),
        "held_at": one.held_at.isoformat(),
        "held_by": one.held_by,
    }


def held_text(one: OpenHold) -> str:
    """Approvals that are held, in one line."""
    return (
        f"{one.held_at:%Y-%m-%d %H:%M} UTC  held by {one.held_by}: {one.what} {one.sha256} "
        f"({len(one.hold.ids)} approvals; it is being done, or its process ended: run the same command again)"
    )


def verdict_dict(verdict: QuorumVerdict) -> dict[str, Any]:
    """What approvals come to, as JSON values."""
    policy = verdict.policy
    return {
        "met": verdict.met,
        "missing": list(verdict.missing),
        "counted": [one.approval_id for one in verdict.counted],
        "not_counted": [{"approval": one.approval_id, "why": why} for one, why in verdict.not_counted],
        "policy": {
            "kind": policy.kind,
            "approvals": policy.approvals,
            "roles": sorted(role.value for role in policy.roles),
            "among": sorted(role.value for role in policy.among),
            "distinct_roles": policy.distinct_roles,
        },
    }


def standing_dict(standing: Standing) -> dict[str, Any]:
    """A change of roles as JSON values."""
    change = standing.change
    return {
        "sha256": change.sha256,
        "change": change.kind,
        "operator": change.operator,
        "roles": sorted(role.value for role in change.roles),
        "keys": [one.key_id for one in change.credentials],
        "state": standing.state,
        "quorum": verdict_dict(standing.verdict),
    }


def standing_lines(standing: Standing) -> list[str]:
    """A change of roles as text."""
    change = standing.change
    if standing.applied:
        return [f"Done: {change.summary()}."]
    if standing.state == "dropped":
        return [f"Given up: {change.summary()}."]
    return [
        f"Waits for approvals: {change.summary()}.",
        f"Still missing: {', '.join(standing.verdict.missing)}.",
        f"To approve it: trustworks roles approve roles.change {change.sha256} --as NAME --key FILE",
    ]
