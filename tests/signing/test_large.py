"""Large documents are never held: what is inside of a CMS structure or a PDF, and what is added to those."""

from __future__ import annotations

import mmap
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from signed_pdfs import document as pdf
from signing_house import TEXT, house, key_of

from trustworks.core.errors import Rejected
from trustworks.formats import data
from trustworks.formats.cades import reading
from trustworks.formats.cms import stored
from trustworks.formats.data import Extended, Joined, Mapped, Stored, digest_of
from trustworks.formats.limits import Limits
from trustworks.formats.pades.document import mentions
from trustworks.formats.read import read
from trustworks.signing.create import spooled
from trustworks.signing.create.process import Creation
from trustworks.signing.model import Document, Format, Level, Packaging, Request

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = TEXT * 20_000
SMALL = 4 * len(TEXT)


class Large(Stored):
    """A file that nobody may hold."""

    def octets(self) -> bytes:
        raise AssertionError("it is held")


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files from 60 octets on are large, and nothing may hold one."""

    def octets(one: Any) -> bytes:
        if one.size > len(CONTENT) // 2:
            raise AssertionError("it is held")
        return b"".join(one.portions())

    monkeypatch.setattr(spooled, "IN_MEMORY", SMALL)
    monkeypatch.setattr(stored, "LARGE", SMALL)
    monkeypatch.setattr(reading, "LARGE", SMALL)
    monkeypatch.setattr(data, "_MAPPED", SMALL)
    monkeypatch.setattr(data, "PORTION", 1024)
    for kind in (Stored, Joined, Extended, stored.Region):
        monkeypatch.setattr(kind, "octets", octets)


def a_file(folder: Path, octets: bytes = CONTENT, name: str = "a.bin") -> Stored:
    (folder / name).write_bytes(octets)
    return Large(folder / name, name)


def creation(folder: Path) -> Creation:
    return Creation(means=house().means, scratch=folder / "scratch")


def written(made: Any, file: Path) -> Stored:
    with file.open("wb") as stream:
        for portion in made.portions():
            stream.write(portion)
    return Large(file, file.name)


@pytest.mark.req("TRUSTWORKS:SIGNING-REQUEST-SIZE")
@pytest.mark.parametrize("level", list(Level))
def test_a_large_document_is_in_a_cms_structure_that_nobody_holds(tmp_path: Path, level: Level) -> None:
    request = Request(
        documents=(Document(data=a_file(tmp_path)),),
        format=Format.CADES,
        packaging=Packaging.ENVELOPING,
        level=level,
    )
    person = house().person()
    made = creation(tmp_path).sign(request, person.signer, person.sign)
    assert made.level == f"CAdES-BASELINE-{level.value[2:]}"
    evidence = read(written(made.data, tmp_path / "a.p7m"))
    (one,) = evidence.signatures
    assert one.level == made.level
    assert all(each.intact for each in one.references)
    (content,) = [each for each in evidence.data.values() if each.size == len(CONTENT)]
    assert b"".join(content.portions()) == CONTENT
    assert not list((tmp_path / "scratch").glob("*"))


def test_the_structure_is_der_and_what_it_is_in_memory(tmp_path: Path) -> None:
    """Octet for octet: the content is where it was, and the lengths are right."""
    person = house().person()
    request = Request(
        documents=(Document(data=a_file(tmp_path)),), format=Format.CADES, packaging=Packaging.ENVELOPING
    )
    written(creation(tmp_path).sign(request, person.signer, person.sign).data, tmp_path / "a.p7m")
    parsed = subprocess.run(
        ["openssl", "cms", "-cmsout", "-inform", "DER", "-in", "a.p7m", "-outform", "DER", "-out", "b.p7m"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
    )
    assert parsed.returncode == 0, parsed.stderr
    assert (tmp_path / "b.p7m").read_bytes() == (tmp_path / "a.p7m").read_bytes()


def foreign(folder: Path) -> Stored:
    """A structure by openssl, in BER of indefinite length, its content in parts."""
    person = house().person()
    certificate = x509.load_der_x509_certificate(person.certificate)
    (folder / "signer.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    private = key_of("secp256r1").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(private)
    (folder / "a.bin").write_bytes(CONTENT)
    subprocess.run(
        [
            *("openssl", "cms", "-sign", "-cades", "-binary", "-nodetach", "-stream", "-outform", "DER"),
            *("-signer", "signer.pem", "-inkey", "key.pem", "-in", "a.bin", "-out", "foreign.p7m"),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return Large(folder / "foreign.p7m", "foreign.p7m")


@pytest.mark.parametrize("behind", [b"", b"behind"])
def test_ber_of_others_is_augmented_and_stays_ber(tmp_path: Path, behind: bytes) -> None:
    file = foreign(tmp_path)
    with file.path.open("ab") as stream:
        stream.write(behind)
    before = file.path.read_bytes()
    assert before[1] == 0x80
    done = creation(tmp_path).augment(file, Level.LTA)
    assert [one.after for one in done.changes] == ["CAdES-BASELINE-LTA"]
    after = written(done.data, tmp_path / "after.p7m").path.read_bytes()
    assert after[1] == 0x80
    assert after.endswith(behind)
    begin = before.index(TEXT) - 64
    assert before[begin : begin + len(CONTENT)] in after
    (one,) = read(Large(tmp_path / "after.p7m")).signatures
    assert one.level == "CAdES-BASELINE-LTA"
    assert all(each.intact for each in one.references)


def test_a_large_structure_whose_content_was_changed_is_not_augmented(tmp_path: Path) -> None:
    file = foreign(tmp_path)
    octets = bytearray(file.path.read_bytes())
    octets[octets.index(TEXT) + 1] ^= 1
    file.path.write_bytes(octets)
    with pytest.raises(Rejected, match="does not hold by our own reader"):
        creation(tmp_path).augment(file, Level.T)


def test_a_document_that_changes_while_it_is_signed_is_refused(tmp_path: Path) -> None:
    """Between the digest and the writing nobody looks; what was written is looked at."""
    given, person = a_file(tmp_path), house().person()
    request = Request(documents=(Document(data=given),), format=Format.CADES, packaging=Packaging.ENVELOPING)

    def sign(octets: bytes) -> bytes:
        given.path.write_bytes(CONTENT.replace(b"what", b"That"))
        return person.sign(octets)

    with pytest.raises(Rejected):
        creation(tmp_path).sign(request, person.signer, sign)
    assert digest_of(given, "sha256") != given.digest("sha256")


def large_pdf(folder: Path, *, size: int = len(CONTENT)) -> Stored:
    """A PDF with a large stream that nothing refers to."""
    made = pdf().update({90: b"<< /Length %d >>\nstream\n%b\nendstream" % (size, b"x" * size)})
    octets = made.octets
    return a_file(folder, octets, "a.pdf")


@pytest.mark.parametrize("level", list(Level))
def test_a_large_pdf_is_looked_at_where_it_lies(tmp_path: Path, level: Level) -> None:
    given, person = large_pdf(tmp_path), house().person()
    request = Request(documents=(Document(data=given),), format=Format.PADES, level=level)
    made = creation(tmp_path).sign(request, person.signer, person.sign)
    assert made.level == f"PAdES-BASELINE-{level.value[2:]}"
    signed = written(made.data, tmp_path / "b.pdf")
    assert signed.path.read_bytes().startswith(given.path.read_bytes())
    found = read(signed, limits=Limits(parsed=SMALL * 100))
    assert [one.level for one in found.signatures] == [made.level]
    assert all(each.intact for one in found.signatures for each in one.references)
    done = creation(tmp_path).augment(signed, Level.LTA)
    assert [one.after for one in done.changes] == ["PAdES-BASELINE-LTA"]


def test_what_is_sought_in_a_file_is_found_across_its_stretches(tmp_path: Path) -> None:
    octets = b"/ByteRange" * 3000
    with a_file(tmp_path, octets).path.open("rb") as stream:
        mapped = Mapped(stream.fileno(), 0, access=mmap.ACCESS_READ)
    assert mapped.count(b"/ByteRange") == 3000
    assert mapped.count(b"geR") == octets.count(b"geR") == 0
    assert mapped.count(b"e/B") == octets.count(b"e/B")
    mentioned = b" ".join(b"%d 0 R" % number for number in range(1, 3000)) + b" "
    assert [number for _, number in mentions(mentioned, lambda _: None)] == list(range(1, 3000))
