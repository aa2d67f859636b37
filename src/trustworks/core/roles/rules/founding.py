"""The first operators: who may bring them, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Refused
from trustworks.core.roles.model import Act, Role
from trustworks.core.roles.rules.credentials import check_credential
from trustworks.core.roles.rules.duties import may
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from trustworks.core.roles.model import Operator, Person, QuorumPolicy

_OFFICERS = 2


@implements("TRUSTWORKS:ROLES-REQUIRED", disabled=False)
def are_needed(*, lab: bool, required: bool, enrolled: bool) -> bool:
    """Whether acts need an operator: always, but in a laboratory that neither asks for nor has any."""
    return not lab or required or enrolled


def can_approve(policy: QuorumPolicy, operators: Iterable[Operator], at: datetime) -> bool:
    """Whether the operators, with the credentials that they have at this moment, could meet the quorum."""
    able = [
        frozenset(
            role for role in one.roles if may({role}, Act.APPROVE) and role in (policy.roles or set(Role))
        )
        for one in operators
        if one.state == "active" and any(_counts(one, key_id, at) for key_id in _keys(one))
    ]
    able = [roles for roles in able if roles]
    if len(able) < policy.approvals or not policy.among <= frozenset().union(*able):
        return False
    return not policy.distinct_roles or len(frozenset().union(*able)) >= policy.approvals


def _keys(operator: Operator) -> list[str]:
    return [one.key_id for one in operator.credentials if one.is_usable]


def _counts(operator: Operator, key_id: str, at: datetime) -> bool:
    credential = operator.credential(key_id)
    try:
        if credential is not None:
            check_credential(credential, at)
    except Refused:
        return False
    return credential is not None


@implements("TRUSTWORKS:ROLES-BOOTSTRAP")
def check_nobody_can_approve(policy: QuorumPolicy, operators: Iterable[Operator], at: datetime) -> None:
    """Refuse a bootstrap while the operators can decide about new ones themselves."""
    if can_approve(policy, operators, at):
        raise Refused(
            "TRUSTWORKS:ROLES-BOOTSTRAP",
            "There are operators who can approve new ones, so there is nothing to bootstrap. Let one of them "
            "ask for it: trustworks roles operator add.",
        )


@implements("TRUSTWORKS:ROLES-BOOTSTRAP-AGAIN")
def check_again(*, enrolled: bool, nobody_left: bool, sessions: int) -> None:
    """Refuse to name operators again unless that was said expressly, and while somebody is signed in."""
    if nobody_left and not enrolled:
        raise Refused(
            "TRUSTWORKS:ROLES-BOOTSTRAP-AGAIN",
            "No operators were ever enrolled here: leave --nobody-left out.",
        )
    if enrolled and not nobody_left:
        raise Refused(
            "TRUSTWORKS:ROLES-BOOTSTRAP-AGAIN",
            "Operators were enrolled here, and none of them can approve new ones any more. If nobody "
            "is left to be reached who renews his certificate, say so by --nobody-left: the log and /healthz "
            "tell it.",
        )
    if enrolled and sessions:
        raise Refused(
            "TRUSTWORKS:ROLES-BOOTSTRAP-AGAIN",
            f"{sessions} session(s) of operators are open at the console, so somebody is left. Wait until "
            "they have ended, or let them sign out.",
        )


@implements("TRUSTWORKS:ROLES-BOOTSTRAP")
def check_can_approve(policy: QuorumPolicy, operators: Iterable[Operator], at: datetime) -> None:
    """Refuse a bootstrap after which nobody could approve anything."""
    if not can_approve(policy, operators, at):
        among = " and a ".join(sorted(role.value for role in policy.among))
        raise Refused(
            "TRUSTWORKS:ROLES-BOOTSTRAP",
            f"A change of roles needs {policy.approvals} approvals"
            f"{f', with a {among} among them' if among else ''}, and these operators could not give them. "
            "Enrol more: three, two of them security officers, let each be replaced.",
        )


@implements("TRUSTWORKS:ROLES-FIRST-OFFICERS")
def check_two_officers(operators: Iterable[Operator], at: datetime, *, lab: bool) -> None:
    """Refuse a bootstrap that leaves one security officer alone, of whom nobody could take the place."""
    able = [
        one.name
        for one in operators
        if one.state == "active"
        and Role.SECURITY_OFFICER in one.roles
        and any(_counts(one, key_id, at) for key_id in _keys(one))
    ]
    if not lab and len(able) < _OFFICERS:
        raise Refused(
            "TRUSTWORKS:ROLES-FIRST-OFFICERS",
            f"With these there would be {len(able)} security officer(s), and outside a laboratory two are "
            "enrolled together at least, so that none of them acts alone. Name another one in the same "
            "command.",
        )


@implements("TRUSTWORKS:ROLES-FIRST-OFFICERS")
def check_first_are_described(people: Mapping[str, Person], names: Iterable[str], *, lab: bool) -> None:
    """Refuse first operators of whom nobody wrote who they are: a pseudonym answers for nothing."""
    nameless = sorted(
        name for name in names if name not in people or not (people[name].names or people[name].identifiers)
    )
    if not lab and nameless:
        raise Refused(
            "TRUSTWORKS:ROLES-FIRST-OFFICERS",
            f"Nobody wrote who these first operators are: {', '.join(nameless)}. Add for each of them --name "
            f"'{nameless[0]}:GIVEN AND FAMILY NAME', or --identifier {nameless[0]}:IDENTIFIER.",
        )


@implements("TRUSTWORKS:ROLES-BOOTSTRAP")
def check_owner(user: int, owner: int) -> None:
    """Refuse a bootstrap by an account that does not own the installation (root may)."""
    if user not in {0, owner}:
        raise Refused(
            "TRUSTWORKS:ROLES-BOOTSTRAP",
            f"The installation belongs to the user {owner}, and this command runs as {user}. The owner names "
            "the first operators.",
        )
