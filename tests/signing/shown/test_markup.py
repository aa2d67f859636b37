"""XML as a signer is shown it: the tree, and what a stylesheet makes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from trustworks.formats.data import Octets
from trustworks.signing.shown.bounds import DEFAULT
from trustworks.signing.shown.look import look
from trustworks.signing.shown.markup.harmless import TooLong, harmless
from trustworks.signing.shown.model import Kind, Node, Styled, Text, Tree, Weight

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.signing.shown.model import Seen

SHEET = """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" {more}>
<xsl:output method="html"/>
<xsl:template match="/"><html><head><title>t</title></head><body><h1>Contract</h1>{body}</body></html>
</xsl:template></xsl:stylesheet>"""
DOCUMENT = (
    b'<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="look.xsl"?><sum to="A &amp; B">100</sum>'
)
VALUE = '<p class="x">You owe <xsl:value-of select="/sum"/></p>'


def seen(octets: bytes, sheet: str | None = None, **bounds: int) -> Seen:
    beside = () if sheet is None else (Octets(sheet.encode(), "look.xsl"),)
    return look(Octets(octets, "a.xml"), "a.xml", beside=beside, bounds=replace(DEFAULT, **bounds))


def codes(found: Seen) -> set[str]:
    return {one.code for one in found.findings}


def tree(found: Seen) -> tuple[Node, ...]:
    (part,) = (one for one in found.parts if isinstance(one, Tree))
    return part.nodes


def styled(found: Seen) -> Styled | None:
    return next((one for one in found.parts if isinstance(one, Styled)), None)


def test_xml_is_a_tree_of_all_that_it_says() -> None:
    found = seen(
        b'<!--before--><a xmlns="urn:x" xmlns:p="urn:p" p:b="1"><c>text</c> and <!--in--> <d/>tail'
        b"<?do it?></a>"
    )
    assert found.kind is Kind.XML
    assert tree(found) == (
        Node(kind="comment", depth=0, text="before"),
        Node(kind="element", depth=0, name="a", namespace="urn:x", attributes=(("p:b", "1"),)),
        Node(kind="element", depth=1, name="c", namespace="urn:x", text="text"),
        Node(kind="text", depth=1, text=" and "),
        Node(kind="comment", depth=1, text="in"),
        Node(kind="element", depth=1, name="d", namespace="urn:x"),
        Node(kind="text", depth=1, text="tail"),
        Node(kind="instruction", depth=1, name="do", text="it"),
    )
    assert found.findings == ()


def test_letters_that_deceive_are_found_behind_references() -> None:
    assert codes(seen(b"<a>1&#x202e;00</a>")) == {"text.bidi-override"}
    assert codes(seen(b"<a b='1&#x200b;00'/>")) == {"text.invisible"}


@pytest.mark.req("TRUSTWORKS:SHOWN-WHOLE", "TS119101:SCP-9")
def test_a_tree_that_is_cut_is_an_objection() -> None:
    found = seen(b"<a>" + b"<b/>" * 30 + b"</a>", nodes=10)
    assert len(tree(found)) == 10
    (finding,) = found.findings
    assert (finding.code, finding.values) == ("cut", {"shown": "10", "of": "31", "what": "nodes"})


@pytest.mark.parametrize(
    "octets",
    [
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>',
        b'<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;&x;&x;">]><a>&z;</a>',
        b'<!DOCTYPE a SYSTEM "https://elsewhere.example/a.dtd"><a/>',
    ],
)
def test_a_document_type_is_an_objection_and_is_not_followed(octets: bytes) -> None:
    found = seen(octets)
    (part,) = found.parts
    assert isinstance(part, Text)
    assert (part.role, part.text) == ("source", octets.decode())
    (finding,) = found.findings
    assert (finding.code, finding.weight) == ("xml.doctype", Weight.OBJECTION)


@pytest.mark.parametrize("octets", [b"<a>", b"<a></b>", b"< a", b"<a b=1/>", b"<" * 9_000])
def test_what_only_begins_as_xml_is_shown_as_text(octets: bytes) -> None:
    assert codes(seen(octets)) == {"xml.unread"}


@pytest.mark.req("TRUSTWORKS:SHOWN-ACTIVE", "TS119101:SCP-23", "EN419111:2-STABILITY")
@pytest.mark.parametrize(
    ("inside", "code"),
    [
        ('<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="b.xml"/>', "xml.elsewhere"),
        ('<image xmlns="http://www.w3.org/2000/svg" href="https://elsewhere.example/"/>', "xml.elsewhere"),
        ('<img xmlns="http://www.w3.org/1999/xhtml" src="a.png"/>', "xml.elsewhere"),
        ('<script xmlns="http://www.w3.org/2000/svg">pay()</script>', "xml.script"),
        ('<p xmlns="http://www.w3.org/1999/xhtml" onclick="pay()"/>', "xml.script"),
    ],
)
def test_what_a_program_would_fetch_or_run_is_told(inside: str, code: str) -> None:
    assert codes(seen(f"<a>{inside}</a>".encode())) == {code}
    assert codes(seen(b'<a><use xmlns="http://www.w3.org/2000/svg" href="#b"/></a>')) == set()


@pytest.mark.req("TRUSTWORKS:SHOWN-ACTIVE")
@pytest.mark.parametrize("namespace", ["http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml"])
def test_a_drawing_is_shown_as_its_source_and_that_is_said(namespace: str) -> None:
    assert codes(seen(f'<a xmlns="{namespace}"/>'.encode())) == {"xml.drawn"}


def test_a_stylesheet_that_came_beside_shows_the_document_and_the_tree_stays() -> None:
    found = seen(DOCUMENT, SHEET.format(more="", body=VALUE))
    page = styled(found)
    assert page is not None
    assert page.html == "<h4>Contract</h4><p>You owe 100</p>"
    assert page.stylesheet == "look.xsl"
    assert tree(found)[-1].text == "100"
    assert codes(found) == {"xml.stylesheet-beside"}


def test_a_stylesheet_in_the_document_itself_shows_it() -> None:
    inside = SHEET.format(more='id="look"', body='<p>You owe <xsl:value-of select="/a/sum"/></p>')
    octets = f'<?xml-stylesheet type="text/xsl" href="#look"?><a>{inside}<sum>100</sum></a>'.encode()
    found = seen(octets)
    page = styled(found)
    assert page is not None
    assert "You owe 100" in page.html
    assert codes(found) == {"xml.styled-bare"}


@pytest.mark.parametrize(
    ("document", "sheet", "code"),
    [
        (DOCUMENT, None, "xml.stylesheet-absent"),
        (DOCUMENT.replace(b"text/xsl", b"text/css"), None, "xml.stylesheet-kind"),
        (DOCUMENT, "<a", "xml.stylesheet-failed"),
        (DOCUMENT, "<a/>", "xml.stylesheet-failed"),
        (DOCUMENT, SHEET.format(more="", body='<xsl:value-of select="nothing("/>'), "xml.stylesheet-failed"),
        (DOCUMENT, SHEET.format(more="", body='<xsl:message terminate="yes"/>'), "xml.stylesheet-failed"),
        (
            DOCUMENT,
            SHEET.format(more="", body='<xsl:call-template name="r"/>').replace(
                "</xsl:stylesheet>",
                '<xsl:template name="r"><xsl:call-template name="r"/></xsl:template></xsl:stylesheet>',
            ),
            "xml.stylesheet-failed",
        ),
    ],
)
def test_a_stylesheet_that_cannot_be_used_leaves_the_tree(
    document: bytes, sheet: str | None, code: str
) -> None:
    found = seen(document, sheet)
    assert styled(found) is None
    assert tree(found)
    assert codes(found) == {code}


_EXSLT = 'xmlns:e="http://exslt.org/common" extension-element-prefixes="e"'


@pytest.mark.req("TRUSTWORKS:SHOWN-ALONE")
@pytest.mark.parametrize(
    ("more", "body"),
    [
        ("", "<xsl:copy-of select=\"document('{secret}')\"/>"),
        ("", '<xsl:copy-of select="document (&#39;{secret}&#39;)"/>'),
        ("", '<xsl:for-each select="/"><p id="{{document(&quot;{secret}&quot;)}}"/></xsl:for-each>'),
        (
            "",
            '</body></html></xsl:template><xsl:include href="{secret}"/><xsl:template name="x"><html><body>',
        ),
        (_EXSLT, '<e:document href="{written}">x</e:document>'),
        ('xmlns:d="http://exslt.org/dynamic"', "<xsl:value-of select=\"d:evaluate('1')\"/>"),
    ],
)
def test_a_stylesheet_reads_and_writes_nothing(more: str, body: str, tmp_path: Path) -> None:
    secret, written = tmp_path / "secret.xml", tmp_path / "written.xml"
    secret.write_text("<secret>told</secret>")
    found = seen(DOCUMENT, SHEET.format(more=more, body=body.format(secret=secret, written=written)))
    assert codes(found) == {"xml.stylesheet-refused"}
    assert styled(found) is None
    assert not written.exists()


def test_what_the_check_of_a_stylesheet_lets_through_can_read_nothing_all_the_same(tmp_path: Path) -> None:
    from trustworks.signing.shown.markup.stylesheet import _transformed  # noqa: PLC0415

    secret = tmp_path / "secret.xml"
    secret.write_text("<secret>told</secret>")
    sheet = etree.fromstring(SHEET.format(more="", body=f"<xsl:copy-of select=\"document('{secret}')\"/>"))
    try:
        made = _transformed(etree.fromstring("<a/>"), sheet, DEFAULT)
    except etree.XSLTError:
        made = ""
    assert "told" not in made


def test_nothing_but_known_elements_comes_out_of_a_stylesheet() -> None:
    body = (
        "<script>pay()</script><style>p{display:none}</style>"
        "<p onclick='pay()' style='display:none' lang='de'>a<b>c</b></p>"
        "<iframe src='https://elsewhere.example/'/><img src='x' alt='a stamp'/>"
        "<a href='javascript:pay()'>link</a><form action='/pay'><input value='50'/></form><blink>d</blink>"
    )
    page = styled(seen(DOCUMENT, SHEET.format(more="", body=body)))
    assert page is not None
    assert page.html == '<h4>Contract</h4><p lang="de">a<b>c</b></p>[a stamp]link[50]d'


def test_output_that_is_text_is_shown_as_text() -> None:
    sheet = SHEET.format(more="", body=VALUE).replace('method="html"', 'method="text"')
    page = styled(seen(DOCUMENT, sheet.replace("<html>", "&lt;b&gt;<html>")))
    assert page is not None
    assert page.html == "<pre>&lt;b&gt;tContractYou owe 100</pre>"


def test_text_beside_the_elements_of_the_output_is_shown() -> None:
    sheet = (
        SHEET.format(more="", body=VALUE).replace("<html>", "before<html>").replace("</html>", "</html>&lt;")
    )
    page = styled(seen(DOCUMENT, sheet))
    assert page is not None
    assert page.html == "before<h4>Contract</h4><p>You owe 100</p>&lt;\n"


@given(st.text(), st.sampled_from(["p", "script", "svg", "x-y", "td", "textarea", "title", "template"]))
def test_text_never_becomes_markup(text: str, name: str) -> None:
    element = etree.Element("div")
    inner = etree.SubElement(element, name)
    try:
        inner.text = element.text = text
    except ValueError:  # no characters of XML
        return
    inner.set("onload", "pay()")
    from lxml import html  # noqa: PLC0415

    made = html.fragment_fromstring(harmless([element], 1_000_000), create_parent="main")
    assert {one.tag for one in made.iter()} <= {"main", "div", "p", "td", "span"}
    assert all(set(one.attrib) <= {"class", "title"} for one in made.iter())


def test_output_that_is_too_long_or_too_deep_is_not_shown() -> None:
    with pytest.raises(TooLong):
        harmless(["x" * 100], 10)
    root = here = etree.Element("div")
    for _ in range(400):
        here = etree.SubElement(here, "div")
    with pytest.raises(TooLong):
        harmless([root], 1_000_000)
