from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.assurance.traceability.scan import Scan, scan

if TYPE_CHECKING:
    from tests.assurance.traceability.conftest import Product


def read(product: Product) -> tuple[Scan, Scan]:
    return scan(product.places.code, product.root), scan(product.root / "tests", product.root)


def test_rules_are_found_on_functions_and_methods_with_their_lines(product: Product) -> None:
    product.code(
        "from trustworks.core import trace\n"
        "STD = 'STD:3'\n"
        "@trace.implements('STD:1', 'STD:2', disabled=())\n"
        "def rule(): ...\n"
        "class Service:\n"
        "    @implements(STD)\n"
        "    async def stamp(self): ...\n"
    )
    rules = read(product)[0].rules
    assert [(one.name, one.ids) for one in rules] == [
        ("rule", ("STD:1", "STD:2")),
        ("Service.stamp", ("STD:3",)),
    ]
    assert rules[0].place == "src/product/rules.py:4"


def test_tests_carry_the_ids_of_decorators_classes_modules_parameters_and_names(product: Product) -> None:
    product.tests(
        "import pytest\n"
        "pytestmark = pytest.mark.req('STD:M')\n"
        "shows = pytest.mark.req('STD:N')\n"
        "@pytest.mark.req('STD:1')\n"
        "def test_one(): ...\n"
        "@pytest.mark.parametrize('x', [pytest.param(1, marks=pytest.mark.req('STD:P'))])\n"
        "@shows\n"
        "def test_two(x): ...\n"
        "@pytest.mark.req('STD:C')\n"
        "class TestAll:\n"
        "    async def test_three(self): ...\n"
        "def helper(): ...\n"
    )
    tests = {one.node: set(one.ids) for one in read(product)[1].tests}
    assert tests == {
        "tests/test_rules.py::test_one": {"STD:M", "STD:1"},
        "tests/test_rules.py::test_two": {"STD:M", "STD:P", "STD:N"},
        "tests/test_rules.py::TestAll::test_three": {"STD:M", "STD:C"},
    }


def test_an_id_that_only_a_run_could_know_is_a_finding(product: Product) -> None:
    product.code("@implements(make_id())\ndef rule(): ...\n")
    product.tests("@pytest.mark.req(*IDS)\ndef test_it(): ...\n")
    code, tests = read(product)
    assert "src/product/rules.py:1: @implements must be given its ids as literal texts" in code.findings[0]
    assert "*IDS cannot be read" in tests.findings[0]


def test_a_rule_inside_a_function_is_a_finding(product: Product) -> None:
    product.code("def make():\n    @implements('STD:1')\n    def rule(): ...\n    return rule\n")
    found = read(product)[0]
    assert found.rules == ()
    assert "the rule rule is defined inside a function" in found.findings[0]


def test_a_file_that_is_not_python_is_a_finding(product: Product) -> None:
    product.code("@implements(\n")
    assert "src/product/rules.py cannot be read as Python" in read(product)[0].findings[0]


def test_a_file_that_has_no_mark_is_not_read_at_all(product: Product) -> None:
    product.code("def (:\n")
    assert read(product)[0].findings == ()


def test_refusals_are_found(product: Product) -> None:
    product.code("def f():\n    raise Refused('STD:9', 'No.')\ndef g(x):\n    raise Refused(x, 'No.')\n")
    assert [one.ids for one in read(product)[0].refusals] == [("STD:9",)]
