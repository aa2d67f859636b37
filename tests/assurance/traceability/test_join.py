from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from trustworks.assurance.traceability import State, find_places, trace
from trustworks.assurance.traceability.results import Digests, Result, load_results, merge_results
from trustworks.assurance.traceability.scan import scan
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.assurance.traceability.conftest import Product

    from trustworks.assurance.traceability.results import Outcome

RULE = "@implements('STD:1')\ndef rule(): ...\n"
TEST = "@pytest.mark.req('STD:1')\ndef test_it(): ...\n"


def ran(product: Product, outcome: Outcome, name: str = "test_it", skipped: tuple[str, ...] = ()) -> None:
    node = f"tests/test_rules.py::{name}"
    places = product.places
    digests = Digests(
        product.root,
        scan(places.code, product.root).rules,
        scan(product.root / "tests", product.root).tests,
    )
    result = Result(
        outcome=outcome,
        at="2026-01-01T00:00:00+00:00",
        seconds=0.1,
        digest=digests.of(node),
        skipped=skipped,
    )
    merge_results(product.results, {node: result})


@pytest.mark.parametrize(
    ("source_status", "outcome", "state"),
    [
        ("verified", "passed", State.COVERED),
        ("second-hand", "passed", State.SHOWN),
        ("from-memory", "passed", State.SHOWN),
        ("verified", "failed", State.FAILED),
        ("verified", "skipped", State.NOT_RUN),
        ("verified", None, State.NOT_RUN),
    ],
)
def test_only_a_verified_requirement_with_a_passed_test_is_covered(
    product: Product, source_status: str, outcome: Outcome | None, state: State
) -> None:
    product.register(product.entry("STD:1", source_status=source_status))
    product.code(RULE)
    product.tests(TEST)
    if outcome:
        ran(product, outcome)
    found = trace(product.places)
    assert found.lines[0].state is state
    assert bool(found.findings) == (state is State.FAILED)


def test_a_result_of_an_older_test_does_not_count(product: Product) -> None:
    product.register(product.entry("STD:1"))
    product.code(RULE)
    product.tests(TEST)
    ran(product, "passed")
    product.tests(TEST + "    # changed\n")
    line = trace(product.places).lines[0]
    assert line.state is State.NOT_RUN
    assert line.last == "older"


def test_a_result_of_an_older_rule_does_not_count(product: Product) -> None:
    product.register(product.entry("STD:1"))
    product.code(RULE)
    product.tests(TEST)
    ran(product, "passed")
    assert trace(product.places).lines[0].state is State.COVERED
    product.code("\n" + RULE, name="others.py")
    product.code(RULE + "    # changed\n")
    found = trace(product.places)
    assert (found.lines[0].state, found.lines[0].last) == (State.NOT_RUN, "older")
    assert len(found.not_run) == 1


def test_a_failure_stands_until_the_test_is_run_again(product: Product) -> None:
    product.register(product.entry("STD:1"))
    product.code(RULE)
    product.tests(TEST)
    ran(product, "failed")
    product.code(RULE + "    # changed\n")
    assert trace(product.places).lines[0].state is State.FAILED


def test_the_last_result_is_the_worst(product: Product) -> None:
    product.register(product.entry("STD:1"))
    product.code(RULE)
    product.tests("".join(TEST.replace("test_it", f"test_{number}") for number in range(3)))
    ran(product, "passed", name="test_0")
    assert trace(product.places).lines[0].last == "not run"
    ran(product, "skipped", name="test_1")
    ran(product, "skipped", name="test_2")
    assert trace(product.places).lines[0].last == "skipped"
    ran(product, "failed", name="test_1")
    assert trace(product.places).lines[0].last == "failed"


def test_what_was_skipped_of_a_test_is_told_and_objected_to(product: Product) -> None:
    product.register(product.entry("STD:1"))
    product.code(RULE)
    product.tests(TEST + TEST.replace("test_it", "test_other"))
    ran(product, "passed", skipped=("postgresql",))
    ran(product, "passed", name="test_other")
    found = trace(product.places)
    (line,) = found.lines
    assert line.state is State.COVERED
    assert [test.told for test in line.tests] == ["passed, skipped: postgresql", "passed"]
    assert line.told == "passed, skipped: postgresql"
    assert found.findings == ()
    (finding,) = found.not_run
    assert finding.startswith(
        "STD:1 (std.toml): the test tests/test_rules.py::test_it was skipped for postgresql"
    )
    ran(product, "passed")
    assert trace(product.places).lines[0].told == "passed"
    assert trace(product.places).not_run == ()


def test_a_test_that_was_skipped_for_all_it_runs_on_is_objected_to_beside_one_that_passed(
    product: Product,
) -> None:
    product.register(product.entry("STD:1"))
    product.code(RULE)
    product.tests(TEST + TEST.replace("test_it", "test_other"))
    ran(product, "skipped", skipped=("postgresql",))
    ran(product, "passed", name="test_other")
    found = trace(product.places)
    assert found.lines[0].state is State.COVERED
    assert found.lines[0].told == "skipped: postgresql"
    assert len(found.not_run) == 1


def test_of_many_that_were_skipped_some_are_named(product: Product) -> None:
    product.register(product.entry("STD:1"))
    product.code(RULE)
    product.tests(TEST)
    ran(product, "passed", skipped=("a", "b", "c", "d", "e"))
    assert trace(product.places).lines[0].told == "passed, skipped: a, b, c and 2 more"


def test_results_from_before_skips_were_kept_are_read(product: Product) -> None:
    product.tests(TEST)
    ran(product, "passed", skipped=("postgresql",))
    (result,) = load_results(product.results).values()
    assert result.skipped == ("postgresql",)
    document = json.loads(product.results.read_text(encoding="utf-8"))
    for entry in document["tests"].values():
        del entry["skipped"]
    product.results.write_text(json.dumps(document), encoding="utf-8")
    (result,) = load_results(product.results).values()
    assert result.skipped == ()


def test_one_failed_test_outweighs_all_that_passed(product: Product) -> None:
    product.register(product.entry("STD:1"))
    product.code(RULE)
    product.tests(TEST + TEST.replace("test_it", "test_other"))
    ran(product, "passed")
    ran(product, "failed", name="test_other")
    found = trace(product.places)
    assert found.lines[0].last == "failed"
    assert found.findings == ("STD:1 (std.toml): the test tests/test_rules.py::test_other failed.",)


def test_a_requirement_of_the_product_without_rule_or_gap_is_a_finding(product: Product) -> None:
    product.register(
        product.entry("STD:1")
        + product.entry("STD:2", fulfilled_by="both")
        + product.entry("STD:3", gap="Not built yet.")
        + product.entry("STD:4", fulfilled_by="operator")
    )
    found = trace(product.places)
    assert [line.state for line in found.lines] == [State.MISSING, State.MISSING, State.GAP, State.OPERATOR]
    assert len(found.findings) == 2
    assert "STD:2 (std.toml): the product must fulfil it, no rule carries it out" in found.findings[1]


def test_a_rule_without_test_is_a_finding_even_with_a_gap(product: Product) -> None:
    product.register(product.entry("STD:1", gap="Half of it is missing."))
    product.code(RULE)
    assert "the rule at src/product/rules.py:2 has no test" in trace(product.places).findings[0]


def test_unknown_ids_are_findings_wherever_they_stand(product: Product) -> None:
    product.register(product.entry("STD:1", fulfilled_by="operator"))
    product.code("@implements('STD:8')\ndef rule():\n    raise Refused('STD:9', 'No.')\n")
    product.tests(TEST.replace("STD:1", "STD:7"))
    findings = trace(product.places).findings
    assert len(findings) == 3
    assert findings[0].startswith("src/product/rules.py:2: the rule rule carries STD:8, which is not in the")
    assert "the test test_it carries STD:7" in findings[1]
    assert findings[2].startswith("src/product/rules.py:3: the refusal Refused carries STD:9")


def test_an_installed_package_has_no_tests_and_says_so(product: Product) -> None:
    product.register(product.entry("STD:1"))
    product.code(RULE)
    found = trace(replace(product.places, tests=None, results=None))
    assert not found.has_tests
    assert found.findings == ()
    assert found.lines[0].state is State.NOT_RUN


def test_places_of_an_installed_package(tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "trustworks"
    package.mkdir(parents=True)
    places = find_places(package)
    assert places.register == package / "requirements"
    assert places.tests is None
    assert places.results is None


def test_results_of_another_shape_are_refused(product: Product) -> None:
    file = product.results
    for text in ("nonsense", "[]", '{"tests": {"x": {"outcome": "passed"}}}', '{"tests": 3}'):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        with pytest.raises(Malformed, match="holds no test results"):
            load_results(file)


def test_a_run_of_one_test_keeps_the_results_of_the_others(product: Product) -> None:
    product.tests(TEST)
    ran(product, "passed", name="test_a")
    ran(product, "failed", name="test_b")
    ran(product, "failed", name="test_a")
    outcomes = {node: result.outcome for node, result in load_results(product.results).items()}
    assert outcomes == {"tests/test_rules.py::test_a": "failed", "tests/test_rules.py::test_b": "failed"}


def test_damaged_results_are_replaced_by_the_next_run(product: Product) -> None:
    product.tests(TEST)
    product.results.parent.mkdir()
    product.results.write_text("{", encoding="utf-8")
    ran(product, "passed")
    assert len(json.loads(product.results.read_text(encoding="utf-8"))["tests"]) == 1
