"""The tables of trusted roles and all SQL on them."""

from __future__ import annotations

from trustworks.core.roles.records.approvals import (
    ChangeRecord,
    ChangeState,
    add_approval,
    add_change,
    approvals_for,
    change,
    end_change,
    has_approval,
    list_approvals,
    list_changes,
)
from trustworks.core.roles.records.people import (
    add_credential,
    add_grant,
    add_operator,
    count_operators,
    credential,
    list_operators,
    operator,
    person,
    remove_credential,
    set_failures,
    set_person,
    set_sign_count,
    set_state,
    withdraw_grant,
)

__all__ = [
    "ChangeRecord",
    "ChangeState",
    "add_approval",
    "add_change",
    "add_credential",
    "add_grant",
    "add_operator",
    "approvals_for",
    "change",
    "count_operators",
    "credential",
    "end_change",
    "has_approval",
    "list_approvals",
    "list_changes",
    "list_operators",
    "operator",
    "person",
    "remove_credential",
    "set_failures",
    "set_person",
    "set_sign_count",
    "set_state",
    "withdraw_grant",
]
