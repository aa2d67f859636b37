"""XPath transforms: what they select, what is refused, and that none takes long."""

from __future__ import annotations

import pytest
from counted_work import calls_at_most
from lxml import etree

from trustworks.core.errors import BeyondLimit, Rejected
from trustworks.core.xml import xpath
from trustworks.core.xml.canonical import canonicalise
from trustworks.core.xml.document import Document
from trustworks.core.xml.filters import Operation, xpath_filter, xpath_filter2
from trustworks.core.xml.nodes import texts_of, whole_document
from trustworks.core.xml.parse import Limits, parse

DOCUMENT = (
    b'<r xmlns="u:r" xmlns:p="u:p" Id="top"><p:a Id="one" x="1">t<b>u</b><!-- c -->v</p:a>'
    b'<p:a Id="two" x="2"><?pi?><b xmlns:q="u:q">w</b></p:a><s xmlns:p="u:p" Id="sig"><X/></s></r>'
)


def filtered(expression: str, octets: bytes = DOCUMENT, *, comments: bool = True, **limits: int) -> bytes:
    root = parse(octets)
    here = root[-1][0]
    document = Document(root, Limits(**limits))
    nodes = xpath_filter(whole_document(root, comments=comments), expression, here, document)
    return canonicalise(nodes)


def filtered2(*filters: tuple[Operation, str], octets: bytes = DOCUMENT) -> bytes:
    root = parse(octets)
    here = root[-1][0]
    given = [(operation, expression, here) for operation, expression in filters]
    nodes = xpath_filter2(whole_document(root, comments=True), given, Document(root))
    return canonicalise(nodes)


@pytest.mark.parametrize(
    "expression",
    [
        "not(ancestor-or-self::p:a)",
        "not(ancestor-or-self::*[@Id='one' or @Id = 'two'])",
        "count(ancestor-or-self::p:a) = 0",
        "not(ancestor-or-self::p:a[position() < 3])",
        "not(ancestor-or-self::node()[self::p:a])",
        "1 - count(ancestor-or-self::p:a)",
    ],
)
def test_whole_subtrees_are_left_out(expression: str) -> None:
    assert filtered(expression) == (b'<r xmlns="u:r" xmlns:p="u:p" Id="top"><s Id="sig"><X></X></s></r>')


def test_the_enveloped_signature_may_be_named_by_here() -> None:
    expression = (
        "count(ancestor-or-self::*[@Id='sig'] | here()/ancestor::*[@Id='sig'][1])"
        " > count(ancestor-or-self::*[@Id='sig'])"
    )
    assert b"<s" not in filtered(expression)
    assert b"<p:a" in filtered(expression)


@pytest.mark.parametrize(
    ("expression", "octets"),
    [
        ("self::text()", b"tuvw"),
        ("self::text() and ancestor::*[local-name() = 'b']", b"uw"),
        ("self::p:a", b"<p:a></p:a><p:a></p:a>"),
        ("self::p:a or name() = 'x'", b'<p:a x="1"></p:a><p:a x="2"></p:a>'),
        (
            "self::p:a or (name() = 'p' and parent::p:a)",
            b'<p:a xmlns:p="u:p"></p:a><p:a xmlns:p="u:p"></p:a>',
        ),
        ("self::p:a and position() = last()", b"<p:a></p:a><p:a></p:a>"),
        ("self::processing-instruction() or self::comment()", b"<?pi?>"),
        ("self::text() and . = 'u'", b"u"),
        ("id('two')/@x = 2 and self::text()", b"tuvw"),
        ("false()", b""),
        ("lang('de')", b""),
    ],
)
def test_nodes_are_selected_one_by_one(expression: str, octets: bytes) -> None:
    assert filtered(expression) == octets


def test_what_is_beside_the_root_is_selected_as_well() -> None:
    octets = b"<!-- a --><?b?><r>t<!-- c --><s><X/></s></r><?d?>"
    assert filtered("not(self::comment())", octets) == b"<?b?>\n<r>t<s><X></X></s></r>\n<?d?>"
    assert filtered("not(self::processing-instruction())", octets) == b"<r>t<s><X></X></s></r>"
    assert filtered2(("intersect", "//text()"), octets=octets) == b"t"
    assert filtered2(("intersect", "//text() | /processing-instruction('d')"), octets=octets) == b"t\n<?d?>"


def test_namespaces_are_selected_one_by_one() -> None:
    assert filtered("not(name() = 'p' and not(self::*))") == (
        b'<r xmlns="u:r" Id="top"><p:a Id="one" x="1">t<b>u</b>v</p:a>'
        b'<p:a Id="two" x="2"><?pi?><b xmlns:q="u:q">w</b></p:a><s Id="sig"><X></X></s></r>'
    )


@pytest.mark.req("XPATHFILTER2:3.4")
def test_filters_of_2_0_take_away_and_add_subtrees() -> None:
    assert filtered2(("subtract", "//p:a"), ("subtract", "id('sig')")) == (
        b'<r xmlns="u:r" xmlns:p="u:p" Id="top"></r>'
    )
    assert filtered2(("intersect", "id('two')/node()")) == (
        b'<?pi?><b xmlns="u:r" xmlns:p="u:p" xmlns:q="u:q">w</b>'
    )
    assert filtered2(
        ("intersect", "//p:a"), ("subtract", "//*[local-name() = 'b']"), ("union", "id('sig')")
    ) == (
        b'<p:a xmlns="u:r" xmlns:p="u:p" Id="one" x="1">tv</p:a>'
        b'<p:a xmlns="u:r" xmlns:p="u:p" Id="two" x="2"><?pi?></p:a>'
        b'<s xmlns="u:r" xmlns:p="u:p" Id="sig"><X></X></s>'
    )
    assert filtered2(("subtract", "/"), ("union", "id('sig')")) == (
        b'<s xmlns="u:r" xmlns:p="u:p" Id="sig"><X></X></s>'
    )
    assert filtered2(("intersect", "/"), ("subtract", "here()/..")) == filtered2(("subtract", "id('sig')"))
    # A subtree that was taken away is added again within it.
    assert filtered2(
        ("subtract", "id('one')"), ("union", "id('one')/*"), ("subtract", "id('two') | id('sig')")
    ) == (b'<r xmlns="u:r" xmlns:p="u:p" Id="top"><b>u</b></r>')


def test_filters_of_2_0_select_single_nodes() -> None:
    assert filtered2(("intersect", "//text()")) == b"tuvw"
    assert filtered2(("intersect", "//p:a[1]"), ("subtract", "//@x | //text()")) == (
        b'<p:a xmlns="u:r" xmlns:p="u:p" Id="one"><b></b></p:a>'
    )
    # Relative paths begin at the document node.
    assert filtered2(("intersect", "*/p:a[1]/text()")) == b"tv"
    assert filtered2(("intersect", ".")) == filtered2(("intersect", "/"))
    assert filtered2(("subtract", "//comment()")) == filtered2(("intersect", "/"))


def test_filters_are_of_what_came_to_them() -> None:
    root = parse(DOCUMENT)
    cut = whole_document(root, comments=True).without(root[0])
    here = root[-1][0]
    nodes = xpath_filter2(cut, [("intersect", "//p:a", here)], Document(root))
    assert canonicalise(nodes) == (
        b'<p:a xmlns="u:r" xmlns:p="u:p" Id="two" x="2"><?pi?><b xmlns:q="u:q">w</b></p:a>'
    )
    assert "".join(texts_of(nodes)) == "w"


@pytest.mark.parametrize(
    "expression",
    [
        "",
        " ",
        "a b",
        "a[",
        "a]",
        "(a",
        "a/",
        "//",
        "1 |",
        "1 | a",
        "'a'/b",
        "count(a)/b",
        "1[2]",
        "a and",
        "f(",
        "a,b",
        "!",
        "$a",
        "\0",
        "document('a')",
        "re:match('a', 'b')",
        "str:tokenize('a')",
        "current()",
        "key('a', 'b')",
        "a::b",
        "none:b",
        "id()",
        "id('a', 'b')",
        "here(1)",
        "lang()",
        "sum('a')",
    ],
)
def test_what_is_no_xpath_of_a_signature_is_rejected(expression: str) -> None:
    with pytest.raises(Rejected) as refused:
        filtered(expression)
    assert refused.value.code == "xml.xpath"


@pytest.mark.parametrize(
    "expression", ["(" * 100 + "a" + ")" * 100, "a[" * 100 + "a" + "]" * 100, "a" * 5000]
)
def test_an_xpath_that_is_longer_or_deeper_than_is_read_is_beyond_a_limit(expression: str) -> None:
    with pytest.raises(BeyondLimit, match=r"than the 4096|more than 24 deep"):
        filtered(expression)


FLAT = b"<r>" + b"<a b='c'/>" * 3_000 + b"<s><X/></s></r>"
DEEP = b"<r>" + (b"<a b='c'>" * 200 + b"</a>" * 200) * 15 + b"<s><X/></s></r>"


@pytest.mark.parametrize("octets", [FLAT, DEEP])
@pytest.mark.parametrize(
    "expression",
    [
        "//*",
        "//a//a//a",
        "count(//*[count(//*) > 1]) > 0",
        "//a[.//a[.//a]]",
        "preceding::*[following::*]",
        "count(//* | //@*) > 1",
        "//*/ancestor::*/descendant::*",
        "//@b = //@b",
        "string(/) = string(//*)",
        "concat(string(/), string(/), string(/)) and //a[. = 'a']",
        "ancestor-or-self::*[ancestor-or-self::*[ancestor-or-self::*[ancestor-or-self::*]]]",
        "id(//@b)",
        "normalize-space(..)",
    ],
)
def test_no_expression_takes_long(expression: str, octets: bytes) -> None:
    for run in (filtered, lambda text, document: filtered2(("subtract", text), octets=document)):
        try:
            with calls_at_most(3_000_000):
                run(expression, octets)
        except (BeyondLimit, Rejected) as refused:
            # Any outcome is right, in time.
            assert getattr(refused, "limit", "xpath_work") == "xpath_work"  # noqa: PT017


def test_usual_expressions_cost_little_in_large_documents() -> None:
    octets = b"<r>" + b"<a b='c'><d>text</d></a>" * 20_000 + b"<s><X/></s></r>"
    assert filtered("not(ancestor-or-self::s)", octets).endswith(b'<a b="c"><d>text</d></a></r>')
    assert filtered2(("subtract", "//s"), octets=octets).endswith(b'<a b="c"><d>text</d></a></r>')


@pytest.mark.req("XMLDSIG-BP:XPATH")
def test_the_limit_on_work_is_one_that_is_set() -> None:
    with pytest.raises(BeyondLimit, match="more than 100 nodes"):
        filtered("not(ancestor-or-self::p:a)", xpath_work=100)
    with pytest.raises(BeyondLimit, match="longer than the 10"):
        filtered("not(ancestor-or-self::p:a)", xpath_length=10)


def test_the_price_grows_with_what_is_asked() -> None:
    size = xpath.size_of(parse(DOCUMENT))
    prices = [
        xpath.read(text, size, longest=1000, from_root=False).cost
        for text in ("self::a", "ancestor::a", "//a", "//a[//a]", "//a[//a[//a]]")
    ]
    assert prices == sorted(set(prices))
    assert size.depth >= 3
    assert size.nodes >= len(list(etree.fromstring(DOCUMENT).iter()))
