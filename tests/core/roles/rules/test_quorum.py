"""Quorums: which approvals count, and what is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from operators_testbed import NOW, credential_of, new_key, operator_of, signer_of

from trustworks.core.errors import Refused
from trustworks.core.roles import (
    Approval,
    Operator,
    QuorumPolicy,
    QuorumVerdict,
    Role,
    new_content,
    policy_for,
    quorum,
    sign_approval,
)
from trustworks.core.roles.rules.quorum import DEFAULTS, check_dual_control, check_officer_among

DIGEST = "1" * 64
ROOT = policy_for("ceremony.root", {}, lasts=timedelta(days=7))


class Staff:
    """Operators with a key each."""

    def __init__(self, **roles: Role | tuple[Role, ...]) -> None:
        self.keys = {name: new_key() for name in roles}
        self.operators: list[Operator] = []
        for name, held in roles.items():
            credential = credential_of(self.keys[name], name)
            many = held if isinstance(held, tuple) else (held,)
            self.operators.append(operator_of(name, *many, credentials=(credential,)))

    def approve(self, name: str, role: Role | None = None, **changes: Any) -> Approval:
        own = next(one for one in self.operators if one.name == name)
        made = new_content(
            what="ceremony.root",
            sha256=DIGEST,
            operator=name,
            role=role or min(own.roles, key=lambda one: one.value),
            time=NOW,
        )
        return sign_approval(replace(made, **changes), signer_of(self.keys[name]))

    def change(self, name: str, **changes: Any) -> None:
        self.operators = [replace(one, **changes) if one.name == name else one for one in self.operators]


@pytest.fixture
def staff() -> Staff:
    return Staff(
        anna=Role.SECURITY_OFFICER,
        ben=Role.SYSTEM_ADMINISTRATOR,
        carl=Role.OPERATOR,
        dora=Role.OPERATOR,
        emil=Role.AUDITOR,
    )


def judge(staff: Staff, *approvals: Approval, policy: QuorumPolicy = ROOT, **more: Any) -> QuorumVerdict:
    given: dict[str, Any] = {"what": "ceremony.root", "sha256": DIGEST, "at": NOW} | more
    return quorum(policy, approvals, staff.operators, **given)


@pytest.mark.req("TRUSTWORKS:ROLES-QUORUM", "EN319411-1:GEN-6.5.1-04")
def test_one_operator_alone_is_not_enough(staff: Staff) -> None:
    verdict = judge(staff, staff.approve("anna"), staff.approve("anna"))
    assert not verdict.met
    assert verdict.missing == ("1 more approval of other roles",)
    assert [why for _, why in verdict.not_counted] == ["the same operator gave a newer one"]
    assert judge(staff).missing == (
        "the approval of a security-officer",
        "1 more approval of other roles",
    )


@pytest.mark.req("TRUSTWORKS:ROLES-APPROVAL-KEPT")
def test_an_approval_does_not_come_back_with_a_role_that_was_lost_and_given_again(staff: Staff) -> None:
    given = [staff.approve("anna"), staff.approve("carl")]
    staff.change("carl", granted=((Role.OPERATOR, NOW),))
    assert judge(staff, *given).met
    staff.change("carl", granted=((Role.OPERATOR, NOW + timedelta(hours=1)),))
    verdict = judge(staff, *given, at=NOW + timedelta(hours=2))
    assert not verdict.met
    assert "lost the role operator" in verdict.not_counted[0][1]
    again = staff.approve("carl", time=NOW + timedelta(hours=1))
    assert judge(staff, *given, again, at=NOW + timedelta(hours=2)).met


@pytest.mark.req("TRUSTWORKS:ROLES-QUORUM", "EN319411-1:GEN-6.5.1-04")
def test_two_of_distinct_roles_with_a_security_officer_meet_the_quorum_of_a_root(staff: Staff) -> None:
    verdict = judge(staff, staff.approve("anna"), staff.approve("carl"))
    assert verdict.met
    assert [one.content.operator for one in verdict.counted] == ["anna", "carl"]
    assert judge(staff, staff.approve("ben"), staff.approve("carl")).missing == (
        "the approval of a security-officer",
    )
    same = judge(staff, staff.approve("carl"), staff.approve("dora"))
    assert len(same.counted) == 1
    assert "roles must differ" in same.not_counted[0][1]


@pytest.mark.req("TRUSTWORKS:ROLES-QUORUM")
def test_what_does_not_count_is_told_with_its_reason(staff: Staff) -> None:
    anna = staff.approve("anna")

    def why(approval: Approval, **more: Any) -> str:
        verdict = judge(staff, anna, approval, **more)
        assert not verdict.met
        return {one.approval_id: reason for one, reason in verdict.not_counted}[approval.approval_id]

    assert why(staff.approve("carl", what="ceremony.sub-ca")) == "it is about something else"
    assert why(staff.approve("carl", sha256="2" * 64)) == "it is about something else"
    assert why(staff.approve("carl", operator="nobody")) == "nobody is no active operator"
    assert why(staff.approve("carl", role=Role.SYSTEM_ADMINISTRATOR)) == "carl is not system-administrator"
    assert why(staff.approve("emil")) == "no auditor approves this"
    assert why(staff.approve("carl", time=NOW + timedelta(minutes=6))) == "its time is in the future"
    assert why(staff.approve("carl", time=NOW - timedelta(days=8))).startswith("it is older than")
    assert why(staff.approve("carl"), concerned={"carl"}) == "it is about that operator himself"
    assert why(replace(staff.approve("carl"), key_id=anna.key_id)).startswith("its key is no credential")
    forged = replace(staff.approve("carl"), jws=anna.jws)
    assert "not one of this key" in why(forged)
    staff.change("carl", state="locked")
    assert why(staff.approve("carl")) == "carl is no active operator"


@pytest.mark.req("TRUSTWORKS:ROLES-QUORUM", "TRUSTWORKS:ROLES-CREDENTIAL-VALID")
def test_a_removed_key_and_an_expired_certificate_do_not_count(staff: Staff) -> None:
    approvals = staff.approve("anna"), staff.approve("carl")
    assert judge(staff, *approvals).met
    late = timedelta(days=400)
    old = staff.approve("anna", time=NOW + late), staff.approve("carl", time=NOW + late)
    assert [why.partition(" is valid")[0] for _, why in judge(staff, *old, at=NOW + late).not_counted] == [
        "The certificate of anna",
        "The certificate of carl",
    ]
    carl = next(one for one in staff.operators if one.name == "carl")
    gone = replace(carl.credentials[0], removed_at=NOW + timedelta(seconds=1))
    staff.change("carl", credentials=(gone,))
    assert not judge(staff, *approvals, at=NOW + timedelta(seconds=2)).met


def test_a_role_that_the_policy_does_not_name_does_not_count(staff: Staff) -> None:
    policy = QuorumPolicy(kind="ceremony.root", approvals=1, roles=frozenset({Role.OPERATOR}))
    assert not judge(staff, staff.approve("anna"), policy=policy).met
    assert judge(staff, staff.approve("carl"), policy=policy).met


def test_a_kind_has_the_policy_of_the_longest_name_that_fits() -> None:
    own = {"ceremony.root": QuorumPolicy(kind="ceremony.root", approvals=3)}
    assert policy_for("ceremony.root", own).approvals == 3
    assert policy_for("ceremony.root.second", own).approvals == 3
    assert policy_for("ceremony.destroy", own).kind == "ceremony"
    assert policy_for("key.activate", {}).kind == "key"
    assert policy_for("what.else", {}) == DEFAULTS[""]


@pytest.mark.req(
    "EN319411-1:GEN-6.5.1-04",
    "EN319411-1:GEN-6.5.2-06",
    "EN319411-1:GEN-6.5.4-01",
    "TRUSTWORKS:ROLES-CHANGES-APPROVED",
    "TRUSTWORKS:ROLES-DUAL-CONTROL",
)
@pytest.mark.parametrize(
    ("kind", "requirement"),
    [
        ("ceremony.root", "EN319411-1:GEN-6.5.1-04"),
        ("ceremony.what.ever", "EN319411-1:GEN-6.5.1-04"),
        ("ceremony.restore", "EN319411-1:GEN-6.5.2-06"),
        ("key.activate", "EN319411-1:GEN-6.5.4-01"),
        ("roles.change", "TRUSTWORKS:ROLES-CHANGES-APPROVED"),
        ("api.client", "TRUSTWORKS:ROLES-DUAL-CONTROL"),
        ("status.last-list", "TRUSTWORKS:ROLES-DUAL-CONTROL"),
        ("certificate.qualified", "TRUSTWORKS:ROLES-DUAL-CONTROL"),
        ("revocation.mass", "TRUSTWORKS:ROLES-DUAL-CONTROL"),
    ],
)
def test_no_policy_lets_one_person_alone_do_what_is_under_dual_control(kind: str, requirement: str) -> None:
    with pytest.raises(Refused) as caught:
        check_dual_control(QuorumPolicy(kind=kind, approvals=1))
    assert caught.value.requirement == requirement
    check_dual_control(QuorumPolicy(kind=kind, approvals=2))


def test_what_no_standard_puts_under_dual_control_may_have_a_quorum_of_one() -> None:
    check_dual_control(QuorumPolicy(kind="certificate.issue", approvals=1))


@pytest.mark.req("EN319411-1:GEN-6.5.1-14")
def test_an_authoritys_ceremony_needs_a_security_officer() -> None:
    with pytest.raises(Refused) as caught:
        check_officer_among(QuorumPolicy(kind="ceremony.root", approvals=2))
    assert caught.value.requirement == "EN319411-1:GEN-6.5.1-14"
    for policy in DEFAULTS.values():
        check_dual_control(policy)
        check_officer_among(policy)
