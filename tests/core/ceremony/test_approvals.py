"""Whose approvals count for a plan, whose signatures for a transcript; and what a stranger's is worth."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from ceremony_people import Somebody, crew, somebody
from ceremony_plans import changed, template
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustworks.core.ceremony.approvals import (
    approval_objections,
    check_approved,
    check_is_operators,
    check_may_approve,
    credential_values,
    kind_of,
    operator_objections,
    read_credential,
)
from trustworks.core.ceremony.model import TRANSCRIPT_KIND
from trustworks.core.ceremony.rules import REPORTED
from trustworks.core.ceremony.transcript import (
    Entry,
    Seal,
    Transcript,
    as_document,
    following,
    load,
    statement,
)
from trustworks.core.ceremony.verify import verify
from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.core.module.algorithms import SignatureScheme
from trustworks.core.roles import Role, policy_for, quorum

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
PLAN = changed(template("root"))
WHAT = kind_of(PLAN.plan)


class SoftKey:
    """A key in memory, in the place of the module's."""

    scheme = SignatureScheme.ECDSA_SHA256

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.spki = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, data: bytes) -> bytes:
        return self.key.sign(data, ec.ECDSA(hashes.SHA256()))


def judged(people: dict[str, Somebody], *names: str) -> None:
    """Raise unless the approvals of these people let the plan be carried out."""
    given = [people[name].approves(WHAT, PLAN.digest, at=NOW) for name in names]
    operators = [one.operator for one in people.values()]
    verdict = quorum(policy_for(WHAT, {}), given, operators, what=WHAT, sha256=PLAN.digest, at=NOW)
    check_approved(PLAN.plan, PLAN.digest, verdict)


@pytest.mark.req("TRUSTWORKS:CEREMONY-APPROVED", "EN319411-1:GEN-6.5.1-04")
def test_two_of_three_in_different_roles_approve_and_one_alone_does_not() -> None:
    people = crew()
    judged(people, "anna", "boris")
    judged(people, "anna", "clara")
    judged(people, "anna", "boris", "clara")
    for names in ((), ("anna",), ("boris", "clara"), ("anna", "anna"), ("anna", "wanda")):
        with pytest.raises(Refused, match="is not approved") as error:
            judged(people, *names)
        assert error.value.requirement == "TRUSTWORKS:CEREMONY-APPROVED"
    approved = [people[name].approves(WHAT, PLAN.digest, at=NOW) for name in ("anna", "boris")]
    assert approval_objections(PLAN.plan, approved) == ()
    assert approval_objections(PLAN.plan, approved[:1]) == ("1 of 2 approvals are there (by anna)",)
    same = changed(template("root"), ('role = "system-administrator"', 'role = "security-officer"')).plan
    second = somebody("boris", Role.SECURITY_OFFICER).approves(WHAT, PLAN.digest, at=NOW)
    assert approval_objections(same, [approved[0], second]) == (
        "all approvals are of one role, and two are needed",
    )


@pytest.mark.req("TRUSTWORKS:CEREMONY-APPROVED")
def test_who_is_not_to_approve_cannot_and_neither_can_another_plan_be_meant() -> None:
    people = crew()
    check_may_approve(PLAN.plan, people["anna"].approves(WHAT, PLAN.digest, at=NOW), PLAN.digest)
    with pytest.raises(Refused, match="does not have wanda approve it as auditor"):
        check_may_approve(PLAN.plan, people["wanda"].approves(WHAT, PLAN.digest, at=NOW), PLAN.digest)
    for what, digest in ((WHAT, "00" * 32), ("ceremony.sub-ca", PLAN.digest)):
        with pytest.raises(Rejected, match="about something else"):
            check_may_approve(PLAN.plan, people["anna"].approves(what, digest, at=NOW), PLAN.digest)


@pytest.mark.req("EN319411-1:GEN-6.5.1-03")
def test_participants_are_operators_in_the_roles_that_the_plan_says() -> None:
    people = {name: one.operator for name, one in crew().items()}
    assert operator_objections(PLAN.plan, people.values()) == ()
    for name, operator, said in (
        ("clara", None, "clara is no active operator"),
        ("clara", replace(people["clara"], state="locked"), "clara is no active operator"),
        ("clara", replace(people["clara"], roles=frozenset({Role.AUDITOR})), "clara does not hold the role"),
        ("clara", replace(people["clara"], credentials=()), "clara has no credential"),
    ):
        others = {**people, name: operator}
        found = operator_objections(PLAN.plan, [one for one in others.values() if one is not None])
        assert len(found) == 1
        assert found[0].startswith(said)


def test_a_signature_is_its_operators_own() -> None:
    people = crew()
    approval = people["anna"].approves(WHAT, PLAN.digest, at=NOW)
    operator = people["anna"].operator
    check_is_operators(approval, operator, NOW)
    for other, said in (
        (None, "no active operator"),
        (replace(operator, state="retired"), "no active operator"),
        (replace(operator, roles=frozenset({Role.AUDITOR})), "does not hold the role"),
        (replace(operator, credentials=()), "is no credential of anna"),
    ):
        with pytest.raises(Rejected, match=said):
            check_is_operators(approval, other, NOW)
    forged = replace(approval, content=replace(approval.content, sha256="00" * 32))
    with pytest.raises(Rejected, match="another content"):
        check_is_operators(forged, operator, NOW)


def attended(people: dict[str, Somebody]) -> Transcript:
    """The sealed transcript of a root's ceremony that anna and boris approved; nobody has signed it yet."""
    approvals = [people[name].approves(WHAT, PLAN.digest, at=NOW).as_dict() for name in ("anna", "boris")]
    credentials = [credential_values(one.operator.credentials[0]) for one in people.values()]
    facts = {"mode": "run", "approvals": approvals, "credentials": credentials}
    entries: list[Entry] = []
    entries.append(following(PLAN, entries, "opened", at=NOW, facts=facts))
    for number, step in enumerate(PLAN.plan.steps, 1):
        told = dict.fromkeys(REPORTED.get(step.kind, ()), "x")
        entries.append(following(PLAN, entries, "begun", at=NOW, step=number))
        entries.append(following(PLAN, entries, "done", at=NOW, step=number, facts=told))
    entries.append(following(PLAN, entries, "closed", at=NOW))
    key = SoftKey()
    body = statement(PLAN, entries, key, at=NOW)
    seal = Seal(body=body, signature=key.sign(body), spki=key.spki)
    return Transcript(plan=PLAN, entries=tuple(entries), seal=seal)


@pytest.mark.req("EN319411-1:GEN-6.5.1-14", "TRUSTWORKS:CEREMONY-APPROVED")
def test_a_transcript_is_verified_with_what_is_in_it() -> None:
    people = crew()
    found = attended(people)
    assert found.seal is not None
    assert verify(found).findings == (
        "No security-officer has signed the transcript.",
        "No independent witness has signed the transcript.",
    )
    digest = found.seal.digest
    signed = replace(
        found,
        signatures=tuple(
            people[name].approves(TRANSCRIPT_KIND, digest, at=NOW).as_dict() for name in ("anna", "wanda")
        ),
    )
    verdict = verify(load(json.dumps(as_document(signed)).encode()))
    assert (verdict.findings, verdict.approved_by, verdict.signed_by) == (
        (),
        ("anna", "boris"),
        ("anna", "wanda"),
    )
    stranger = somebody("wanda", Role.AUDITOR).approves(TRANSCRIPT_KIND, digest, at=NOW)
    forged = replace(signed, signatures=(signed.signatures[0], stranger.as_dict()))
    assert verify(forged).findings == (
        "Wanda signed with a key that the transcript does not know of him.",
        "No independent witness has signed the transcript.",
    )
    for who, said in (("boris", "does not have boris sign"), ("clara", "does not have clara sign")):
        other = people[who].approves(TRANSCRIPT_KIND, digest, at=NOW).as_dict()
        assert any(
            said in one for one in verify(replace(signed, signatures=(*signed.signatures, other))).findings
        )
    another = people["anna"].approves(TRANSCRIPT_KIND, "00" * 32, at=NOW).as_dict()
    assert any("something else" in one for one in verify(replace(found, signatures=(another,))).findings)


@pytest.mark.req("TRUSTWORKS:CEREMONY-APPROVED")
def test_a_transcript_without_the_approvals_does_not_hold() -> None:
    document = as_document(attended(crew()))
    document["entries"][0]["facts"]["approvals"].pop()
    findings = verify(load(json.dumps(document).encode())).findings
    assert "1 of 2 approvals are there (by anna)." in findings


def test_a_credential_is_read_back_and_nonsense_is_malformed() -> None:
    own = crew()["anna"].operator.credentials[0]
    values = credential_values(own)
    assert read_credential(values) == own
    for name, value in (("kind", "password"), ("public", "?"), ("added_at", "then"), ("handle", 7)):
        altered: Any = {**copy.deepcopy(values), name: value}
        with pytest.raises(Malformed):
            read_credential(altered)
    with pytest.raises(Malformed):
        read_credential(None)
