"""Rule sets are whole, and one that is not is told where."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from trustworks.assurance.engine.evaluation import QUESTIONS
from trustworks.assurance.rulesets import SHIPPED, check, load, read
from trustworks.assurance.rulesets.domains import DOMAINS
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from trustworks.assurance.rulesets.model import Process

HEAD = """
id = "own"
title = "Own"
source = "A source"
edition = 2026-11-01
words = "What it says."
"""
TABLE = """
[[table]]
id = "level"
reference = "1"
words = "Its level is enough."
asks = ["eal"]

[[table.case]]
eal = "4.."
verdict = "strong"
says = "{eal}"

[[table.case]]
eal = "..3"
verdict = "insufficient"
says = "{eal}"

[[table.case]]
eal = "unknown"
verdict = "unknown"
says = "{eal}"
"""
REST = """
[[option]]
id = "CC"
reference = "1"
label = "Common Criteria"
certificates = ["cc"]
rules = ["level"]

[[process]]
service = "certificates"
id = "ca_key_use"
reference = "1"
label = "use"
options = ["CC"]
"""
OPTION = REST.partition("[[process]]")[0]
OWN = HEAD + TABLE + REST


def found(text: str) -> str:
    return " ".join(check(read(text.encode(), "own.toml")))


@pytest.mark.req("TRUSTWORKS:ASSURANCE-RULES-WHOLE")
@pytest.mark.parametrize("name", SHIPPED)
def test_the_rule_sets_that_are_shipped_are_whole(name: str) -> None:
    assert check(load(name)) == ()


def test_every_question_has_an_answer() -> None:
    assert set(QUESTIONS) == set(DOMAINS)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-RULES-WHOLE")
@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('eal = "4.."', 'eal = "5.."', "Table level leaves open: eal = 4."),
        ('eal = "..3"', 'eal = "..4"', "Table level decides twice, by its cases 1 and 2: eal = 4."),
        ('eal = "unknown"', 'eal = "..3"', "leaves open: eal = unknown"),
        ('rules = ["level"]', 'rules = ["level", "other"]', "names the table other, which there is not"),
        ('rules = ["level"]', "rules = []", "a way without rules, which would always hold"),
        ('options = ["CC"]', 'options = ["CD"]', "names the option CD, which there is not"),
        ('certificates = ["cc"]\n', "", "takes no certificate, and its table level asks of one"),
        ('options = ["CC"]', 'conditions = ["level"]', "which asks of a certificate; only options can"),
        ('options = ["CC"]', 'follows = ["x"]\noptions = ["CC"]', "follows x, which its service"),
        ('options = ["CC"]\n', "", "has neither options nor conditions; write `without-option`"),
        ('says = "{eal}"', 'says = "{status}"', "writes {status} and does not ask for it"),
        ('options = ["CC"]', 'options = ["CC"]\nwithout-option = "unknown"', "says what holds without one"),
        ("[[option]]", f"{TABLE.replace('level', 'spare')}[[option]]", "Table spare belongs to no option"),
        ("[[process]]", f"{OPTION.replace('CC', 'DD')}[[process]]", "Option DD belongs to no process"),
    ],
)  # fmt: skip
def test_a_rule_set_that_is_not_whole_is_told_where(old: str, new: str, told: str) -> None:
    assert old in OWN
    assert found(OWN) == ""

    assert told in found(OWN.replace(old, new))


@pytest.mark.req("TRUSTWORKS:ASSURANCE-RULES-WHOLE")
@pytest.mark.parametrize(
    ("asks", "parameters", "told"),
    [
        ("profile", "", "`profile` is asked, and no `profiles` are named"),
        ("areas", 'areas = ["Physical Security"]', "areas are asked for, and `areas-fips-140-2`"),
        (
            "areas",
            'areas = ["Phisical"]\nareas-fips-140-2 = ["A"]\nareas-fips-140-3 = ["B"]',
            "the area 'Phisical' is in no list of areas",
        ),
        ("areas", 'areas-fips-140-2 = ["A"]\nareas-fips-140-3 = ["B"]', "none are named that matter"),
        ("uncovered", 'areas-fips-140-2 = ["A"]\nareas-fips-140-3 = ["B"]', "`level` is none from 1 to 4"),
    ],
)
def test_a_parameter_without_which_all_would_hold_is_told(asks: str, parameters: str, told: str) -> None:
    head, _, _ = TABLE.replace('["eal"]', f'["{asks}"]').partition("[[table.case]]")
    case = '[[table.case]]\nverdict = "strong"\nsays = "x"\n'
    assert told in found(f"{HEAD}[parameters]\n{parameters}\n{head}{case}{REST}")


@pytest.mark.req("TRUSTWORKS:ASSURANCE-RULES-WHOLE")
def test_a_case_that_never_comes_up_is_told() -> None:
    more = '\n[[table.case]]\neal = "8.."\nverdict = "strong"\nsays = "x"\n'

    assert "a case that never comes up: its case 4" in found(HEAD + TABLE + more + REST)


def test_days_are_decided_on_both_sides_of_a_bound() -> None:
    table = TABLE.replace('["eal"]', '["day"]').partition("[[table.case]]")[0]
    cases = '[[table.case]]\nday = "..2030-12-31"\nverdict = "strong"\nsays = "x"\n'
    late = '[[table.case]]\nday = "2031-01-02.."\nverdict = "insufficient"\nsays = "x"\n'

    assert found(HEAD + table + cases + late + REST) == "Table level leaves open: day = 2031-01-01."


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('id = "own"', 'id = "own"\nfoo = 1', "the file has the key 'foo', which means nothing here"),
        ('id = "own"', "", "the file lacks `id`"),
        ("edition = 2026-11-01", 'edition = "x"', "write a day, for example 2026-09-21"),
        ('asks = ["eal"]', 'asks = ["eel"]', "asks 'eel', which is no question; there are: "),
        ('eal = "4.."', "eal = 4", "has 4 for eal; write it in quotation marks"),
        ('eal = "4.."', 'eal = "four"', 'has "four" for eal; write it like "3.."'),
        ('eal = "4.."', 'eal = ".."', "which says nothing; leave the question out"),
        ('verdict = "strong"', 'verdict = "good"', "allowed are strong, argued, partial"),
        ('certificates = ["cc"]', 'certificates = ["dd"]', "allowed are fips, cc, eucc"),
        ('rules = ["level"]', 'rules = ["level"]\n[option.parameters]\nx = 1', "'x', which nothing reads"),
        ("[[option]]", f"{TABLE}[[option]]", "two tables with the id level; give each its own"),
        ('words = "What', 'include = ["others"]\nwords = "What', "includes 'others'; there is only: tables"),
        ("[[table]]", 'include = ["tables"]\n[references]\nzz = "1"\n[[table]]', "for the table 'zz'"),
        ("[[table]]", "[[table", "is not TOML"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_with_its_place(old: str, new: str, told: str) -> None:
    assert old in OWN
    with pytest.raises(Malformed) as error:
        read(OWN.replace(old, new, 1).encode(), "own.toml")

    assert told in str(error.value)
    assert "own.toml" in str(error.value)


@pytest.mark.parametrize("data", [b"\xff\xfe", b"[" * 20000, b"x = 1" * 400_000])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        read(data, "own.toml")


def test_an_unknown_rule_set_names_those_that_there_are() -> None:
    with pytest.raises(Malformed, match="there are: current, guidance"):
        load("seed")


ACT = """
[[act]]
id = "Act 1"
applies = 2026-01-06
reference = "the journal"
source-status = "computed"
"""


@pytest.mark.req("TRUSTWORKS:ASSURANCE-RULES-WHOLE")
def test_where_a_set_has_acts_each_process_is_by_one() -> None:
    given = HEAD + ACT + TABLE + REST
    assert "No process and no option is by the act Act 1." in found(given)
    assert "Process certificates/ca_key_use names no act" in found(given)
    assert found(given + 'act = "Act 1"\n') == ""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('act = "Act 1"', 'act = "Act 2"', "names the act 'Act 2', which there is not; there are: Act 1"),
        ('"computed"', '"certain"', "has source-status = 'certain'; allowed are verified, computed"),
        ("applies = 2026-01-06", 'applies = "soon"', "has applies = 'soon'; write a day"),
    ],
)
def test_an_act_that_cannot_be_read_is_said(old: str, new: str, told: str) -> None:
    given = (HEAD + ACT + TABLE + REST + 'act = "Act 1"\n').replace(old, new)
    with pytest.raises(Malformed, match=told):
        read(given.encode(), "own.toml")


CLAUSE = """
[[process.clause]]
of = ["level"]
reference = "2"
"""


@pytest.mark.req("TRUSTWORKS:ASSURANCE-REFERENCE-OF-ACT")
def test_a_clause_of_a_process_goes_before_the_reference_of_the_table() -> None:
    rules = read((OWN + CLAUSE).encode(), "own.toml")
    assert rules.processes[0].reference_of(rules.tables["level"]) == "2"
    assert rules.processes[0].reference_of(rules.options["CC"]) == "1"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (OWN + CLAUSE.replace('"level"', '"no"'), "of process certificates/ca_key_use is of 'no'"),
        (OWN + CLAUSE + CLAUSE, "names 'level' a second time"),
        (OWN + CLAUSE + "more = 1\n", "has the key 'more'"),
    ],
)
def test_a_clause_of_what_there_is_not_is_refused(text: str, told: str) -> None:
    with pytest.raises(Malformed, match=told):
        read(text.encode(), "own.toml")


@pytest.mark.req("TRUSTWORKS:ASSURANCE-REFERENCE-OF-ACT")
@pytest.mark.parametrize("process", load("current").processes, ids=lambda one: f"{one.service}/{one.id}")
def test_no_reason_refers_to_the_act_of_another_service_unless_it_says_so(process: Process) -> None:
    rules = load("current")
    ways = [way for name in process.options for way in rules.options[name].ways]
    asked = {*process.conditions, *(rule for way in ways for rule in way.rules)}
    of_services = {re.sub(r"^\(EU\) ", "", one) for one in rules.acts if "2025/" in one}
    own = "" if process.act is None else process.act.id.removeprefix("(EU) ")
    for one in asked:
        reference = process.reference_of(rules.tables[one])
        others = {act for act in re.findall(r"2025/\d{4}", reference) if act in of_services} - {own}
        assert not others or "carried over" in reference, f"{one}: {reference}"
