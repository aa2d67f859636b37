"""Trusted roles: who may do what, how operators are known, and what needs the approval of several.

An act of a kind that the policy lists needs a quorum: `approvals_for` reads the approvals of a subject (by
its SHA-256), `quorum` verifies them and says what is missing. An approval is an operator's signature, which
`verify_approval` verifies offline, from the approval and the operator's public credential alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trustworks.core.roles.approvals import (
        Approval,
        ApprovalContent,
        new_content,
        sign_approval,
        verify_approval,
    )
    from trustworks.core.roles.model import Act, Actor, Credential, Factor, Operator, QuorumPolicy, Role
    from trustworks.core.roles.records import approvals_for, list_operators
    from trustworks.core.roles.rules.quorum import QuorumVerdict, policy_for, quorum

__all__ = [
    "Act",
    "Actor",
    "Approval",
    "ApprovalContent",
    "Credential",
    "Factor",
    "Operator",
    "QuorumPolicy",
    "QuorumVerdict",
    "Role",
    "approvals_for",
    "list_operators",
    "new_content",
    "policy_for",
    "quorum",
    "sign_approval",
    "verify_approval",
]

_PLACES = {
    "Act": "model",
    "Actor": "model",
    "Approval": "approvals",
    "ApprovalContent": "approvals",
    "Credential": "model",
    "Factor": "model",
    "Operator": "model",
    "QuorumPolicy": "model",
    "QuorumVerdict": "rules.quorum",
    "Role": "model",
    "approvals_for": "records",
    "list_operators": "records",
    "new_content": "approvals",
    "policy_for": "rules.quorum",
    "quorum": "rules.quorum",
    "sign_approval": "approvals",
    "verify_approval": "approvals",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for: a command that is only started needs no database."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
