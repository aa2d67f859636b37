"""What a file is by its octets, also where it holds another."""

from __future__ import annotations

import hashlib

import cms_maker
import pytest
import signed_pdfs
from asic_vectors import ASIC_S, Maker, container
from cryptography.hazmat.primitives import hashes

from trustworks.core.errors import Malformed
from trustworks.formats.data import DigestOnly, Octets
from trustworks.formats.read import kind_of, read

PDF = b"%PDF-1.7\n"


@pytest.mark.parametrize(
    ("octets", "kind"),
    [
        (PDF, "pdf"),
        (b"\n junk " + PDF, "pdf"),
        (container({"a.pdf": PDF}, None, packed=False), "zip"),
        (Maker().cades(PDF), "cms"),
        (bytes.fromhex("30820000 06092a864886f70d010702") + PDF, "cms"),
        (b"-----BEGIN CMS-----", "cms"),
        (b"MIIB", "cms"),
        (b"\x30\x80\x02\x01\x01", "cms"),
        (b'<?xml version="1.0"?><x>%PDF-</x>', "xml"),
        (b"\xef\xbb\xbf <x/>", "xml"),
        (b'{"payload": "%PDF-"}', "json"),
        (b"eyJhbGciOiJFUzI1NiJ9.e30.AAAA", "json"),
        (b"ewogImFsZyI6IDF9.e30.AAAA", "json"),
        (b"CnsiYWxnIjoxfQ.e30.AAAA", "json"),
    ],
)
def test_a_file_is_what_it_begins_as(octets: bytes, kind: str) -> None:
    assert kind_of(Octets(octets)) == kind


def test_an_empty_file_is_told_as_such() -> None:
    with pytest.raises(Malformed, match="The file is empty"):
        kind_of(Octets(b""))


@pytest.mark.parametrize("octets", [b"hello", b"GIF89a", b"eyes only."])
def test_what_is_none_of_them_is_refused(octets: bytes) -> None:
    with pytest.raises(Malformed, match="Give the signed file"):
        kind_of(Octets(octets))


def unsigned(file: bytes, *beside: bytes, pool: bool = False) -> list[str]:
    """The names of data that were given and that nothing is over."""
    given = [Octets(octets, f"{number}.xml") for number, octets in enumerate(beside)]
    found = read(Octets(file), detached=given, pool=pool).findings
    texts = [one.text for one in found if one.code == "given.uncovered"]
    return [one.name or "" for one in given if any(f"Of {one.name} " in text for text in texts)]


def test_data_that_was_given_and_is_not_signed_is_told_in_every_format() -> None:
    maker = Maker()
    members = {"a.txt": b"first", "META-INF/signature.p7s": maker.cades(b"first")}
    files = {
        "cms": cms_maker.basic(content=b"first"),
        "pdf": signed_pdfs.Pdf().update(signed_pdfs.OBJECTS).signed_with().octets,
        "zip": container(members, ASIC_S),
        "token": maker.token(b"first"),
        "xml": maker.xml({"0.xml": b"first"}),
    }
    for kind, file in files.items():
        expected = ["0.xml"] if kind == "pdf" else []
        assert unsigned(file, b"first") == expected, kind
        assert unsigned(file, b"first", b"other") == [*expected, "1.xml"], kind
    assert unsigned(files["cms"], b"other", pool=True) == []


def test_data_that_is_signed_after_transforms_is_signed() -> None:
    """Detached XML in canonical form, given under a name that is not that of the reference."""
    canonical = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
    maker = Maker()
    steps = f'<ds:Transforms><ds:Transform Algorithm="{canonical}"></ds:Transform></ds:Transforms>'
    signed = maker.xml({"urn:other": b"<a></a>"}, transforms=steps)
    assert unsigned(signed, b"<a/>") == []
    (signature,) = read(Octets(signed), detached=[Octets(b"<a/>", "0.xml")]).signatures
    assert signature.references[0].intact


SIGNED, OTHER = b"first", b"a contract that nobody signed"


def digests(**of: bytes) -> DigestOnly:
    return DigestOnly(tuple((name, hashlib.new(name, octets).digest()) for name, octets in of.items()), "x")


def test_of_several_digests_only_the_one_that_was_compared_counts() -> None:
    file = Octets(Maker().cades(SIGNED))
    lie = digests(sha512=OTHER, sha256=SIGNED)
    found = read(file, detached=[lie])
    assert [one.intact for one in found.signatures[0].references] == [True]
    (data,) = found.data.values()
    assert data == digests(sha256=SIGNED)
    assert found.signatures[0].scopes[0].data == data
    assert "given.uncovered" not in {one.code for one in found.findings}


def test_a_digest_beside_one_that_fits_covers_no_data() -> None:
    # Whoever asks gives both: one is compared, and the other would make of a contract a signed one.
    file, contract = Octets(Maker().cades(SIGNED, hashes.SHA512)), Octets(OTHER, "contract.pdf")
    for given in (digests(sha256=OTHER, sha512=SIGNED), digests(sha512=SIGNED)):
        found = read(file, detached=[given, contract])
        assert found.signatures[0].references[0].intact
        texts = [one.text for one in found.findings if one.code == "given.uncovered"]
        assert len(texts) == 1
        assert "Of contract.pdf" in texts[0]


def test_a_digest_by_another_function_than_the_signature_covers_nothing() -> None:
    found = read(Octets(Maker().cades(SIGNED)), detached=[digests(sha512=SIGNED)])
    (reference,) = found.signatures[0].references
    assert (reference.intact, reference.covers) == (False, frozenset())
    assert (found.data, found.signatures[0].scopes) == ({}, ())
