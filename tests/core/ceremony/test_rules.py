"""What speaks against a script, and what a transcript lacks."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import pytest
from ceremony_plans import UNATTENDED, changed, template

from trustworks.core.ceremony import plan as plans
from trustworks.core.ceremony import rules, steps
from trustworks.core.ceremony.model import KINDS
from trustworks.core.errors import Refused

OF_TYPE = "TRUSTWORKS:CEREMONY-STEPS-OF-TYPE"


def told(*changes: tuple[str, str], kind: str = "root", lab: bool = False) -> list[tuple[str, str]]:
    return rules.plan_objections(changed(template(kind), *changes).plan, lab=lab)


@pytest.mark.req("EN319411-1:GEN-6.5.1-04", "EN319421:7.6.2-DUAL-CONTROL")
def test_nobody_makes_a_key_alone() -> None:
    for change, said in (
        (("approvals = 2", "approvals = 1"), "approvals is 1"),
        (("approvals = 2", "approvals = 4"), "3 participants may approve, and 4"),
        (
            ('by = ["boris", "clara"]\ntoken = "root"\nlabel', 'by = ["boris"]\ntoken = "root"\nlabel'),
            "step 4",
        ),
        (('by = ["anna", "boris"]', 'by = ["anna", "anna"]'), "step 5 (make-authority) is one person's"),
    ):
        found = told(change)
        assert found
        assert all(requirement == "EN319411-1:GEN-6.5.1-04" for requirement, _ in found)
        assert said in found[0][1]
    same = told(
        ('role = "system-administrator"', 'role = "security-officer"'),
        ('role = "operator"', 'role = "security-officer"'),
    )
    assert same == [
        (
            "EN319411-1:GEN-6.5.1-04",
            "those who approve all act in one role; let them be of two roles at least",
        )
    ]


@pytest.mark.req("EN319411-1:GEN-6.5.1-03")
def test_whoever_does_something_is_a_participant_and_who_watches_does_nothing_else() -> None:
    assert told(('"boris", "clara"]\nwhat', '"boris", "mallory"]\nwhat'))[0] == (
        "EN319411-1:GEN-6.5.1-03",
        "step 2 names mallory, who is no participant",
    )
    watching = told(('by = ["anna", "boris"]\nauthority', 'by = ["anna", "wanda"]\nauthority'))
    assert "step 5 (make-authority) is done by wanda, who is there to watch" in dict.fromkeys(
        said for _, said in watching
    )
    assert "wanda watches, and so cannot approve" in [
        said for _, said in told(("witness = true", "witness = true\napproves = true"))
    ]
    assert "boris is there twice" in [said for _, said in told(('name = "clara"', 'name = "boris"'))]
    nobody = told(('by = ["boris", "clara"]\nwhat', "by = []\nwhat"))
    assert ("EN319411-1:GEN-6.5.1-03", "step 2 (confirm) is nobody's; say who does it in by") in nobody


@pytest.mark.req("EN319411-1:GEN-6.5.1-11", "EN319411-1:GEN-6.5.1-12")
def test_a_script_has_the_steps_of_its_type_and_a_part_for_each_participant() -> None:
    found = told(('type = "sub-ca"', 'type = "destroy"'), kind="sub-ca")
    said = "a ceremony of the type destroy needs a step destroy-key or destroy-backup"
    assert ("EN319411-1:GEN-6.5.1-12", said) in found
    idle = told(
        ('function = "holds the second key of the safe"\napproves = true', 'function = "x"'),
        ('"clara"]', '"boris"]'),
        ('"clara", ', ""),
    )
    assert any(said.startswith("clara has no part in it") for _, said in idle)


PARENT = 'parent = "root"'
DESTROY = f"""
[[steps]]
kind = "destroy-key"
phase = "Destruction"
by = ["anna", "boris"]
token = "services"
label = "tsu"
spki-sha256 = "{1:064x}"
reason = "It goes."
"""


def made_by(kind: str, step: str, *, as_type: str | None = None) -> list[str]:
    """What speaks against the steps of a template of one type with a step of another's after them."""
    text = template(kind).replace(f'type = "{kind}"', f'type = "{as_type or kind}"')
    plan = plans.read(f"{text}\n{step}".encode()).plan
    return [said for one, said in rules.plan_objections(plan, lab=False) if one == OF_TYPE]


@pytest.mark.req("TRUSTWORKS:CEREMONY-STEPS-OF-TYPE")
def test_the_type_says_which_steps_a_ceremony_may_have_as_approvers_and_signers_go_by_it() -> None:
    # A root, made without its witness.
    ((requirement, said),) = told((PARENT, ""), kind="sub-ca")
    assert requirement == OF_TYPE
    assert said.startswith("step 4 (make-authority without parent) is none of a ceremony of the type sub-ca;")
    assert said.endswith("plan it in one of the type root")
    authority = "[[steps]]" + template("sub-ca").split("[[steps]]")[4]
    assert 'kind = "make-authority"' in authority
    (below,) = made_by("service-key", authority)
    assert "(make-authority with parent) is none of a ceremony of the type service-key" in below
    assert "of the type root or sub-ca" in below
    (root,) = made_by("service-key", authority.replace(PARENT, ""))
    assert "in one of the type root" in root
    assert made_by("root", authority) == []
    # What has a quorum of its own is not done by another's.
    for kind in set(KINDS) - {"destroy"}:
        (said,) = made_by(kind, DESTROY)
        assert "(destroy-key) is none of a ceremony of the type" in said, kind
        assert said.endswith("plan it in one of the type destroy"), kind
    for kind, number, where in (
        ("restore", 2, "restore"),
        ("transfer", 2, "transfer"),
        ("initialise-token", 1, "initialise-token, root or sub-ca"),
    ):
        step = "[[steps]]" + template(kind).split("[[steps]]")[number]
        (said,) = made_by("service-key", step)
        assert said.endswith(f"plan it in one of the type {where}"), kind
        assert made_by(kind, step) == []
    assert made_by("root", "[[steps]]" + template("initialise-token").split("[[steps]]")[1]) == []


@pytest.mark.req("TRUSTWORKS:CEREMONY-STEPS-OF-TYPE")
def test_every_template_and_every_kind_of_step_has_its_type() -> None:
    for kind in KINDS:
        assert rules.type_objections(changed(template(kind)).plan) == (), kind
    every = {literal for one in get_args(get_args(steps.AnyStep)[0]) for literal in kinds_of(one)}
    assert every == {one.partition(" ")[0] for kind in KINDS.values() for one in kind.may} | rules.LOOKING


def kinds_of(step: type) -> tuple[str, ...]:
    return get_args(get_type_hints(step)["kind"])


@pytest.mark.req("EN319411-1:GEN-6.5.1-14")
def test_a_root_has_a_security_officer_and_a_witness_sign() -> None:
    assert told(("signs = true", "")) == [
        ("EN319411-1:GEN-6.5.1-14", "no security-officer is to sign the transcript")
    ]
    without = told(("witness = true", "signs = true"))
    assert without == [("EN319411-1:GEN-6.5.1-14", "no independent witness is to sign the transcript")]
    plan = changed(template("root")).plan
    assert rules.signature_objections(plan, ["anna", "wanda"]) == ()
    assert rules.signature_objections(plan, ["anna"]) == ("no independent witness has signed the transcript",)
    assert len(rules.signature_objections(plan, ["boris", "clara"])) == 2
    assert rules.signature_objections(changed(template("sub-ca")).plan, ["anna"]) == ()


@pytest.mark.req("EN319411-1:GEN-6.5.1-13B")
def test_a_key_is_made_or_checked_before_it_is_used() -> None:
    unknown = told(('label = "root-2027"\nalgorithm', 'label = "other"\nalgorithm'))
    assert unknown[0][0] == "EN319411-1:GEN-6.5.1-13B"
    assert "uses the key root-2027 of the token root, which no step before makes" in unknown[0][1]
    nameless = told(("spki-sha256", "# spki-sha256"), kind="sub-ca")
    assert "checks a key that was made before without saying which it is" in nameless[0][1]


@pytest.mark.req("TRUSTWORKS:CEREMONY-UNATTENDED")
def test_nobody_being_there_is_for_laboratories() -> None:
    plan = changed(UNATTENDED).plan
    assert rules.plan_objections(plan, lab=True) == []
    with pytest.raises(Refused, match="for laboratories") as error:
        rules.check_plan(plan, lab=False)
    assert error.value.requirement == "TRUSTWORKS:CEREMONY-UNATTENDED"
    assert rules.unattended_objections(changed(UNATTENDED, ("approvals = 0", "approvals = 1")).plan, lab=True)
    asking = changed(
        UNATTENDED,
        ('kind = "inspect-module"', 'kind = "confirm"\nwhat = "x"'),
        ('token = "root"\n[[steps]]\nkind = "generate', '[[steps]]\nkind = "generate'),
    )
    assert rules.unattended_objections(asking.plan, lab=True) == (
        "it is unattended, and nobody is there to confirm a step",
    )


@pytest.mark.req("EN319411-1:GEN-6.5.1-13A")
def test_a_report_holds_modules_and_keys() -> None:
    plan = changed(UNATTENDED).plan
    key = {"label": "k", "id": "01", "algorithm": "P-256", "bits": 256, "spki_sha256": "ab"}
    done: dict[int, dict[str, Any]] = {
        1: dict.fromkeys(rules.REPORTED["inspect-module"], "x"),
        2: key,
        3: dict.fromkeys(rules.REPORTED["make-authority"], "x"),
        4: {},
    }
    assert rules.report_objections(plan, done) == ()
    assert rules.report_objections(plan, {**done, 2: {**key, "spki_sha256": ""}}) == (
        "step 2 (generate-key) does not tell spki_sha256",
    )
    assert rules.report_objections(plan, {one: done[one] for one in (1, 2, 3)}) == (
        "step 4 (publish-crl) was not carried out",
    )


@pytest.mark.req("EN319411-1:GEN-6.5.2-06")
def test_custodians_are_several_and_there() -> None:
    assert [told(kind=kind) for kind in ("backup", "restore", "transfer")] == [[], [], []]
    custodians = 'custodians = ["clara", "dora"]'
    for change, said in (
        ((custodians, 'custodians = ["clara", "clara"]'), "does not have two different custodians"),
        ((custodians, 'custodians = ["clara", "mallory"]'), "who are no participants: mallory"),
        ((custodians, 'custodians = ["clara", "emil"]'), "who are not in its by: emil"),
        (('name = "emil"\ncard', 'name = "dora"\ncard'), "does not have two different custodians"),
        ((f'"{3:064x}"', f'"{2:064x}"'), "does not have two different custodians"),
        (("threshold = 2", "threshold = 4"), "wants more custodians together than it names"),
    ):
        found = told(change, kind="backup")
        assert ("EN319411-1:GEN-6.5.2-06", True) in [(one, said in text) for one, text in found], change
    watching = told(('"dora"\nrole = "operator"', '"dora"\nrole = "auditor"'), kind="restore")
    assert "step 2 (restore-key) is done by dora, who is there to watch" in [text for _, text in watching]


@pytest.mark.req("EN319411-1:GEN-6.5.1-13B")
def test_a_backup_that_was_made_before_is_known_by_its_hash() -> None:
    ((requirement, said),) = told((f'backup = "{"0" * 64}"  # its', "# its"), kind="restore")
    assert requirement == "EN319411-1:GEN-6.5.1-13B"
    assert said.startswith("step 2 (restore-key) uses a backup that was made before without saying which")
    another = ('file = "backups/issuing-2027.backup.json"\ncustodians', 'file = "other.json"\ncustodians')
    assert "add backup" in told(another, kind="backup")[0][1]


@pytest.mark.req("TRUSTWORKS:CEREMONY-FILLED-IN")
def test_every_place_that_a_template_leaves_open_is_named_until_it_is_filled_in() -> None:
    untouched = rules.placeholder_objections(changed(template("root")).plan)
    assert untouched[0] == ("place is 'THE ROOM, and how it is kept closed', as in the template; fill it in")
    assert [one.partition(" is ")[0] for one in untouched] == ["place", "step 2, what", "step 7, what"]
    filled = changed(
        template("root"), ("THE ROOM, and how it is kept closed", "Room 7, two locks"), ("NUMBER", "4711")
    )
    assert rules.placeholder_objections(filled.plan) == ()
    rules.check_filled_in(filled.plan)
    with pytest.raises(Refused, match="is not filled in: place is 'THE ROOM") as refused:
        rules.check_filled_in(changed(template("root")).plan)
    assert refused.value.requirement == "TRUSTWORKS:CEREMONY-FILLED-IN"
    backup = rules.placeholder_objections(changed(template("backup")).plan)
    assert sum("a hash of noughts" in one for one in backup) == 3
    assert "custodian 2, fingerprint is a hash of noughts" in "\n".join(backup)
    for kind in KINDS:
        assert rules.placeholder_objections(changed(template(kind)).plan)[0].startswith("place is "), kind
