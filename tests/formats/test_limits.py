"""What is beyond a limit of ours is refused as a file, by a sentence that names the limit: no verdict."""

from __future__ import annotations

import ast
import base64
import json
from pathlib import Path
from typing import Final

import pytest
from asic_vectors import container, manifest
from cms_maker import AA, CONTENT, Signer, signed_data, token
from counted_work import calls_at_most
from evidence_records import digest, record, stamp
from foreign_tokens import attribute

from trustworks.core import xml
from trustworks.core.der.encode import SEQUENCE, integer, tlv
from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.core.xml.document import Work
from trustworks.core.xml.parse import Limits as ParseLimits
from trustworks.formats import limits as of_formats
from trustworks.formats.data import Octets
from trustworks.formats.limits import DEFAULT, NAMES, Limits, not_read, to_client
from trustworks.formats.read import read

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
FILTER2: Final = "http://www.w3.org/2002/06/xmldsig-filter2"
EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
FORMATS: Final = Path(of_formats.__file__).parent
READERS: Final = sorted({*FORMATS.rglob("*.py"), *Path(xml.__file__).parent.glob("*.py")})


def document(references: int, *, signatures: int = 1, form: str = "") -> bytes:
    """XML with signatures; the first has so many references to all of it. `form`: of their transforms."""
    transform = {
        "": "",
        "prefixes": f'<ds:Transform Algorithm="{EXCLUSIVE}"><ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" '
        'PrefixList="p@"/></ds:Transform>',
        "nodes": f'<ds:Transform Algorithm="{EXCLUSIVE}"><ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" '
        'PrefixList="#default p@"/></ds:Transform>',
        "xpath": '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116">'
        "<ds:XPath>not(ancestor-or-self::ds:Signature) or @@=1</ds:XPath></ds:Transform>",
        "ancestors": '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116">'
        "<ds:XPath>not(ancestor-or-self::ds:Signature)</ds:XPath></ds:Transform>",
        "subtract": f'<ds:Transform Algorithm="{FILTER2}"><f:XPath xmlns:f="{FILTER2}" Filter="subtract">'
        "/descendant::ds:Signature</f:XPath></ds:Transform>",
    }[form]

    def signature(number: int) -> str:
        each = "".join(
            f'<ds:Reference URI=""><ds:Transforms>{transform.replace("@", str(one))}</ds:Transforms>'
            f'<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
            "<ds:DigestValue>AAAA</ds:DigestValue></ds:Reference>"
            for one in range(number)
        )
        return (
            f'<ds:Signature><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
            '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>'
            f"{each}</ds:SignedInfo><ds:SignatureValue>AAAA</ds:SignatureValue></ds:Signature>"
        )

    others = signature(1) * (signatures - 1)
    return f'<r xmlns:ds="{DS}"><a x="1" y="2" z="3"/>{signature(references)}{others}</r>'.encode()


BEYOND: Final[dict[str, tuple[bytes, int, int]]] = {
    "parsed": (document(1), 100, 10_000),
    "depth": (document(1), 3, 20),
    "elements": (document(1), 5, 100),
    "attributes": (document(1), 2, 100),
    "references": (document(9), 8, 9),
    "signatures": (document(1, signatures=3), 2, 3),
    "time_stamps": (record([stamp([[digest(b"a")]])] * 2), 1, 2),
    "members": (container({"a": b"", "b": b""}), 2, 10),
    "unpacked": (container({"a": b"1" * 100}), 50, 1_000),
    "ratio": (container({"a": bytes(2_000_000)}), 10, 10_000),
    "canonical": (document(9, form="prefixes"), 0, 100_000),
    "digested": (document(99), 0, 10_000_000),
    "work": (document(99, form="xpath"), 100, 100_000_000),
}
"""Of each limit a file, a value that it is beyond, and one that it is within."""


def refusal(octets: bytes, limits: Limits = DEFAULT) -> str:
    """The sentence by which a file is refused; empty where it is read."""
    try:
        read(Octets(octets, "a"), limits=limits)
    except Malformed as error:
        return str(error)
    return ""


def test_an_empty_file_and_an_email_are_told_from_what_is_unknown() -> None:
    assert refusal(b"").startswith("The file is empty.")
    for kind in (b"multipart/signed; micalg=a", b"application/pkcs7-mime; name=smime.p7m"):
        for before in (b"", b"MIME-Version: 1.0\r\n", b"From: a\n b: c\nMIME-Version: 1.0\n"):
            assert "Save its signature (.p7s or .p7m)" in refusal(
                before + b"Content-Type: " + kind + b"\n\nx"
            )
    assert "begins neither as" in refusal(b"Content-Type: text/plain\n\nContent-Type: multipart/signed\n")


def test_every_limit_has_a_file_that_is_beyond_it() -> None:
    assert BEYOND.keys() == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_file_beyond_a_limit_is_refused_by_its_name_and_raising_it_helps(name: str) -> None:
    octets, small, large = BEYOND[name]
    low, high = (Limits(**{name: value}) for value in (small, large))
    assert refusal(octets, low).endswith(f"To read it, raise the limit `{name.replace('_', '-')}`.")
    assert refusal(octets, high) == ""


def test_a_client_of_a_service_is_not_told_to_raise_its_limit() -> None:
    octets, small, _ = BEYOND["references"]
    with pytest.raises(Malformed) as refused:
        read(Octets(octets, "a"), limits=Limits(references=small))
    assert "raise the limit" in str(refused.value)
    assert "raise" not in to_client(refused.value)
    assert to_client(refused.value).endswith("That is the limit of this service.")
    assert to_client(Malformed("It is no signed file.")) == "It is no signed file."


def test_depth_is_not_said_to_be_raised_where_nothing_goes_beyond_it() -> None:
    xml_ = b"<a>" * 300 + b"</a>" * 300
    json_ = b'{"payload":' + b"[" * 300 + b"]" * 300 + b"}"
    cms = b"\x30\x80" * 300
    for octets in (xml_, json_, cms):
        assert refusal(octets).endswith("Such a file is not read.")
    assert "raise" not in str(not_read(BeyondLimit("More.", "transforms"), DEFAULT))


@pytest.mark.parametrize("name", ["references", "canonical", "digested", "work", "elements", "attributes"])
def test_what_is_beyond_a_limit_within_a_container_is_no_finding_about_a_member(name: str) -> None:
    octets, small, _ = BEYOND[name]
    inside = container({"a.txt": b"x", "META-INF/signatures.xml": octets})
    assert refusal(inside, Limits(**{name: small})).endswith(f"raise the limit `{name}`.")


def test_copies_of_a_time_stamp_are_counted_in_every_format() -> None:
    signer = Signer.over(CONTENT)
    stamps = attribute(f"{AA}.14", *[token(signer.value)] * 30)
    with calls_at_most(100_000):
        assert "29 time-stamps" in refusal(signed_data(signer.info(stamps)), Limits(time_stamps=29))
    assert refusal(signed_data(signer.info(stamps)), Limits(time_stamps=30)) == ""


def test_what_looks_like_a_time_stamp_is_counted_and_what_they_are_over() -> None:
    def jades(number: int, octets: bytes) -> bytes:
        part = {"sigTst": {"tstTokens": [{"val": base64.b64encode(octets).decode()}] * number}}
        jws = {"payload": "A" * 40_000, "protected": "eyJhbGciOiJFUzI1NiJ9", "signature": "AAAA"}
        return json.dumps(jws | {"header": {"etsiU": [part, {"arcTst": part["sigTst"]}]}}).encode()

    assert "40 time-stamps" in refusal(jades(30, b"0"), Limits(time_stamps=40))
    assert refusal(jades(20, b"0"), Limits(time_stamps=40)) == ""
    assert "`digested`" in refusal(jades(30, token(b"x")), Limits(digested=0))
    assert refusal(jades(30, token(b"x"))) == ""


def test_as_many_time_stamps_as_are_read_fit_beside_another_attribute_of_a_signer() -> None:
    signer = Signer.over(CONTENT)
    stamps = [attribute(f"{AA}.14", b"\x05\x00")] * DEFAULT.time_stamps
    assert refusal(signed_data(signer.info(*stamps, attribute(f"{AA}.99", b"\x05\x00")))) == ""


@pytest.mark.req("XMLDSIG-BP:XPATH")
@pytest.mark.parametrize(("form", "signatures"), [("ancestors", 1), ("ancestors", 3), ("subtract", 3)])
def test_xpath_over_a_long_document_has_visits_for_each_octet_of_it(form: str, signatures: int) -> None:
    """What others write to leave out all signatures: its cost grows as the document does."""
    row = b'<row id="000000"><name>Jane Example of a Company</name><sum unit="EUR">1234.56</sum></row>'
    large = document(1, signatures=signatures, form=form).replace(b"<a ", row * 3_000 + b"<a ")
    assert refusal(large, Limits(work=1)) == ""


@pytest.mark.req("XMLDSIG-BP:XPATH")
def test_no_document_is_long_enough_for_xpath_that_takes_long() -> None:
    work = Work(ParseLimits(xpath_work=7), 10**12)
    work.visit(500_000_000, plain=True)
    work.visit(7)
    with pytest.raises(BeyondLimit, match="more than 7 nodes"):
        work.visit(1, plain=True)


@pytest.mark.req("XMLDSIG-BP:XPATH")
@pytest.mark.parametrize("text", ["string(/)='q'", "contains('a', 'b')", ".='q'", "//*='q'", "count(//*)"])
def test_a_long_document_has_no_more_for_xpath_that_reads_text_or_all_for_each_node(text: str) -> None:
    """Reading text takes many times longer than visiting nodes: it is within `work` alone."""
    large = document(1, form="ancestors").replace(b"not(ancestor-or-self::ds:Signature)", text.encode())
    large = large.replace(b"<a ", b"<b/>" * 500 + b"<a ")
    assert "raise the limit `work`" in refusal(large + b"<!--" + b"x" * 100_000 + b"-->", Limits(work=1))


def test_files_and_entries_of_a_container_are_counted_together() -> None:
    files = {f"META-INF/signatures{number}.xml": b"<a/>" for number in range(9)}
    assert "9 files of signatures" in refusal(container(files), Limits(signatures=8))
    entry = {f"a{number}": b"" for number in range(30)}
    manifests = {f"META-INF/ASiCManifest{number}.xml": manifest("x", entry) for number in range(9)}
    assert "entries altogether" in refusal(container(manifests), Limits(members=50))
    assert refusal(container(manifests), Limits(members=100)) == ""


def test_signatures_and_certificates_that_are_too_many_to_compare_are_refused() -> None:
    signer = Signer.over(CONTENT)
    many = signed_data(
        *[signer.info()] * 20,
        certificates=[tlv(SEQUENCE, tlv(SEQUENCE, integer(number))) for number in range(60)],
    )
    assert "20 signatures and time-stamps, and 60 certificates" in refusal(many, Limits(work=100_000))
    assert refusal(many, Limits(work=200_000)) == ""


def test_renewals_and_objects_of_an_evidence_record_are_counted() -> None:
    renewed = record(*[[stamp([[digest(b"a")]])]] * 20)
    assert "Renewals" in refusal(renewed, Limits(digested=100_000))
    assert refusal(renewed, Limits(digested=1_000_000)) == ""
    wide = record([stamp([[digest(b"%d" % number) for number in range(50)]])])
    assert "names 50 objects" in refusal(wide, Limits(members=49))


@pytest.mark.req("XMLDSIG-BP:OCTETS")
def test_namespaces_that_hold_everywhere_are_counted_for_each_element() -> None:
    names = "".join(f' xmlns:n{number}="urn:{number}"' for number in range(400))
    for form in ("", "prefixes"):
        large = (
            document(1, form=form)
            .replace(b"<r ", f"<r{names} ".encode())
            .replace(b"<a ", b"<b>" + b"<c/>" * 5_000 + b"</b><a ")
        )
        assert ("`canonical`" in refusal(large)) == (form == ""), form


def test_many_references_make_no_verdict_about_a_signature_beside_them() -> None:
    assert "10000 references" in refusal(document(10_000))
    assert "1001 references" in refusal(document(1_001, signatures=2))


@pytest.mark.req("XMLDSIG-BP:OCTETS")
@pytest.mark.parametrize("form", ["prefixes", "nodes"])
def test_a_canonical_form_for_each_reference_is_bounded(form: str) -> None:
    """Whatever libxml2 writes, and what is written node by node, is counted."""
    large = document(90, form=form).replace(b"<a ", b"<b>" + b"<c/>" * 5_000 + b"</b><a ")
    assert "`canonical`" in refusal(large, Limits(canonical=500_000))
    assert refusal(document(90), Limits(canonical=500_000)) == ""


def calls(name: str) -> list[tuple[Path, ast.Call]]:
    return [
        (path, node)
        for path in READERS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]


def test_no_sentence_tells_to_raise_a_limit_but_the_one_that_names_it() -> None:
    known = {*NAMES, *of_formats._OF_XML}
    for path, call in calls("BeyondLimit"):
        assert len(call.args) == 1 or ast.literal_eval(call.args[1]) in known, path
    for name in ("Malformed", "Rejected", "BeyondLimit", "Finding", "Problem"):
        for path, call in calls(name):
            assert path.name == "limits.py" or "raise" not in ast.unparse(call).lower(), path


def lets_pass(handlers: list[ast.ExceptHandler]) -> bool:
    """Whether a `try` that takes what is `Malformed` lets `BeyondLimit` pass before."""
    for one in handlers:
        caught = "" if one.type is None else ast.unparse(one.type)
        if caught == "BeyondLimit":
            return True
        if "Malformed" in caught:
            return all(isinstance(step, ast.Raise) for step in one.body)
    return True


READ_BY_THEMSELVES: Final = {
    "candidates.py", "validation_data.py", "value.py", "completeness.py", "issuers.py", "answers.py",
    "headers.py", "values.py", "facts.py",
}  # fmt: skip
"""Modules that read certificates and answers out of a file: each alone, by the bounds that such have."""
COMPARED: Final = {"xml.py", "second_reader.py"}
"""An archived object that is no XML that we read is compared octet by octet; QPDF has no limits of ours."""


def test_whoever_leaves_out_what_is_malformed_lets_pass_what_is_beyond_a_limit() -> None:
    kept = [
        f"{path.relative_to(FORMATS.parent)}:{node.lineno}"
        for path in READERS
        if "creating" not in path.parts and path.name not in READ_BY_THEMSELVES | COMPARED
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Try) and not lets_pass(node.handlers)
    ]
    assert kept == []
