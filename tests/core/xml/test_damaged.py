"""Whatever octets come in: a value, a problem in it, or Malformed, and soon."""

from __future__ import annotations

import pytest
from counted_work import calls_at_most
from hypothesis import given, settings
from hypothesis import strategies as st
from xml_signatures import key, octets_of, signed

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.core.xml import algorithms as names
from trustworks.core.xml.build import Wanted
from trustworks.core.xml.document import Document
from trustworks.core.xml.dsig import read_manifest, read_signature, signatures_in
from trustworks.core.xml.parse import Limits, parse
from trustworks.core.xml.references import resolve_all
from trustworks.core.xml.values import verify

FILTERS = (
    f'<ds:Transform Algorithm="{names.XPATH}"><ds:XPath>not(ancestor-or-self::a)</ds:XPath></ds:Transform>'
    f'<ds:Transform Algorithm="{names.XPATH_FILTER2}">'
    f'<x:XPath xmlns:x="{names.XPATH_FILTER2}" Filter="subtract">'
    f'id("b") | here()/ancestor::a[1]</x:XPath></ds:Transform><ds:Transform Algorithm="{names.BASE64}"/>'
)


def real() -> bytes:
    """A document with a signature of every kind of reference and of transform."""
    references = [
        Wanted(uri="", transforms=(names.ENVELOPED, names.C14N11)),
        Wanted(uri="#b", transforms=(names.C14N_COMMENTS,)),
        Wanted(uri="#xpointer(id('b'))", transforms=(names.BASE64,)),
        Wanted(uri="c.xml", transforms=(names.EXCLUSIVE_COMMENTS,)),
    ]
    signature = signed(
        b"<doc xmlns:p='u:p' xml:lang='de'><a/><b Id='b' p:x='1'>QUJD</b></doc>",
        references,
        detached={"c.xml": b"<c/>"},
        certificates=[b"0\0"],
        id="s",
    )
    octets = octets_of(signature)
    inclusive = f'<x:InclusiveNamespaces xmlns:x="{names.EXCLUSIVE}" PrefixList="p #default"/>'
    return octets.replace(b"</ds:Transforms>", FILTERS.encode() + b"</ds:Transforms>", 2).replace(
        b"</ds:SignatureMethod>", inclusive.encode() + b"</ds:SignatureMethod>"
    )


REAL = real()
PIECES = st.sampled_from(
    [
        b"", b"<", b">", b"</", b"/>", b'"', b"&#0;", b"&x;", b"<!--", b"-->", b"<?x", b"?>", b"<![CDATA[",
        b"]]>", b"\xff", b"\0", b"<!DOCTYPE a>", b" Id='b'", b" xmlns='rel'", b"xmlns=''", b"<b Id='b'/>",
        b"9" * 400, b"#", b"#xpointer(/)", b"%", b"//", b"[", b"(", b"$", b"count(//*[//*])", b"=", b"A===",
        b"<ds:Reference/>",
        *(uri.encode() for uri in (names.XSLT, names.XPATH, names.C14N, names.BASE64, names.RSA_PSS, "")),
    ]
)  # fmt: skip


def look(octets: bytes) -> int:
    """Do all that is done with a document, and tell how many signatures it has."""
    document = Document.of(octets, Limits(xpath_work=5_000_000))
    count = 0
    for element in signatures_in(document.root):
        try:
            signature = read_signature(element, document)
        except Malformed:
            continue
        count += 1
        for found in resolve_all(signature.signed_info.references, document, {"c.xml": b"<c/>"}):
            assert found.intact is (found.problem is None)
        assert not verify(signature, key("rsa").public_key()).valid
    for element in document.root.iter("{*}Manifest"):
        read_manifest(element)
    return count


@settings(max_examples=250)
@given(st.lists(st.tuples(st.integers(0, len(REAL)), st.integers(0, 40), PIECES), min_size=1, max_size=4))
def test_damaged_signatures_are_read_or_malformed(changes: list[tuple[int, int, bytes]]) -> None:
    octets = REAL
    for at, length, piece in changes:
        octets = octets[:at] + piece + octets[at + length :]
    try:
        with calls_at_most(100_000):
            look(octets)
    except Malformed as refused:
        assert str(refused).endswith(".")  # noqa: PT017 - either outcome is right


@settings(max_examples=100)
@given(st.binary(max_size=200))
def test_any_octets_are_read_or_malformed(octets: bytes) -> None:
    for prefix in (b"", b"<a>", b"<?xml version='1.0' encoding='utf-16'?>", b"\xff\xfe<\0"):
        try:
            parse(prefix + octets)
        except Malformed:
            continue


def test_what_is_damaged_was_whole_before() -> None:
    assert look(REAL) == 1


@pytest.mark.req("XMLDSIG-BP:OCTETS")
def test_many_references_to_a_large_document_end_soon() -> None:
    reference = f'<Reference URI=""><DigestMethod Algorithm="{names.ENC}sha256"/><DigestValue/></Reference>'
    octets = (
        f'<a><Signature xmlns="{names.DS}"><SignedInfo><CanonicalizationMethod Algorithm="{names.C14N}"/>'
        f'<SignatureMethod Algorithm="x"/>{reference * 1_500}</SignedInfo><SignatureValue/></Signature></a>'
    ).encode()
    document = Document.of(octets, Limits(octets_read=60_000_000, octets_kept=10_000_000))
    signature = read_signature(document.root[0], document)
    with calls_at_most(500_000), pytest.raises(BeyondLimit, match="60000000 octets") as beyond:
        resolve_all(signature.signed_info.references, document)
    assert beyond.value.limit == "octets_read"
    found = resolve_all(signature.signed_info.references[:100], Document.of(octets, document.limits))
    assert sum(len(one.octets or b"") for one in found) <= 10_000_000
    assert found[0].octets is not None


def test_many_references_by_many_names_end_soon() -> None:
    parts = "".join(f'<n{number} Id="i{number}">x</n{number}>' for number in range(4_000))
    references = "".join(
        f'<Reference URI="#i{number}"><DigestMethod Algorithm="{names.ENC}sha256"/><DigestValue/></Reference>'
        for number in range(4_000)
    )
    octets = (
        f'<a><Signature xmlns="{names.DS}"><SignedInfo><CanonicalizationMethod Algorithm="{names.C14N}"/>'
        f'<SignatureMethod Algorithm="x"/>{references}</SignedInfo><SignatureValue/></Signature>{parts}</a>'
    ).encode()
    document = Document.of(octets)
    signature = read_signature(document.root[0], document)
    with calls_at_most(2_000_000):
        found = resolve_all(signature.signed_info.references, document)
    assert {one.problem.code for one in found if one.problem} == {"digest.differs"}
    assert found[3_999].octets == b'<n3999 Id="i3999">x</n3999>'
