"""A plan is read strictly, and its digest is over what it says."""

from __future__ import annotations

import pytest
from ceremony_plans import UNATTENDED, changed, template

from trustworks.core.ceremony import plan as plans
from trustworks.core.ceremony.model import KINDS
from trustworks.core.ceremony.rules import plan_objections
from trustworks.core.errors import Malformed

BUILT = ["root", "sub-ca", "service-key", "initialise-token", "destroy"]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("version = 1", "version = 2", "version: input should be 1"),
        ("version = 1", 'version = "1"', "version: input should be 1"),
        ('type = "root"', 'type = "tree"', "type: "),
        ('kind = "generate-key"', 'kind = "guess-key"', "steps 4: write a kind of step that there is"),
        ("label = ", "lable = ", "lable: this key is unknown"),
        ('algorithm = "P-384"', "", "steps 4 generate-key algorithm: this key is missing"),
        ("approves = true", 'approves = "yes"', "participants 1 approves: input should be a valid boolean"),
        ('name = "anna"', 'name = "Anna"', "participants 1 name: "),
        ('authority = "root-2027"', 'authority = "../root"', "authority: "),
        ("years = 20", "years = 31", "years: input should be less than or equal to 30"),
        ("day = 2027-01-15", 'day = "soon"', "day: "),
        ("[[steps]]", "[[steps]", "is not TOML"),
    ],
)
def test_a_plan_that_is_none_is_told_place_by_place(before: str, after: str, told: str) -> None:
    with pytest.raises(Malformed, match="The plan") as error:
        changed(template("root"), (before, after))
    assert told in str(error.value)


@pytest.mark.parametrize("name", ["/etc/passwd", "../x.pin", "secrets/../../x", ".hidden", "a//b", "a b"])
def test_a_file_of_a_plan_lies_below_the_configuration(name: str) -> None:
    with pytest.raises(Malformed, match="pin-file"):
        changed(template("initialise-token"), ("secrets/issuing-2.pin", name))


def test_octets_that_are_no_text_are_no_plan() -> None:
    with pytest.raises(Malformed, match="not UTF-8"):
        plans.read(b"\xff")


def test_the_digest_is_of_what_a_plan_says_and_not_of_its_layout() -> None:
    plan = plans.read(template("root").encode())
    lines = [line.partition("  #")[0] for line in template("root").splitlines() if not line.startswith("#")]
    assert plans.read("\n".join(lines).encode()).digest == plan.digest
    assert changed(template("root"), ("years = 20", "years = 19")).digest != plan.digest


@pytest.mark.parametrize("kind", BUILT)
def test_templates_are_plans_against_which_nothing_speaks(kind: str) -> None:
    read = plans.read(template(kind).encode())
    assert (read.plan.type, plan_objections(read.plan, lab=False)) == (kind, [])
    assert kind in KINDS


def test_the_canonical_form_is_the_plan_again() -> None:
    read = plans.read(UNATTENDED.encode())
    for text in (template("root"), template("sub-ca"), UNATTENDED):
        read = plans.read(text.encode())
        again = plans.from_canonical(read.canonical)
        assert (again.plan, again.digest) == (read.plan, read.digest)
    with pytest.raises(Malformed, match="canonical form"):
        plans.from_canonical(read.canonical.replace(b":", b": ", 1))
    with pytest.raises(Malformed, match="no plan"):
        plans.from_canonical(b'{"version":1}')
