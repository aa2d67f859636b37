"""Which roles go together, and who may do what."""

from __future__ import annotations

from itertools import combinations

import pytest

from trustworks.core.errors import Malformed, Refused
from trustworks.core.roles import Act, Factor, Role
from trustworks.core.roles.model import role_named
from trustworks.core.roles.rules.duties import (
    MAY,
    can_cause_issuance,
    check_factors,
    check_may,
    check_roles_agree,
    may,
)

ROLES = (
    "security-officer",
    "registration-officer",
    "revocation-officer",
    "system-administrator",
    "operator",
    "auditor",
)


@pytest.mark.req("CENTS419261:M1.5", "EN319401:REQ-7.1.2-01", "CENTS419261:M1.4")
def test_an_auditor_is_nothing_else_and_a_security_officer_no_administrator() -> None:
    forbidden = {frozenset({Role.AUDITOR, one}) for one in Role if one is not Role.AUDITOR}
    forbidden.add(frozenset({Role.SECURITY_OFFICER, Role.SYSTEM_ADMINISTRATOR}))
    for pair in combinations(Role, 2):
        if frozenset(pair) in forbidden:
            with pytest.raises(Refused) as caught:
                check_roles_agree(frozenset(pair))
            assert caught.value.requirement == "CENTS419261:M1.5"
        else:
            check_roles_agree(frozenset(pair))
    for role in Role:
        check_roles_agree(frozenset({role}))
    with pytest.raises(Refused):
        check_roles_agree(frozenset(Role))


@pytest.mark.req("CENTS419261:M1.4", "EN319411-1:OVR-6.4.4-04")
def test_the_trusted_roles_are_known_by_their_names() -> None:
    assert {role_named(name) for name in ROLES} == set(Role)
    assert role_named("auditor") is Role.AUDITOR
    with pytest.raises(Malformed, match="use one of security-officer"):
        role_named("king")


@pytest.mark.req("CENTS419261:SA1.1", "EN319411-1:CSS-6.5.5-06", "EN319411-1:DIS-6.5.5-05")
def test_what_no_role_allows_is_refused() -> None:
    for act in Act:
        assert not may(frozenset(), act)
    with pytest.raises(Refused, match="is for registration-officer, and this operator has auditor") as caught:
        check_may({Role.AUDITOR}, Act.ISSUE)
    assert caught.value.requirement == "CENTS419261:SA1.1"
    check_may({Role.REGISTRATION_OFFICER}, Act.ISSUE)
    check_may({Role.OPERATOR, Role.REVOCATION_OFFICER}, Act.REVOKE)


@pytest.mark.req(
    "CENTS419261:M1.4", "CENTS419261:SA1.1", "EN319411-1:CSS-6.5.5-06", "EN319411-1:DIS-6.5.5-05"
)
def test_each_act_is_somebodys_and_the_roles_differ() -> None:
    assert set(MAY) == set(Role)
    assert {act for acts in MAY.values() for act in acts} == set(Act)
    assert len(set(MAY.values())) == len(Role)
    # Who enters and decides neither revokes nor changes roles; who audits changes nothing.
    assert [role for role in Role if may({role}, Act.ISSUE)] == [Role.REGISTRATION_OFFICER]
    assert [role for role in Role if may({role}, Act.REVOKE)] == [Role.REVOCATION_OFFICER]
    assert [role for role in Role if may({role}, Act.CHANGE_ROLES)] == [Role.SECURITY_OFFICER]
    assert MAY[Role.AUDITOR] == {Act.READ_RECORDS, Act.READ_LOG, Act.EXPORT_LOG}


@pytest.mark.req("EN319411-1:GEN-6.5.5-04")
def test_who_can_cause_issuance_shows_two_factors() -> None:
    for role in (Role.SECURITY_OFFICER, Role.REGISTRATION_OFFICER, Role.OPERATOR):
        assert can_cause_issuance({role})
        for factors in (frozenset(), frozenset({Factor.POSSESSION}), frozenset({Factor.VERIFICATION})):
            with pytest.raises(Refused) as caught:
                check_factors({role}, factors)
            assert caught.value.requirement == "EN319411-1:GEN-6.5.5-04"
        check_factors({role}, frozenset(Factor))
    assert not can_cause_issuance({Role.AUDITOR})
    check_factors({Role.AUDITOR}, {Factor.POSSESSION})
