"""What a dossier holds, and what it says on every page and never says."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from dossier_testbed import facts, identity, material
from lxml import etree

from trustworks.assurance.dossier.chapters import TEST_MODULE, WHO_DECIDES, banners
from trustworks.assurance.dossier.contents import contents
from trustworks.assurance.dossier.drawing import hierarchy
from trustworks.assurance.dossier.model import Rank
from trustworks.assurance.dossier.oscal import token
from trustworks.assurance.dossier.points import POINTS
from trustworks.assurance.dossier.register_list import register_csv
from trustworks.assurance.model import Facts, Product, ProductKind
from trustworks.assurance.report import NOT_A_DECISION
from trustworks.assurance.rulesets import SHIPPED, load

CLAIMS = re.compile(r"\b(is|are|we are|fully)\s+(certified|compliant)\b|\bcompliant\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    found, paper = contents(material())
    return {one.name: one.content for one in found} | {"dossier.pdf": paper}


@pytest.fixture(scope="module")
def empty() -> dict[str, bytes]:
    found, paper = contents(material(whole=False))
    return {one.name: one.content for one in found} | {"dossier.pdf": paper}


def points_of(found: dict[str, bytes]) -> dict[str, Any]:
    return {one["number"]: one for one in json.loads(found["annex-iii/index.json"])["points"]}


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-MISSING")
def test_every_point_of_the_annex_is_in_the_index_and_missing_where_there_is_nothing(
    empty: dict[str, bytes],
) -> None:
    found = points_of(empty)
    assert list(found) == [number for number, _, _ in POINTS]
    assert {re.sub(r"\(.*", "", number) for number in found} == {str(number) for number in range(1, 23)}
    for number in ("9", "10(a)", "10(b)", "10(c)", "13(a)", "13(d)", "13(l)", "13(m)", "20"):
        assert (found[number]["state"], found[number]["files"]) == ("missing", [])
    assert found["16"]["state"] == "by the assessor"
    assert b"missing" in empty["dossier.html"]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-MISSING")
def test_a_point_names_the_files_that_are_there_for_it(files: dict[str, bytes]) -> None:
    found = points_of(files)
    for number in ("4", "8", "9", "10(a)", "10(b)", "10(c)", "13(a)", "13(l)", "13(m)", "20"):
        assert found[number]["state"] == "present", number
        assert set(found[number]["files"]) <= files.keys()
    assert found["13(d)"]["state"] == "missing"


def test_identities_have_key_identifier_certificate_role_and_use(files: dict[str, bytes]) -> None:
    first, *_ = json.loads(files["annex-iii/09/identities.json"])
    assert first["role"] == "root certification authority"
    assert (first["ski"], first["use"]) == (b"root".hex().ljust(40, "0"), "use of root")
    assert first["pem"].encode() == files["annex-iii/09/root.pem"]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-PRODUCTS")
def test_the_list_of_products_has_both_points_and_the_verdict_of_each_rule_set(
    files: dict[str, bytes],
) -> None:
    rows = list(csv.DictReader(io.StringIO(files["register.csv"].decode())))
    assert [(one["point"], one["id"]) for one in rows] == [("13(m)", "hsm-1"), ("13(l)", "Example card")]
    for rule_set in SHIPPED:
        assert rows[0][f"verdict {load(rule_set).id} 2026-11-20"] == "insufficient"
    assert rows[0]["test module"].startswith("yes")
    alone = list(csv.DictReader(io.StringIO(files["annex-iii/13-m.csv"].decode())))
    assert [one["id"] for one in alone] == ["hsm-1"]


def test_a_cell_of_the_list_is_no_formula() -> None:
    bad = Product(id="=1+1", kind=ProductKind.MODULE, name='@SUM("x")')
    text = register_csv(Facts(products=(bad,)), ()).decode()
    row = next(csv.DictReader(io.StringIO(text)))
    assert (row["id"], row["name"]) == ("'=1+1", '\'@SUM("x")')


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-BANNER")
def test_every_page_says_that_it_is_no_decision_and_that_the_module_is_for_tests(
    files: dict[str, bytes],
) -> None:
    above = banners(material())
    assert above[0].startswith(TEST_MODULE)
    assert WHO_DECIDES in above
    page = files["dossier.html"].decode()
    assert f"{TEST_MODULE} (hsm-1, tsu)" in page
    assert NOT_A_DECISION in page
    assert page.count(f"<td>{TEST_MODULE}</td>") >= 4  # two processes by two rule sets
    for name in ("verdicts.json", "annex-iii/index.json", "forecast.json"):
        assert json.loads(files[name])["statement"] == NOT_A_DECISION


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-BANNER")
def test_a_test_module_that_is_in_no_register_is_told_too() -> None:
    assert banners(material(known=Facts()))[0] == f"{TEST_MODULE} (tsu)"
    assert banners(material(whole=False))[0].startswith("laboratory")
    sealed = replace(material(whole=False), sealed_in_test_module="services")
    assert banners(sealed)[0] == f"{TEST_MODULE} (services)"


def test_no_page_says_that_something_is_certified_or_compliant(files: dict[str, bytes]) -> None:
    for name in ("dossier.html", "about.json", "annex-iii/index.json", "oscal/component-definition.json"):
        assert not CLAIMS.search(files[name].decode()), name


def test_the_page_loads_nothing_from_elsewhere(files: dict[str, bytes]) -> None:
    class Look(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag not in {"script", "link", "img", "iframe"}
            for name, value in attrs:
                assert name != "src"
                assert name != "href" or (value or "").startswith("#")

    Look().feed(files["dossier.html"].decode())


def test_the_same_material_gives_the_same_octets() -> None:
    first, second = contents(material()), contents(material())
    assert first == second


def test_letters_that_the_fonts_lack_are_printed_as_code_points() -> None:
    known = facts()
    odd = replace(known, products=(replace(known.products[0], name="模块 \U0001f512"),))
    _, paper = contents(material(known=odd))
    assert paper.startswith(b"%PDF")


def test_the_drawing_is_xml_and_goes_round_no_circle() -> None:
    round_and_round = (
        identity("a", Rank.ISSUING, "b"),
        identity("b", Rank.ISSUING, "a"),
        identity("c", Rank.ROOT, "c"),
        identity("d", Rank.END_ENTITY, "nobody"),
    )
    texts = etree.fromstring(hierarchy(round_and_round)).xpath("//*[local-name()='text']/text()")
    assert isinstance(texts, list)
    assert sum(str(one).startswith("SKI ") for one in texts) == 2  # who is above himself is above nobody


def test_names_are_tokens_of_oscal() -> None:
    assert token("certificates.ca_key_use") == "certificates.ca_key_use"
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9._-]*", token("13(m) é"))
