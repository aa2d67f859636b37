from __future__ import annotations

import gc
import weakref

import pytest
from lxml import etree

from trustworks.core.errors import Malformed
from trustworks.core.xml.algorithms import EXCLUSIVE
from trustworks.core.xml.canonical import canonicalise
from trustworks.core.xml.document import Document
from trustworks.core.xml.parse import Limits, absent_identifiers, ids_of, parse

LAUGHS = (
    b'<!DOCTYPE a [<!ENTITY b "0123456789"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">'
    b'<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]><a x="&d;">&d;</a>'
)
DECLARATIONS = [b"xmlns:a%d='u:%d'" % (number, number) for number in range(30)]
EXTERNAL = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b" ",
        b"no XML",
        b"<a>",
        b"<a/><b/>",
        b"<a b='1' b='2'/>",
        b"<p:a/>",
        b"<a>&none;</a>",
        b"<a>\x00</a>",
        b"<a>\xff</a>",
        b"\x00\x00\x00<\x00\x00\x00a",
        b"<?xml version='1.0' encoding='UTF-7'?><a/>",
        b"<?xml version='1.0' encoding='EBCDIC-CP-US'?><a/>",
        b"<?xml version='1.0' encoding='nothing'?><a/>",
        b"<" * 5000,
    ],
)
def test_what_is_not_xml_is_malformed(octets: bytes) -> None:
    with pytest.raises(Malformed, match=r"XML.*\. |document"):
        parse(octets)


@pytest.mark.parametrize(
    "octets",
    [
        LAUGHS,
        EXTERNAL,
        b"<!DOCTYPE a><a/>",
        b"\xef\xbb\xbf<!DOCTYPE a><a/>",
        b"<?xml version='1.0'?> <!-- <a> --> <?p ?>\n<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/a.dtd'><a/>",
        "<?xml version='1.0' encoding='UTF-16'?><!-- x --><!DOCTYPE a><a/>".encode("utf-16"),
        "<!DOCTYPE a><a/>".encode("utf-16"),
    ],
)
@pytest.mark.req("XMLDSIG-BP:DTD")
def test_a_document_type_is_refused(octets: bytes) -> None:
    with pytest.raises(Malformed, match="document type"):
        parse(octets)


def test_a_document_type_may_be_let_through_but_declares_nothing() -> None:
    harmless = b"<!DOCTYPE a [<!ELEMENT a ANY>]><a/>"
    assert parse(harmless, allow_doctype=True).tag == "a"
    for octets in (LAUGHS, EXTERNAL, b'<!DOCTYPE a [<!ATTLIST a b CDATA "c">]><a/>'):
        with pytest.raises(Malformed, match="declares"):
            parse(octets, allow_doctype=True)


def test_what_looks_like_a_document_type_in_the_text_is_text() -> None:
    root = parse(b"<a><![CDATA[<!DOCTYPE html><!ENTITY x>]]></a>")
    assert root.text == "<!DOCTYPE html><!ENTITY x>"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252", "ISO-8859-15"])
def test_usual_encodings_are_read(encoding: str) -> None:
    text = f"<?xml version='1.0' encoding='{encoding}'?><a>\N{LATIN SMALL LETTER U WITH DIAERESIS}</a>"
    assert parse(text.encode(encoding)).text == "\N{LATIN SMALL LETTER U WITH DIAERESIS}"


@pytest.mark.parametrize(
    ("octets", "limits"),
    [
        (b"<a>" * 257 + b"</a>" * 257, Limits()),
        (b"<a>" * 11 + b"</a>" * 11, Limits(depth=10)),
        (b"<a>" + b"<b/>" * 30 + b"</a>", Limits(elements=20)),
        (b"<a>" + b"<b c=''/>" * 30 + b"</a>", Limits(attributes_of_all=20)),
        (b"<a " + b" ".join(b"a%d=''" % n for n in range(30)) + b"/>", Limits(attributes_of_element=20)),
        (b"<a " + b" ".join(DECLARATIONS) + b"/>", Limits(namespaces_in_scope=20)),
        (b"".join(b"<a %b>" % name for name in DECLARATIONS) + b"</a>" * 30, Limits(namespaces_in_scope=20)),
        (b"<a>" + b" " * 100 + b"</a>", Limits(octets=100)),
    ],
)  # fmt: skip
@pytest.mark.req("XMLDSIG-BP:SIZE")
def test_what_exceeds_a_limit_is_refused(octets: bytes, limits: Limits) -> None:
    with pytest.raises(Malformed):
        parse(octets, limits)
    assert parse(octets[:0] + b"<a/>", limits).tag == "a"


def test_namespaces_that_do_not_hold_together_are_no_trouble() -> None:
    octets = b"<a>" + b"".join(b"<b xmlns:a%d='u:%d'/>" % (n, n) for n in range(100)) + b"</a>"
    assert len(parse(octets, Limits(namespaces_in_scope=20))) == 100


def test_a_long_text_and_a_deep_document_are_no_way_around_the_limit_on_depth() -> None:
    long = b"<a>" + b"x" * 11_000_000 + b"</a>"
    assert len(parse(long).text or "") == 11_000_000
    with pytest.raises(Malformed, match="deep"):
        parse(b"<a>" * 300 + b"x" * 11_000_000 + b"</a>" * 300)


def test_identifiers_lead_to_their_elements() -> None:
    root = parse(
        b"<a Id='1' xmlns:wsu='http://docs.oasis-open.org/wss/2004/01/"
        b"oasis-200401-wss-wssecurity-utility-1.0.xsd' xmlns:o='urn:o'>"
        b"<b ID='2'/><c id='3'/><d xml:id='4'/><e wsu:Id='5'/><f o:Id='6'/><g Name='7'/></a>"
    )
    ids = ids_of(root)
    assert {name: etree.QName(element).localname for name, element in ids.unique.items()} == {
        "1": "a", "2": "b", "3": "c", "4": "d", "5": "e",
    }  # fmt: skip
    assert not ids.duplicates
    assert ids.get("6") is None


def test_identifiers_are_not_looked_for_where_they_cannot_be() -> None:
    assert absent_identifiers(b"<a/>") == {"xml:id", "wsu:Id"}
    assert absent_identifiers(b"<a xml:id='1'/>") == {"wsu:Id"}
    assert not absent_identifiers("<a xml:id='1'/>".encode("utf-16"))


def test_an_identifier_of_several_elements_names_none_of_them() -> None:
    root = parse(b"<a Id='1'><b id='1'/><c ID='1'/><d Id='2' ID='2'/></a>")
    ids = ids_of(root)
    assert ids.get("1") is None
    assert [element.tag for element in ids.duplicates["1"]] == ["a", "c", "b"]
    found = ids.get("2")
    assert found is not None
    assert found.tag == "d"


def test_a_grown_document_has_the_identifiers_that_are_found_in_it() -> None:
    document = Document.of(b"<a Id='1'><b id='2'/><b id='2'/><c Id='3'/></a>")
    (holder,) = document.root.iter("c")
    added = parse(b"<d Id='1'><e Id='2'/><e Id='4'/><e Id='5'/><e id='5'/></d>")
    grown, found = document.grown(added, holder), ids_of(document.root)
    assert added.getparent() is holder
    assert grown.ids.unique == found.unique
    assert {name: set(each) for name, each in grown.ids.duplicates.items()} == {
        name: set(each) for name, each in found.duplicates.items()
    }
    assert set(found.unique) == {"3", "4"}


def test_a_grown_document_counts_the_namespaces_of_what_it_got() -> None:
    document = Document.of(b"<a xmlns:p='urn:p'/>")
    added = parse(b"<d xmlns='urn:d'><e xmlns:q='urn:q'/></d>")
    assert document.grown(added, document.root).scope >= 3


def test_a_document_is_gone_with_whoever_had_it() -> None:
    document = Document.of(b"<a xmlns:p='urn:p' Id='1'/>")
    assert canonicalise(document.root, EXCLUSIVE, (), document.renderings) == b'<a Id="1"></a>'
    assert (document.scope, document.ids.get("1")) == (1, document.root)
    seen = weakref.ref(document)
    gc.disable()
    try:
        del document
        assert seen() is None  # its tree may be large, and the collector of circles comes late
    finally:
        gc.enable()
