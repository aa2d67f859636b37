"""What references lead to: the bad ones first."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from xml_signatures import SHA256, octets_of, signed

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.core.xml import algorithms as names
from trustworks.core.xml.algorithms import DS
from trustworks.core.xml.build import Wanted
from trustworks.core.xml.document import Document
from trustworks.core.xml.dsig import read_manifest, read_reference, read_signature, signatures_in
from trustworks.core.xml.parse import Limits
from trustworks.core.xml.references import Resolved, resolve, resolve_all

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.core.xml.references import Source


def reference(
    uri: str | None, transforms: str = "", body: str = "", digest: bytes = b"", method: str = SHA256
) -> bytes:
    """A document with a signature that has one reference; {body} stands before the signature."""
    name = "" if uri is None else f' URI="{uri}"'
    inner = f"<Transforms>{transforms}</Transforms>" if transforms else ""
    return (
        f'<doc>{body}<Signature xmlns="{DS}"><SignedInfo><CanonicalizationMethod Algorithm="{names.C14N}"/>'
        f'<SignatureMethod Algorithm="{names.MORE}rsa-sha256"/><Reference{name}>{inner}'
        f'<DigestMethod Algorithm="{method}"/><DigestValue>{base64.b64encode(digest).decode()}</DigestValue>'
        f"</Reference></SignedInfo><SignatureValue>AAAA</SignatureValue></Signature></doc>"
    ).encode()


def transform(algorithm: str, inner: str = "") -> str:
    return f'<Transform Algorithm="{algorithm}">{inner}</Transform>'


def resolved(
    octets: bytes, detached: Mapping[str | None, bytes | Source] | None = None, limits: Limits | None = None
) -> Resolved:
    document = Document.of(octets, limits or Limits())
    signature = read_signature(next(signatures_in(document.root)), document)
    return resolve(signature.signed_info.references[0], document, detached)


@pytest.mark.parametrize(
    ("uri", "body", "code"),
    [
        ("#none", "", "reference.not-found"),
        ("#a", "<x Id='a'/><y Id='a'/>", "reference.ambiguous"),
        ("#a", "<x Id='a'/><y id='a'/>", "reference.ambiguous"),
        ("#xpointer(//x)", "<x/>", "reference.xpointer"),
        ("#xpointer(id('none'))", "", "reference.not-found"),
        ("file:///etc/hostname", "", "reference.not-found"),
        ("http://127.0.0.1:1/", "", "reference.not-found"),
        ("other.xml#a", "<x Id='a'/>", "reference.not-found"),
        (None, "", "reference.not-found"),
    ],
)
@pytest.mark.req("XMLDSIG:4.4.3.3-ONE")
def test_what_is_not_there_or_not_certain_is_not_found(uri: str | None, body: str, code: str) -> None:
    found = resolved(reference(uri, body=body))
    assert (found.found, found.intact, found.octets) == (False, False, None)
    assert found.problem is not None
    assert found.problem.code == code
    assert found.coverage.kind == "nothing"


@pytest.mark.parametrize(
    ("transforms", "code"),
    [
        (transform(names.XSLT, '<s xmlns="http://www.w3.org/1999/XSL/Transform"/>'), "transform.refused"),
        (transform("http://example.org/mine"), "transform.unknown"),
        (transform(""), "transform.unknown"),
        (transform(names.XPATH), "reference.transform"),
        (transform(names.XPATH, "<XPath>true(</XPath>"), "xml.xpath"),
        (transform(names.XPATH, "<XPath>document('file:///etc/passwd')</XPath>"), "xml.xpath"),
        (transform(names.XPATH, "<XPath>$x</XPath>"), "xml.xpath"),
        (transform(names.XPATH, "<XPath>none:x</XPath>"), "xml.xpath"),
        (transform(names.XPATH_FILTER2), "reference.transform"),
        (
            transform(names.XPATH_FILTER2, f'<XPath xmlns="{names.XPATH_FILTER2}">//x</XPath>'),
            "reference.transform",
        ),
        (
            transform(names.XPATH_FILTER2, f'<XPath xmlns="{names.XPATH_FILTER2}" Filter="union">1</XPath>'),
            "xml.xpath",
        ),
        (transform(names.BASE64), "reference.transform"),
        (transform(names.BASE64) + transform(names.C14N), "reference.transform"),
        (transform(names.C14N) + transform(names.ENVELOPED), "transform.enveloped"),
    ],
)  # fmt: skip
@pytest.mark.req("XMLDSIG-BP:XSLT")
def test_what_is_not_transformed_is_found_and_not_intact(transforms: str, code: str) -> None:
    found = resolved(reference("", transforms, body="<x>!</x>"))
    assert (found.found, found.intact, found.octets) == (True, False, None)
    assert found.problem is not None
    assert found.problem.code == code


@pytest.mark.req("XMLDSIG-BP:REFERENCES")
def test_too_many_references_and_transforms_are_malformed() -> None:
    limits = Limits(references=3, transforms=3)
    many = reference("").replace(b"</SignedInfo>", b"<Reference/>" * 3 + b"</SignedInfo>")
    long = reference("", transform(names.C14N) * 4)
    for octets in (many, long):
        with pytest.raises(Malformed, match="more than the 3"):
            read_signature(next(signatures_in(Document.of(octets).root)), limits=limits)


@pytest.mark.parametrize("method", ["", "SHA-1", names.MORE_2007 + "whirlpool"])
def test_a_digest_that_is_not_computed_is_said_to_be_so(method: str) -> None:
    found = resolved(reference("", method=method))
    assert found.problem is not None
    assert (found.found, found.intact, found.problem.code) == (True, False, "digest.unknown")


@pytest.mark.req("XMLDSIG:3.2.1")
def test_changed_data_is_found_and_not_intact() -> None:
    found = resolved(reference("a.txt", digest=hashlib.sha256(b"one").digest()), {"a.txt": b"two"})
    assert (found.found, found.intact, found.octets) == (True, False, b"two")
    assert found.problem is not None
    assert found.problem.code == "digest.differs"
    broken = reference("a.txt").replace(b"<DigestValue>", b"<DigestValue>!")
    problem = resolved(broken, {"a.txt": b"two"}).problem
    assert problem is not None
    assert problem.code == "digest.base64"


@pytest.mark.parametrize(
    ("uri", "given"),
    [
        ("a%20b.txt", {"a b.txt": b"1"}),
        ("./a.txt", {"a.txt": b"1"}),
        ("a%2520.txt", {"a%20.txt": b"1"}),
        ("a.txt", {None: b"1"}),
        (None, {"any": b"1"}),
        (None, {None: b"1", "other": b"2"}),
    ],
)
def test_data_beside_the_document_is_found_by_name(
    uri: str | None, given: Mapping[str | None, bytes]
) -> None:
    found = resolved(reference(uri, digest=hashlib.sha256(b"1").digest()), given)
    assert (found.found, found.intact, found.coverage.kind) == (True, True, "external")


def test_a_name_is_not_looked_for_outside_of_what_was_given() -> None:
    assert not resolved(reference("../a.txt"), {"a.txt": b"1", "b": b"2"}).found
    assert not resolved(reference("a.txt"), {None: b"1", "b": b"2"}).found
    assert not resolved(reference(None), {"a": b"1", "b": b"2"}).found


@dataclass
class Large:
    """A source that tells when it is read."""

    size: int = 3
    read: int = 0

    def octets(self) -> bytes:
        self.read += 1
        return b"abc"

    def digest(self, hash_name: str) -> bytes:
        return hashlib.new(hash_name, b"abc").digest()


def test_a_source_is_digested_and_held_only_for_transforms() -> None:
    source = Large()
    found = resolved(reference("a", digest=hashlib.sha256(b"abc").digest()), {"a": source})
    assert (found.intact, found.octets, found.source, source.read) == (True, None, source, 0)
    digest = hashlib.sha256(base64.b64decode("abc=")).digest()
    assert not resolved(reference("a", transform(names.BASE64), digest=digest), {"a": source}).intact
    assert source.read == 1
    with pytest.raises(BeyondLimit, match="8000 octets") as beyond:
        resolved(reference("a", transform(names.BASE64)), {"a": Large(size=9000)}, Limits(octets=8000))
    assert beyond.value.limit == "octets"


@pytest.mark.parametrize(
    ("uri", "octets"),
    [
        ("#a", b'<x Id="a">t</x>'),
        ("#xpointer(id('a'))", b'<x Id="a"><!-- c -->t</x>'),
        ("#xpointer( id( 'a' ) )", b'<x Id="a"><!-- c -->t</x>'),
        ("#%61", b'<x Id="a">t</x>'),
    ],
)
@pytest.mark.req("XMLDSIG:4.4.3.3-COMMENTS")
def test_an_element_is_with_its_comments_or_without(uri: str, octets: bytes) -> None:
    found = resolved(reference(uri, transform(names.C14N_COMMENTS), body='<x Id="a"><!-- c -->t</x>'))
    assert found.octets == octets
    assert found.coverage.kind == "element"
    assert found.coverage.target is found.coverage.tops[0]


def test_the_whole_document_is_with_its_comments_or_without() -> None:
    for uri, held in (("", False), ("#xpointer(/)", True)):
        found = resolved(reference(uri, transform(names.C14N_COMMENTS), body="<!-- c -->"))
        assert found.octets is not None
        assert (b"<!-- c -->" in found.octets) is held
        assert found.coverage.whole


def test_the_trace_tells_what_was_done() -> None:
    found = resolved(
        reference("a", transform(names.BASE64) + transform(names.C14N_COMMENTS)),
        {"a": base64.b64encode(b"<a><!--b--></a>")},
    )
    assert found.octets == b"<a><!--b--></a>"
    assert [(step.action, step.implicit) for step in found.steps] == [
        ("decoded", False),
        ("parsed", True),
        ("canonicalised", False),
    ]
    implicit = resolved(reference("", transform(names.ENVELOPED)))
    assert [(step.action, step.implicit) for step in implicit.steps] == [
        ("without-signature", False),
        ("canonicalised", True),
    ]


def test_an_enveloped_signature_covers_all_but_itself() -> None:
    signature = signed(b"<doc><a Id='a'>1</a><b>2</b></doc>")
    (found,) = resolve_all(signature.signed_info.references, signature.element)
    root = signature.element.getroottree().getroot()
    assert found.intact
    assert found.coverage.is_all_but(signature.element)
    assert not found.coverage.is_all_but(root[0])
    assert found.coverage.holds(root[0])
    assert not found.coverage.holds(signature.element)
    assert not found.coverage.holds(root)
    assert not found.coverage.holds(signature.signed_info.element)


@pytest.mark.req("XMLDSIG:6.6.4")
def test_another_signature_is_not_taken_out_with_it() -> None:
    first = signed(b"<doc><a>1</a></doc>")
    second = signed(octets_of(first))
    document = Document.of(octets_of(second))
    outcomes = [
        resolve(read_signature(element, document).signed_info.references[0], document).intact
        for element in signatures_in(document.root)
    ]
    assert outcomes == [False, True]


def test_an_object_is_decoded_before_it_is_digested() -> None:
    text = base64.b64encode(b"some data").decode()
    found = resolved(
        reference(
            "#o",
            transform(names.BASE64),
            body=f"<o Id='o'>{text[:4]}<!-- -->\n<i>{text[4:]}</i></o>",
            digest=hashlib.sha256(b"some data").digest(),
        )
    )
    assert (found.intact, found.octets) == (True, b"some data")


def test_a_manifest_is_a_list_of_references() -> None:
    inner = read_reference_element("b.txt", hashlib.sha256(b"b").digest())
    octets = reference("#m", body=f'<Manifest xmlns="{DS}" Id="m">{inner}{inner}</Manifest>')
    document = Document.of(octets)
    target = resolved(octets).coverage.target
    assert target is not None
    with pytest.raises(Malformed, match="no ds:Manifest"):
        read_manifest(document.root)
    with pytest.raises(Malformed, match="more than the 1"):
        read_manifest(target, Limits(references=1))
    manifest = read_manifest(target)
    assert [found.intact for found in resolve_all(manifest, document, {"b.txt": b"b"})] == [True, True]
    assert [found.number for found in manifest] == [0, 1]


def read_reference_element(uri: str, digest: bytes) -> str:
    return (
        f'<Reference URI="{uri}"><DigestMethod Algorithm="{SHA256}"/>'
        f"<DigestValue>{base64.b64encode(digest).decode()}</DigestValue></Reference>"
    )


def test_a_reference_of_another_name_is_read_as_well() -> None:
    inner = read_reference_element("y", b"")[19:-12]
    octets = f'<r:FileRef xmlns:r="urn:r" xmlns="{DS}" URI="x">{inner}</r:FileRef>'
    found = read_reference(Document.of(octets.encode()).root)
    assert (found.uri, found.digest, found.expected) == ("x", "sha256", b"")
    with pytest.raises(Malformed, match="no DigestMethod"):
        read_reference(Document.of(b"<a/>").root)


def test_a_counter_signature_is_to_the_value_of_the_other() -> None:
    first = signed(b"<doc/>", value_id="v")
    second = signed(
        octets_of(first), [Wanted(uri="#v", type="http://uri.etsi.org/01903#CountersignedSignature")]
    )
    (found,) = resolve_all(second.signed_info.references, second.element)
    assert found.intact
    assert found.coverage.target is not None
    assert found.coverage.target.tag == f"{{{DS}}}SignatureValue"
    assert not found.coverage.is_all_but(second.element)
