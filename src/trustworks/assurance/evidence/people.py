"""Trusted roles: who holds which, whether any conflict, whether dual control is possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.assurance.evidence.model import Item, Kind, judged
from trustworks.core.errors import Refused
from trustworks.core.roles import Act, Role
from trustworks.core.roles.rules.duties import check_roles_agree, may
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from trustworks.core.roles import Operator

SEPARATED: Final = "TRUSTWORKS:ASSURANCE-EVIDENCE-ROLES"
_LEAST: Final = 2


@implements("TRUSTWORKS:ASSURANCE-EVIDENCE-ROLES", disabled=())
def role_findings(operators: Sequence[Operator]) -> tuple[str, ...]:
    """What is wrong with how roles are held, as sentences; operators who are locked or gone hold none."""
    active = [one for one in operators if one.state == "active"]
    if not active:
        return ("no operator is enrolled: nobody holds a trusted role",)
    found = []
    for one in active:
        try:
            check_roles_agree(one.roles)
        except Refused as error:
            found.append(f"{one.name}: {error}")
    found += [
        f"nobody is {role.value}"
        for role in (Role.SECURITY_OFFICER, Role.SYSTEM_ADMINISTRATOR, Role.AUDITOR)
        if not any(role in one.roles for one in active)
    ]
    if sum(may(one.roles, Act.APPROVE) for one in active) < _LEAST:
        found.append("fewer than two may approve: there is no dual control")
    return tuple(found)


def roles_item(operators: Sequence[Operator], at: datetime) -> Item:
    """The evidence of role separation, by pseudonyms."""
    active = [one for one in operators if one.state == "active"]
    return judged(
        Kind.ROLES,
        "operators",
        at,
        findings=role_findings(operators),
        well=f"{len(active)} operators, of whom none holds roles that conflict.",
        values={
            "operators": {one.name: sorted(role.value for role in one.roles) for one in active},
            "locked": sorted(one.name for one in operators if one.state == "locked"),
        },
        requirements=(SEPARATED,),
    )
