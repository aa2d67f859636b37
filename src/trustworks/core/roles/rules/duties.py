"""Which roles one person may have together, and who may do what: by default nobody anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Refused
from trustworks.core.roles.model import Act, Factor, Role
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

# Pairs of roles that nobody may have together. What an auditor looks at is what all the others do.
CONFLICTS: Final[frozenset[frozenset[Role]]] = frozenset(
    {
        *(frozenset({Role.AUDITOR, other}) for other in Role if other is not Role.AUDITOR),
        frozenset({Role.SECURITY_OFFICER, Role.SYSTEM_ADMINISTRATOR}),
    }
)

MAY: Final[dict[Role, frozenset[Act]]] = {
    Role.SECURITY_OFFICER: frozenset(
        {
            Act.APPROVE,
            Act.RUN_CEREMONY,
            Act.ACTIVATE_KEY,
            Act.APPROVE_MODULE,
            Act.CHANGE_ROLES,
            Act.LOCK_OPERATOR,
            Act.READ_RECORDS,
            Act.READ_LOG,
        }
    ),
    Role.REGISTRATION_OFFICER: frozenset(
        {Act.APPROVE, Act.REGISTER, Act.DECIDE, Act.ISSUE, Act.AUTHORISE, Act.READ_RECORDS}
    ),
    Role.REVOCATION_OFFICER: frozenset({Act.APPROVE, Act.REVOKE, Act.RELEASE, Act.READ_RECORDS}),
    Role.SYSTEM_ADMINISTRATOR: frozenset(
        {Act.APPROVE, Act.RUN_CEREMONY, Act.ACTIVATE_KEY, Act.CONFIGURE, Act.READ_RECORDS}
    ),
    Role.OPERATOR: frozenset({Act.APPROVE, Act.ACTIVATE_KEY, Act.OPERATE, Act.PUBLISH, Act.READ_RECORDS}),
    Role.AUDITOR: frozenset({Act.READ_RECORDS, Act.READ_LOG, Act.EXPORT_LOG}),
}

# What ends, directly, in a certificate: of these accounts two factors are asked.
ISSUES: Final = frozenset(
    {Act.DECIDE, Act.ISSUE, Act.AUTHORISE, Act.APPROVE, Act.RUN_CEREMONY, Act.ACTIVATE_KEY}
)


@implements("CENTS419261:M1.5", "EN319401:REQ-7.1.2-01")
def check_roles_agree(roles: AbstractSet[Role]) -> None:
    """Refuse roles that one person may not have together."""
    for pair in sorted(sorted(role.value for role in pair) for pair in CONFLICTS):
        if {Role(name) for name in pair} <= roles:
            raise Refused(
                "CENTS419261:M1.5",
                f"One person cannot be {pair[0]} and {pair[1]}. Withdraw one of the roles first, or give the "
                "other one to somebody else.",
            )


@implements("CENTS419261:SA1.1", "EN319411-1:CSS-6.5.5-06", "EN319411-1:DIS-6.5.5-05", disabled=True)
def may(roles: AbstractSet[Role], act: Act) -> bool:
    """Whether one of the roles lets its holder do this; what no role names, nobody may."""
    return any(act in MAY.get(role, frozenset()) for role in roles)


def check_may(roles: AbstractSet[Role], act: Act) -> None:
    """Refuse what none of the roles allows (CENTS419261:SA1.1), naming the roles that do."""
    if not may(roles, act):
        able = ", ".join(role.value for role in Role if may({role}, act))
        held = ", ".join(sorted(role.value for role in roles)) or "no role"
        raise Refused(
            "CENTS419261:SA1.1",
            f"{act.value} is for {able}, and this operator has {held}. Let somebody with that role do it.",
        )


def can_cause_issuance(roles: AbstractSet[Role]) -> bool:
    """Whether an account with these roles can bring about that a certificate is issued."""
    return any(may(roles, act) for act in ISSUES)


@implements("EN319411-1:GEN-6.5.5-04")
def check_factors(roles: AbstractSet[Role], factors: AbstractSet[Factor]) -> None:
    """Refuse an account that can cause issuance when it did not show two different factors."""
    if can_cause_issuance(roles) and not set(Factor) <= factors:
        raise Refused(
            "EN319411-1:GEN-6.5.5-04",
            "An account that can cause issuance needs two factors: the key, and a passphrase, PIN or gesture "
            "that opens it. Use a passkey that verifies its user, a key file with a passphrase, or a token "
            "whose PIN is typed.",
        )
