"""The tables of expected verdicts say what they mean, and leave nothing out of what they are made from.

What the engine answers is compared with them elsewhere; here they are read, and what they cover is counted.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from expectation_table import ABSENT, RULE_SETS, deviations, read, real_products, table
from expected_base import EXPECTATIONS, ExpectationError, baseline

from trustworks.assurance.model import (
    Conflict,
    FactName,
    Missing,
    OptionVerdict,
    ProcessVerdict,
    ProductVerdict,
    Reason,
    Report,
    ServiceVerdict,
    Verdict,
)

if TYPE_CHECKING:
    from expectation_table import Expected

    from trustworks.assurance.model import Facts

# All that there is to cover, written down apart from the tables.
OPTIONS = {
    "guidance": {
        "FIPS140-2-L3": {Verdict.STRONG, Verdict.PARTIAL, Verdict.INSUFFICIENT, Verdict.UNKNOWN},
        "CC-PP": {Verdict.STRONG, Verdict.INSUFFICIENT, Verdict.UNKNOWN},
        "CC-EAL4": {Verdict.ARGUED, Verdict.PARTIAL, Verdict.INSUFFICIENT, Verdict.UNKNOWN},
        "ISO19790-DEMO": {Verdict.ARGUED, Verdict.PARTIAL, Verdict.INSUFFICIENT},
        "NATIONAL-EQ": {Verdict.ARGUED, Verdict.INSUFFICIENT},
        "TWS-419261": {Verdict.STRONG, Verdict.ARGUED, Verdict.INSUFFICIENT},
        "TWS-419231": {Verdict.STRONG, Verdict.INSUFFICIENT, Verdict.UNKNOWN},
        "SVA-PP": {Verdict.STRONG, Verdict.ARGUED, Verdict.INSUFFICIENT, Verdict.UNKNOWN},
        "SCA-PP": {Verdict.STRONG, Verdict.ARGUED, Verdict.INSUFFICIENT},
        "TW4S-419241": {Verdict.ARGUED, Verdict.INSUFFICIENT},
    },
    "current": {
        "CUR-CC-EAL4": {Verdict.STRONG, Verdict.INSUFFICIENT, Verdict.UNKNOWN},
        "CUR-EUCC-EAL4": {Verdict.STRONG, Verdict.INSUFFICIENT, Verdict.UNKNOWN},
        "CUR-FIPS140-3-L3": {Verdict.STRONG, Verdict.PARTIAL, Verdict.INSUFFICIENT, Verdict.UNKNOWN},
        "CUR-PP-221-5": {Verdict.STRONG, Verdict.INSUFFICIENT, Verdict.UNKNOWN},
        "CUR-PP-241-2": {Verdict.STRONG, Verdict.INSUFFICIENT, Verdict.UNKNOWN},
        "CUR-PP-231": {Verdict.STRONG, Verdict.INSUFFICIENT, Verdict.UNKNOWN},
        "CUR-TS-419261": {Verdict.ARGUED, Verdict.INSUFFICIENT},
        "CUR-TS-119101": {Verdict.ARGUED, Verdict.INSUFFICIENT},
    },
}
# Rows, notes, exceptions and the sentences about products, by their lines in the guidance.
LINES = (
    *(5, 17, 29, 41, 48, 52, 53, 54, 55, 56, 58, 62, 69, 73, 80, 84),
    *(102, 104, 106, 108, 111, 113, 118, 125, 129, 130, 131, 132, 133, 135),
    *(141, 143, 145, 147, 151, 153, 155, 157, 159),
    *(169, 171, 173, 179, 180, 181, 182, 183, 191, 193, 195),
    *(199, 201, 207, 209, 213, 227, 229, 235, 237, 239, 241),
    *(245, 247, 249, 250, 252, 253, 255, 257, 258, 259, 260, 261, 262, 266, 274),
)
# Requirements that the engine has to meet, by their numbers in the register of wishes.
NOTES = (2, 10, 11, 12, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 26, 29, 30, 33, 34, 35)
ACTS = (
    *("2025/1929", "2025/1943", "2025/1942", "2025/1944", "2025/1946", "2025/2531", "2025/2532"),
    *("2025/1567", "2025/1570", "2025/2527"),
)
# Both sides of each are asked for, and the answer differs.
SUNSETS = {
    "guidance": (date(2026, 9, 21),),
    "current": (
        date(2025, 10, 20),
        date(2026, 1, 6),
        date(2027, 1, 6),
        date(2027, 8, 19),
        date(2031, 1, 1),
    ),
}

HEAD = """
rule_set = "guidance"
sunsets = []
[options]
"certificates/ca_key_use" = ["FIPS140-2-L3", "CC-PP"]
"timestamps/tsu_key_use" = ["FIPS140-2-L3"]
"""
CASE = {
    "id": '"one"',
    "words": '"Why."',
    "reference": '"L1"',
    "base": '"fips-140-2"',
    "processes": '["certificates/ca_key_use"]',
    "at": "2026-06-01",
    "expect": '{ FIPS140-2-L3 = "strong" }',
}


def written(*cases: dict[str, str], head: str = HEAD) -> str:
    lines = [head]
    for case in cases:
        lines += ["[[case]]", *(f"{key} = {value}" for key, value in case.items())]
    return "\n".join(lines)


def one(**changes: str) -> Expected:
    return read(written(CASE | changes), baseline()).cases[0]


def references(name: str) -> str:
    return "; ".join(case.reference for case in table(name).cases)


def numbers(word: str, text: str) -> set[int]:
    """The numbers behind a word: `note 16, 18` are two."""
    found = re.findall(rf"\b{word}((?:\d+(?:, )?)+)", text)
    return {int(number) for group in found for number in re.findall(r"\d+", group)}


@pytest.mark.parametrize("name", RULE_SETS)
def test_table_is_of_its_rule_set(name: str) -> None:
    assert table(name).rule_set == name


@pytest.mark.parametrize("name", RULE_SETS)
def test_every_answer_of_every_option_is_expected_somewhere(name: str) -> None:
    found: dict[str, set[str]] = {}
    for case in table(name).cases:
        for option in case.options:
            found.setdefault(option, set()).add(case.expect[option])
    assert set(found) == set(OPTIONS[name])
    lacking = {option: answers - found[option] for option, answers in OPTIONS[name].items()}
    assert {option: answers for option, answers in lacking.items() if answers} == {}


@pytest.mark.parametrize("name", RULE_SETS)
def test_every_option_of_every_process_is_expected_to_hold_and_not_to_hold(name: str) -> None:
    found: dict[tuple[str, str], set[bool]] = {}
    for case in table(name).cases:
        for path in case.paths:
            for option in case.options:
                if case.expect[option] != ABSENT:
                    holds = Verdict(case.expect[option]).rank >= Verdict.ARGUED.rank
                    found.setdefault((path, option), set()).add(holds)
    offered = {(path, option) for path, options in table(name).options.items() for option in options}
    assert {pair for pair in offered if found.get(pair) != {True, False}} == set()


@pytest.mark.parametrize("name", RULE_SETS)
def test_every_process_is_expected(name: str) -> None:
    asked = {path for case in table(name).cases for path in (*case.paths, *case.expect) if "/" in path}
    assert asked == set(table(name).options)


@pytest.mark.parametrize("name", RULE_SETS)
def test_both_sides_of_every_sunset_are_expected(name: str) -> None:
    assert table(name).sunsets == SUNSETS[name]
    by_day = {(case.id, case.at): case for case in table(name).cases}
    for sunset in SUNSETS[name]:
        turned = [
            case.id
            for (name_, day), case in by_day.items()
            if day == sunset
            and (before := by_day.get((name_, sunset - timedelta(days=1)))) is not None
            and (before.expect, before.obligation) != (case.expect, case.obligation)
        ]
        assert turned, f"nothing turns on {sunset}"


def test_every_line_of_the_guidance_has_a_case() -> None:
    # Named one by one or after a comma: L125, L180.
    covered = {int(number) for number in re.findall(r"\bL(\d+)", references("guidance"))}
    assert sorted(set(LINES) - covered) == []


def test_every_requirement_on_the_engine_has_a_case() -> None:
    covered = numbers("note ", references("guidance")) | numbers("note ", references("current"))
    assert sorted(set(NOTES) - covered) == []


def test_every_act_has_a_case() -> None:
    assert [act for act in ACTS if act not in references("current")] == []


def test_real_products_are_named_once_and_judged_by_known_options() -> None:
    products = real_products()
    named = [(product.kind, product.number, product.rule_set) for product in products]
    assert len(named) == len(set(named))
    assert len(named) == 2 * 38
    for product in products:
        assert product.option in OPTIONS[product.rule_set]
        assert [day for day, _ in product.verdicts] == sorted({day for day, _ in product.verdicts})


def test_open_questions_end_as_questions_or_point_to_one() -> None:
    for name in RULE_SETS:
        for case in table(name).cases:
            assert not case.open or case.open.endswith("?") or case.open.startswith("As for "), case.id


# ---- How a row is read ----


def certificate_value(facts: Facts, name: FactName) -> object:
    (certificate,) = facts.certificates
    return certificate.value(name)


def test_base_has_everything_in_order() -> None:
    case = one()
    (product,) = case.facts.products
    assert product.certificates == ("fips:9002",)
    assert product.observed is not None
    assert product.observed.firmware == product.firmware
    assert {check.kind for check in case.facts.checks} >= {"shipment", "storage", "function"}
    assert all(check.passed and check.due > case.at for check in case.facts.checks if check.due)
    assert {confirmation.certificate for confirmation in case.facts.confirmations} == {"fips:9002"}
    (binding,) = case.facts.bindings
    assert (binding.service, binding.process, binding.functions) == ("certificates", "ca_key_use", ("sign",))


def test_case_with_several_days_is_several() -> None:
    text = written(
        CASE
        | {
            "at": "[2026-09-20, 2026-09-21]",
            "expect": '{ FIPS140-2-L3 = ["strong", "partial"], process = "strong" }',
        }
    )
    first, second = read(text, baseline()).cases
    assert (first.at, first.expect) == (date(2026, 9, 20), {"FIPS140-2-L3": "strong", "process": "strong"})
    assert (second.at, second.expect) == (date(2026, 9, 21), {"FIPS140-2-L3": "partial", "process": "strong"})


def test_certificate_is_changed() -> None:
    case = one(certificate='{ overall-level = 2, area-levels = { keys = 3, attacks = "N/A" } }')
    assert certificate_value(case.facts, FactName.OVERALL_LEVEL) == 2
    assert certificate_value(case.facts, FactName.AREA_LEVELS) == {
        "Cryptographic Key Management": 3,
        "Mitigation of Other Attacks": None,
    }


def test_fact_is_not_said() -> None:
    case = one(certificate='{ overall-level = "not said" }')
    assert certificate_value(case.facts, FactName.OVERALL_LEVEL) == Missing(FactName.OVERALL_LEVEL)


def test_sources_differ() -> None:
    case = one(conflict="{ overall-level = 2 }")
    assert isinstance(certificate_value(case.facts, FactName.OVERALL_LEVEL), Conflict)


def test_statements_are_taken_away_and_replaced() -> None:
    taken = one(
        without='["check storage", "document risk-analysis", "confirmation identity", "headcount backup"]'
    )
    assert "storage" not in {check.kind for check in taken.facts.checks}
    assert "risk-analysis" not in {document.kind for document in taken.facts.documents}
    assert "identity" not in {confirmation.kind for confirmation in taken.facts.confirmations}
    assert taken.facts.headcounts == ()
    replaced = one(check='[{ kind = "storage", passed = false }]')
    (check,) = (check for check in replaced.facts.checks if check.kind == "storage")
    assert not check.passed


def test_what_was_observed_and_registered_is_changed() -> None:
    case = one(observed='{ serial = "other" }', product='{ real-hardware = "not said" }')
    (product,) = case.facts.products
    assert product.observed is not None
    assert product.observed.serial == "other" != product.serial
    assert product.real_hardware is None


def test_second_product_has_its_own_certificates_and_statements() -> None:
    case = one(
        also='[{ product = "other-module", certificates = ["cc"], profiles = ["EN 419 221-5"],'
        ' processes = ["timestamps/tsu_key_use"] }]'
    )
    assert [product.certificates for product in case.facts.products] == [("fips:9002",), ("cc:EX-CC-26-01",)]
    verified = [one for one in case.facts.confirmations if one.kind == "protection-profile"]
    assert [(one.product, one.certificate, one.values) for one in verified] == [
        ("other-module", "cc:EX-CC-26-01", ("EN 419 221-5",))
    ]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"bse": '"cc"'}, "keys that nobody knows: bse"),
        ({"base": '"none"'}, "no base is called 'none'"),
        ({"certificate": "{ level = 3 }"}, "'level' is no FactName"),
        ({"certificate": "{ area-levels = { locks = 3 } }"}, "no area of this standard is called 'locks'"),
        ({"certificate": '{ status = "lost" }'}, "'lost' is no Status"),
        ({"certificates": '["lost"]'}, "no certificate is called 'lost'"),
        ({"product": "{ colour = 1 }"}, "keys that nobody knows: colour"),
        ({"observed": "{ colour = 1 }"}, "keys that nobody knows: colour"),
        ({"check": '[{ kind = "smell" }]'}, "'smell' is no CheckKind"),
        ({"check": '[{ kind = "storage", until = 2026-01-01 }]'}, "keys that nobody knows: until"),
        ({"document": '[{ kind = "letter" }]'}, "'letter' is no DocumentKind"),
        ({"confirmation": '[{ kind = "feeling" }]'}, "'feeling' is no ConfirmationKind"),
        ({"transfer": "[{ speed = 1 }]"}, "keys that nobody knows: speed"),
        ({"without": '["storage"]'}, "cannot take away 'storage'"),
        ({"without": '["check smell"]'}, "'smell' is no CheckKind"),
        (
            {"also": '[{ product = "system", certificates = [], colour = 1 }]'},
            "keys that nobody knows: colour",
        ),
        ({"processes": '["certificates/lost"]'}, "'certificates/lost' is no process"),
        ({"expect": "{}"}, "expects nothing"),
        ({"expect": '{ FIPS140-2-L3 = "good" }'}, "'good' is no verdict"),
        ({"expect": '{ FIPS140-2 = "strong" }'}, "no option is called 'FIPS140-2'"),
        ({"expect": '{ "timestamps/lost" = "strong" }'}, "nothing is called 'timestamps/lost'"),
        ({"expect": '{ CC-PP = "absent" }'}, "CC-PP is not what"),
        (
            {"expect": '{ CC-PP = "strong" }', "processes": '["timestamps/tsu_key_use"]'},
            "CC-PP is not what",
        ),
        ({"expect": '{ FIPS140-2-L3 = ["strong", "partial"] }'}, "2 values for 1 days"),
        ({"at": "[2026-06-02, 2026-06-01]"}, "days in their order"),
        ({"at": '"2026-06-01"'}, "days in their order"),
        ({"words": '" "'}, "says no words"),
    ],
)
def test_row_that_cannot_be_read_is_refused(changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(ExpectationError, match=re.escape(sentence)) as caught:
        one(**changes)
    assert str(caught.value).startswith("case one: ")


def test_two_cases_of_one_id_are_refused() -> None:
    with pytest.raises(ExpectationError, match=r"case one: .*another case of this id"):
        read(written(CASE, CASE), baseline())


def test_file_with_a_key_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ExpectationError, match="keys that nobody knows: colour"):
        read(written(CASE, head=f"colour = 1\n{HEAD}"), baseline())


def test_baseline_has_no_process_that_no_table_asks_for() -> None:
    asked = {path for name in RULE_SETS for path in table(name).options}
    assert asked == baseline().processes


def test_tables_are_read_as_they_are_written() -> None:
    for name in RULE_SETS:
        data = tomllib.loads((EXPECTATIONS / f"{name}.toml").read_text(encoding="utf-8"))
        assert {case["id"] for case in data["case"]} == {case.id for case in table(name).cases}


# ---- How a report is compared ----

REASON = Reason(
    rule="R-1",
    reference="L1",
    verdict=Verdict.PARTIAL,
    sentence="The module is at Level-2.",
    missing=("risk analysis",),
)
OPTION = OptionVerdict(
    option="FIPS140-2-L3", label="FIPS", verdict=Verdict.PARTIAL, reasons=(REASON,), preferred=True
)
PROCESS = ProcessVerdict(
    service="certificates",
    process="ca_key_use",
    product="module",
    verdict=Verdict.PARTIAL,
    options=(OPTION,),
    note="No standard.",
)
REPORT = Report(
    rule_set="guidance",
    title="Guidance",
    at=date(2026, 6, 1),
    services=(ServiceVerdict(service="certificates", verdict=Verdict.ARGUED, processes=(PROCESS,)),),
    products=(ProductVerdict(product="module", verdict=Verdict.STRONG),),
    stale=("list",),
    unbound=("ca_key_generation",),
)


def expecting(**changes: str) -> Expected:
    right = {
        "expect": '{ FIPS140-2-L3 = "partial", process = "partial", service = "argued", product = "holds",'
        ' "certificates/ca_key_use" = "partial" }',
        "says": '["level 2"]',
        "missing": '["risk-analysis"]',
        "note": '["standard"]',
        "obligation": "true",
        "stale": "true",
        "preferred": '["FIPS140-2-L3"]',
        "unbound": '["ca_key_generation"]',
    }
    return one(**right | changes)


def test_report_that_is_as_expected_has_no_deviation() -> None:
    assert deviations(expecting(), REPORT) == []


@pytest.mark.parametrize(
    ("changes", "deviation"),
    [
        ({"expect": '{ FIPS140-2-L3 = "strong" }'}, "expected strong, found partial"),
        ({"expect": '{ CC-PP = "insufficient" }'}, "expected insufficient, found nothing"),
        ({"expect": '{ process = "holds" }'}, "expected holds, found partial"),
        ({"expect": '{ service = "strong" }'}, "service certificates: expected strong, found argued"),
        ({"expect": '{ product = "partial" }'}, "product module: expected partial, found strong"),
        (
            {"expect": '{ "timestamps/tsu_key_use" = "strong" }'},
            "timestamps/tsu_key_use: expected strong, found nothing",
        ),
        ({"says": '["level 3"]'}, "do not name 'level 3'"),
        ({"missing": '["coverage"]'}, "do not name 'coverage'"),
        ({"note": '["nothing of it"]'}, "do not name 'nothing of it'"),
        ({"obligation": "false"}, "obligation is True"),
        ({"stale": "false"}, "stale: list"),
        ({"unbound": '["other"]'}, "do not name 'other'"),
        ({"processes": '["timestamps/tsu_key_use"]', "preferred": "[]"}, "no verdict with module"),
        ({"at": "2026-06-02"}, "the report is of 2026-06-01"),
    ],
)
def test_deviation_is_told(changes: dict[str, str], deviation: str) -> None:
    assert any(deviation in told for told in deviations(expecting(**changes), REPORT))


def test_option_that_is_offered_though_it_should_not_be_is_told() -> None:
    text = written(
        CASE | {"processes": '["timestamps/tsu_key_use"]', "expect": '{ CC-PP = "absent" }'},
    )
    (case,) = read(text, baseline()).cases
    offered = replace(OPTION, option="CC-PP")
    process = replace(PROCESS, service="timestamps", process="tsu_key_use", options=(offered,))
    service = ServiceVerdict(service="timestamps", verdict=Verdict.PARTIAL, processes=(process,))
    told = deviations(case, replace(REPORT, services=(service,)))
    assert any("CC-PP: expected absent, found partial" in one for one in told)


def test_words_are_looked_for_in_every_process_where_none_is_asked_for() -> None:
    case = expecting(expect='{ product = "strong" }', says='["level 2"]')
    assert deviations(case, REPORT) == []
    assert any("'level 9'" in told for told in deviations(replace(case, says=("level 9",)), REPORT))
