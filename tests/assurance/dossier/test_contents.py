"""What a dossier holds, and what it says on every page and never says."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from typing import Any

import pytest
from dossier_testbed import facts, identity, material
from lxml import etree
from pypdfium2 import PdfDocument

from trustworks.assurance.dossier.chapters import TEST_MODULE, WHO_DECIDES, banners
from trustworks.assurance.dossier.contents import contents
from trustworks.assurance.dossier.drawing import hierarchy
from trustworks.assurance.dossier.model import Rank
from trustworks.assurance.dossier.oscal import token
from trustworks.assurance.dossier.points import POINTS
from trustworks.assurance.dossier.register_list import register_csv
from trustworks.assurance.model import Document, DocumentKind, Facts, Product, ProductKind, Verdict
from trustworks.assurance.report import NOT_A_DECISION
from trustworks.assurance.rulesets import SHIPPED, load
from trustworks.assurance.statements import Line, State, Statement

CLAIMS = re.compile(r"\b(is|are|we are|fully)\s+(certified|compliant)\b|\bcompliant\b", re.IGNORECASE)


def words(text: str) -> str:
    """A text without what a line's end does to it: spaces and hyphens."""
    return re.sub(r"[\s\x02\ufffe\u00ad\u2010-\u2011\u2060-]", "", text)


def text_of(page: str) -> str:
    texts = etree.HTML(page).xpath("//main//text()")
    assert isinstance(texts, list)
    return " ".join(str(one).strip() for one in texts)


def pdf_text(paper: bytes) -> str:
    return "".join(one.get_textpage().get_text_range() for one in PdfDocument(paper))


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


def test_page_and_paper_tell_why_each_verdict_is_what_it_is(files: dict[str, bytes]) -> None:
    """Of both rule sets all that holds a verdict: rule, reference, sentence, facts, missing, lift."""
    page, paper = text_of(files["dossier.html"].decode()), words(pdf_text(files["dossier.pdf"]))
    for report in material().reports:
        (process,) = (
            one for service in report.services for one in service.processes if one.process == "ca_key_use"
        )
        assert process.best is not None
        low = [one for one in process.conditions if one.verdict is not Verdict.STRONG]
        told = [f"Why: {report.title}, {report.at}", f"certificates, ca_key_use, hsm-1: {TEST_MODULE}"]
        for one in (*process.best.deciding, *low):
            told += [f"[{one.rule}]", one.sentence, one.reference, one.lift, *one.missing]
            told += [part for fact in one.facts for part in (fact.what, fact.value, fact.source)]
        told += [one.label for one in process.options]
        assert [one for one in told if words(one) not in words(page)] == []
        assert [one for one in told if words(one) not in paper] == []


def test_a_fact_in_the_paper_has_the_beginning_of_the_hash_of_its_file() -> None:
    guide = Document(
        product="hsm-1",
        kind=DocumentKind.VENDOR_GUIDANCE,
        title="Guide",
        sha256="0123456789abcdef" * 4,
        written=date(2026, 1, 1),
    )
    found, _ = contents(material(known=replace(facts(), documents=(guide,))))
    page = next(one.content.decode() for one in found if one.name == "dossier.html")
    assert "hsm-1 vendor-guidance: Guide (written 2026-01-01, SHA-256 0123456789abcdef)" in page


def test_page_and_paper_have_the_statements_clause_by_clause(empty: dict[str, bytes]) -> None:
    lines = (
        Line(
            id="X-1",
            words="One.",
            source="verified",
            state=State.COVERED,
            proof=(("T:A", ("one", "two")),),
        ),
        Line(
            id="X-2",
            words="Two.",
            source="verified",
            state=State.NOT_SHOWN,
            proof=(("T:B", ("one",)), ("T:C", ("two",))),
        ),
        Line(id="X-3", words="Three.", source="verified", state=State.GAP, reason="not done yet"),
        Line(id="X-4", words="Four.", source="verified", state=State.OPERATOR, duty="guard the place"),
    )
    said = Statement(standard="EN 1", version="2020", about="Nobody has looked.", lines=lines)
    found, paper = contents(replace(material(), statements=(said,)))
    files = {one.name: one.content for one in found}
    told = [
        "What the software says of EN 1, 2020",
        "Nobody has looked.",
        *(text for one in lines for text in (one.id, one.words, one.state.value)),
        "Shown by T:A (2 tests).",
        "Would be shown by T:B, T:C (2 tests).",
        "Not done yet.",
        "Left to who operates it: guard the place.",
    ]
    page, text = words(text_of(files["dossier.html"].decode())), words(pdf_text(paper))
    assert [one for one in told if words(one) not in page] == []
    assert [one for one in told if words(one) not in text] == []
    (standard,) = json.loads(files["statements.json"])["standards"]
    assert standard["lines"][1]["state"] == "not shown at present"
    assert words("Statements of the software missing") in words(text_of(empty["dossier.html"].decode()))


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


def test_the_drawing_cuts_no_name_and_says_what_a_certificate_is_for() -> None:
    name = ",".join(f"O{number}=Example Trust Services of the {number}th office" for number in range(9))
    deep = [identity("0", Rank.ROOT), *(identity(str(n), Rank.ISSUING, str(n - 1)) for n in range(1, 40))]
    unit = replace(identity("unit", Rank.END_ENTITY, "39"), use="Time-stamping unit", subject=name)
    drawn = etree.fromstring(hierarchy((*deep, unit)))
    texts = drawn.xpath("//*[local-name()='text']/text()")
    assert isinstance(texts, list)
    assert "unit: Time-stamping unit" in texts
    assert name.replace(" ", "") in "".join(str(one) for one in texts).replace(" ", "")
    assert not any("end entity" in str(one) for one in texts)
    boxes = drawn.xpath("//*[local-name()='rect']/@width")
    assert isinstance(boxes, list)
    assert all(int(str(one)) > 300 for one in boxes)


def test_names_are_tokens_of_oscal() -> None:
    assert token("certificates.ca_key_use") == "certificates.ca_key_use"
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9._-]*", token("13(m) é"))
