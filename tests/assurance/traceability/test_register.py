from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trustworks.assurance.traceability import find_places, load_register
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.assurance.traceability.conftest import Product


def complaint(folder: Path) -> str:
    with pytest.raises(Malformed) as caught:
        load_register(folder)
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"fulfilled_by": "nobody"}, "fulfilled_by is 'nobody'; allowed are product, operator, both"),
        (
            {"source_status": "sure"},
            "source_status is 'sure'; allowed are verified, second-hand, from-memory",
        ),
        ({"service": "kitchen"}, "service is 'kitchen'"),
        ({"words": ""}, "the field words must be a text that is not empty"),
        ({"words": None}, "the field words is missing"),
        ({"gap": "  "}, "the field gap must be a text that is not empty"),
        ({"note": "x"}, "the field note is unknown; allowed are id, words"),
    ],
)
def test_a_wrong_entry_is_named_with_file_and_id(
    product: Product, change: dict[str, str | None], expected: str
) -> None:
    product.register(product.entry("STD:1") + product.entry("STD:2", **change))
    message = complaint(product.places.register)
    assert expected in message
    assert "std.toml, entry 2 (STD:2)" in message
    assert "1 problem" in message


def test_an_id_outside_the_files_prefix_is_refused(product: Product) -> None:
    product.register(product.entry("OTHER:1"))
    assert "std.toml, entry 1 (OTHER:1): the id must begin with STD:" in complaint(product.places.register)


def test_an_id_that_stands_twice_is_refused_also_across_files(product: Product) -> None:
    product.register(product.entry("STD:1"), name="a.toml")
    product.register(product.entry("STD:1"), name="b.toml")
    assert "b.toml: STD:1 stands in a.toml already" in complaint(product.places.register)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x =", "cannot be read as TOML"),
        ('standard = "S"\nversion = "1"\n', "the field prefix is missing"),
        ('standard = "S"\nversion = "1"\nprefix = "S"\n', "no [[requirement]] entry"),
        ('standard = "S"\nversion = 1\nprefix = "S"\n', "the field version must be a text"),
        ('standard = "S"\nversion = "1"\nprefix = "S"\nrequirement = 3\n', "no [[requirement]] entry"),
        ('standard = "S"\nversion = "1"\nprefix = "S"\nrequirement = [3]\n', "entry 1 must be a table"),
    ],
)
def test_a_file_that_is_no_register_is_refused(product: Product, text: str, expected: str) -> None:
    product.register(text, head="")
    message = complaint(product.places.register)
    assert expected in message
    assert "std.toml" in message


def test_all_complaints_come_at_once(product: Product) -> None:
    product.register(product.entry("STD:1", service="x"), name="a.toml")
    product.register(product.entry("STD:2", service="x"), name="b.toml")
    assert "2 problem(s)" in complaint(product.places.register)


def test_an_empty_folder_is_no_register(product: Product) -> None:
    assert "There is no register" in complaint(product.places.register)


def test_the_register_of_this_product_can_be_read() -> None:
    register = load_register(find_places().register)
    assert "EN319421:TIS-7.7.1-07" in register
    assert all(one.words.endswith(".") for one in register.requirements.values())
