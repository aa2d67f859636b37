"""The days on which verdicts change by themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from expected_base import baseline
from expected_facts import facts

from trustworks.assurance.engine import evaluate, forecast
from trustworks.assurance.model import Facts, Verdict
from trustworks.assurance.rulesets import load

FIRST, LAST = date(2026, 6, 1), date(2032, 6, 1)
USE = "certificates/ca_key_use"


def known(base: str, **row: Any) -> Facts:
    return facts({"base": base, "processes": [USE]} | row, baseline())


def falls(given: Facts, rules: str) -> list[tuple[date, Verdict, Verdict]]:
    found = forecast(given, load(rules), FIRST, LAST)
    return [(one.day, one.before, one.after) for one in found.changes if one.process == "ca_key_use"]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-FORECAST")
def test_fips_140_3_falls_at_the_end_of_2030_under_the_acts() -> None:
    assert falls(known("fips-140-3"), "current") == [(date(2031, 1, 1), Verdict.STRONG, Verdict.INSUFFICIENT)]
    found = forecast(known("fips-140-3"), load("current"), FIRST, LAST)
    change = next(one for one in found.changes if one.process == "ca_key_use")
    assert any("FIPS 140-3 counted until 2030-12-31" in one for one in change.why)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-FORECAST")
def test_fips_140_2_falls_with_its_programme_under_the_guidance() -> None:
    assert falls(known("fips-140-2"), "guidance") == [(date(2026, 9, 21), Verdict.STRONG, Verdict.PARTIAL)]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-FORECAST")
def test_a_certificate_falls_on_the_day_after_its_last() -> None:
    assert falls(known("cc"), "current") == [(date(2031, 1, 20), Verdict.STRONG, Verdict.INSUFFICIENT)]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-FORECAST")
def test_a_check_falls_when_it_is_overdue() -> None:
    told = known("cc", check=[{"kind": "storage", "due": date(2027, 3, 1)}])
    assert (date(2027, 3, 2), Verdict.STRONG, Verdict.PARTIAL) in falls(told, "current")


@pytest.mark.req("TRUSTWORKS:ASSURANCE-FORECAST", "TRUSTWORKS:ASSURANCE-AGES")
def test_a_check_without_a_day_of_its_own_falls_by_its_kind() -> None:
    told = known("cc", check=[{"kind": "storage", "due": "not said"}])
    assert falls(told, "current")[0] == (date(2027, 2, 2), Verdict.STRONG, Verdict.PARTIAL)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-FORECAST", "TRUSTWORKS:ASSURANCE-AGES")
def test_what_a_module_said_falls_when_nobody_looks_any_more() -> None:
    told = known("cc", observed={"at": date(2026, 5, 20)})
    assert falls(told, "current") == [
        (date(2026, 6, 20), Verdict.STRONG, Verdict.UNKNOWN),
        (date(2031, 1, 20), Verdict.UNKNOWN, Verdict.INSUFFICIENT),
    ]
    found = forecast(told, load("current"), FIRST, LAST)
    why = next(one.why for one in found.changes if one.process == "ca_key_use")
    assert why == (
        "What the module says of itself is not known: it was seen last on 2026-05-20, too long ago.",
    )


def test_nothing_changes_between_the_days_that_are_named() -> None:
    given = known("fips-140-3", check=[{"kind": "storage", "due": date(2027, 3, 1)}])
    rules = load("current")
    found = forecast(given, rules, FIRST, LAST)
    days = sorted({FIRST, *(one.day for one in found.changes)})
    verdicts = {}
    day = FIRST
    while day <= LAST:
        verdicts[day] = [
            one.verdict for each in evaluate(given, rules, day).services for one in each.processes
        ]
        day += timedelta(days=17)
    for one, verdict in verdicts.items():
        begin = max(each for each in days if each <= one)
        at_begin = [each.verdict for s in evaluate(given, rules, begin).services for each in s.processes]
        assert verdict == at_begin, one


def test_a_product_that_is_bound_to_nothing_has_no_part_in_it() -> None:
    given = known("cc")
    spare = replace(given.products[0], id="spare")
    more = replace(given, products=(*given.products, spare))
    assert falls(more, "current") == falls(given, "current")
