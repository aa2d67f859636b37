"""Xmllint judges canonical forms of whole documents."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from trustworks.core.xml import algorithms as names
from trustworks.core.xml.canonical import canonicalise
from trustworks.core.xml.nodes import whole_document
from trustworks.core.xml.parse import parse
from trustworks.core.xml.writer import Writer

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(shutil.which("xmllint") is None, reason="NOT TESTED, because there is no xmllint"),
]

DOCUMENTS = [
    b"<?xml version='1.0'?>\n<?style  a?>\n<!-- 1 --><d>Hi!<!-- 2 --></d>\n<?end?><!-- 3 -->\n",
    b"<d>\n  <c>  </c>\r\n\t<e a=' x\ty\n' b = '&#13;&#10;&#9;&lt;&quot;&apos;&amp;'/>&#13;&gt;]]&gt;</d>",
    b"<d xmlns='u:1' xmlns:p='u:2'><p:e xmlns='' xmlns:p='u:2'><f xmlns='u:1' p:a='1' a='2'/></p:e></d>",
    b"<d xmlns:b='u:b' xmlns:a='u:a' a:x='1' b:x='2' x='3' xml:lang='de' xml:space='x'><a:e/></d>",
    b"<d><![CDATA[<&>]]>\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80</d>",
    "<?xml version='1.0' encoding='UTF-16'?><d>\N{EURO SIGN}</d>".encode("utf-16"),
    "<?xml version='1.0' encoding='ISO-8859-15'?><d>\N{EURO SIGN}</d>".encode("iso-8859-15"),
]
FAMILIES = {
    "--c14n": names.C14N_COMMENTS,
    "--c14n11": names.C14N11_COMMENTS,
    "--exc-c14n": names.EXCLUSIVE_COMMENTS,
}


@pytest.mark.parametrize("option", FAMILIES)
@pytest.mark.parametrize("octets", DOCUMENTS)
def test_documents_have_the_same_canonical_form(option: str, octets: bytes) -> None:
    judged = subprocess.run(
        ["xmllint", option, "-"], input=octets, capture_output=True, check=True, timeout=60
    ).stdout
    nodes = whole_document(parse(octets), comments=True)
    assert canonicalise(nodes, FAMILIES[option]) == judged
    family = {"--c14n": "1.0", "--c14n11": "1.1", "--exc-c14n": "exclusive"}[option]
    assert Writer(nodes, family, comments=True, prefixes=()).write() == judged  # type: ignore[arg-type]  # of three
