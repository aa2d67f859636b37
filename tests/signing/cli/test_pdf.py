"""What the command line says of a signature in a PDF: how it looks, what it locks, the password."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import pikepdf
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate
from signing_house import TEXT, house, pdf
from typer.testing import CliRunner

from trustworks.app.wiring import Wiring
from trustworks.core.errors import Malformed, Rejected, TrustworksError
from trustworks.formats.data import Octets, Protected
from trustworks.formats.read import read
from trustworks.signing.cli.augment import app as augment
from trustworks.signing.cli.sign import app as sign

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "only this test's"


def run(app: Any, *arguments: object) -> str:
    done = CliRunner().invoke(app, [str(one) for one in arguments], obj=Wiring.lazy(None))
    if isinstance(done.exception, TrustworksError):
        raise done.exception
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("TRUSTWORKS_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pdf").write_bytes(pdf().octets())
    (tmp_path / "a.txt").write_bytes(TEXT)
    certificate = load_der_x509_certificate(house().person().certificate)
    (tmp_path / "anna.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    with pikepdf.open("a.pdf") as opened:
        opened.save("locked.pdf", encryption=pikepdf.Encryption(owner="owner", user=PASSWORD))
    return tmp_path


def signed(folder: Path, name: str, *options: object, again: tuple[object, ...] = ()) -> Path:
    """A file that is signed in three steps; `again` are the options of the first that the last has too."""
    steps = ("--certificate", "anna.pem", "--prepare", "state.json", "--dtbs", "to-be-signed")
    run(sign, name, *steps, *options, *again)
    (folder / "value").write_bytes(house().person().sign((folder / "to-be-signed").read_bytes()))
    out = folder / f"signed-{name}"
    run(sign, name, "--complete", "state.json", "--value", "value", "--out", out, *again)
    return out


def field_of(file: Path) -> tuple[list[float], str, object]:
    """Of the signature's field: its rectangle, what is read out in its place, and what it locks."""
    with pikepdf.open(file) as opened:
        (found,) = (one for one in opened.Root.AcroForm.Fields if "/Lock" in one or "/TU" in one)
        assert "/V" in found
        lock = found.get("/Lock")
        locks = lock and (str(lock.Action), [str(one) for one in lock.get("/Fields", [])])
        return [float(one) for one in found.Rect], str(found.get("/TU")), locks


def test_a_signature_is_visible_where_it_was_said(folder: Path) -> None:
    options = ("--visible-text", "Signed by Anna", "--visible-at", "60,70,100,80", "--visible-page", "-1")
    found = field_of(signed(folder, "a.pdf", *options))
    assert found == ([60, 70, 160, 150], "Signed by Anna", None)


def test_a_picture_is_visible_and_another_file_is_told(folder: Path) -> None:
    row = zlib.compress(b"\x00\xff\x00\x00")
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)), (b"IDAT", row), (b"IEND", b""))
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    (folder / "seal.png").write_bytes(png)
    where = ("--visible-at", "60,70,100,80")
    with pytest.raises(Rejected, match="PNG"):
        signed(folder, "a.pdf", "--visible-image", "a.txt", *where)
    found = field_of(signed(folder, "a.pdf", "--visible-image", "seal.png", *where))
    assert found == ([60, 70, 160, 150], "Digital signature", None)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--visible-at", "1,2,3,4"], "go with --visible-text or --visible-image"),
        (["--visible-text", "x"], "Say where the signature is visible"),
        (["--visible-text", "x", "--visible-at", "1,2,3"], "four numbers of points"),
        (["--visible-text", "x", "--visible-at", "a,b,c,d"], "four numbers of points"),
        (["--visible-text", "x", "--visible-page", "1", "--field", "f"], "Say where"),
        (["--visible-image", "none.png", "--visible-at", "1,2,30,40"], "cannot be read"),
        (["--lock", "a", "--lock-all"], "Give one of --lock"),
        (["--password-file", "none"], "cannot be read"),
    ],
)
def test_options_of_a_pdf_that_do_not_go_together_are_told(
    folder: Path, options: list[str], words: str
) -> None:
    with pytest.raises(Malformed, match=words):
        signed(folder, "a.pdf", *options)
    assert not (folder / "state.json").exists()


@pytest.mark.parametrize("place", ["0,0,0,0", "nan,1,50,50", "-1,0,50,50", "inf,0,50,50"])
def test_a_place_that_is_none_is_told(folder: Path, place: str) -> None:
    with pytest.raises(Rejected) as caught:
        signed(folder, "a.pdf", "--visible-text", "x", f"--visible-at={place}")
    assert caught.value.code == "pdf.place"


@pytest.mark.parametrize(
    ("options", "lock"),
    [
        (
            ["--lock", "amount", "--lock", "Signature1", "--field", "Signature1"],
            ("/Include", ["amount", "Signature1"]),
        ),
        (["--lock-except", "amount"], ("/Exclude", ["amount"])),
        (["--lock-all"], ("/All", [])),
    ],
)
def test_fields_are_locked(folder: Path, options: list[str], lock: object) -> None:
    assert field_of(signed(folder, "a.pdf", *options))[2] == lock


@pytest.mark.req("TRUSTWORKS:PDF-LOCK-KNOWN")
@pytest.mark.parametrize("option", ["--lock", "--lock-except"])
def test_a_field_that_is_not_there_is_not_locked(folder: Path, option: str) -> None:
    with pytest.raises(Rejected, match=r"'nope' .* It has 'amount'\. Name one that is there, or lock all"):
        signed(folder, "a.pdf", option, "nope")


def test_an_encrypted_pdf_is_signed_and_augmented_with_its_password(folder: Path) -> None:
    with pytest.raises(Rejected, match="password"):
        signed(folder, "locked.pdf")
    out = signed(folder, "locked.pdf", again=("--password-file", "password"))
    (one,) = read(Protected(Octets(out.read_bytes()), PASSWORD)).signatures
    assert one.level == "PAdES-BASELINE-B"
    with pytest.raises(Rejected, match="no time-stamping authority"):
        run(augment, out, "--level", "B-T", "--password-file", "password")


@pytest.mark.parametrize(
    ("octets", "words"), [(b"", "empty"), (b"\n", "empty"), (b"\xff", "UTF-8"), (b"x" * 2000, "octets")]
)
def test_a_file_of_a_password_that_is_none_is_told(folder: Path, octets: bytes, words: str) -> None:
    (folder / "password").write_bytes(octets)
    with pytest.raises(Malformed, match=f"no file of a password.*{words}"):
        signed(folder, "locked.pdf", "--password-file", "password")


def test_a_password_is_for_a_pdf(folder: Path) -> None:
    with pytest.raises(Malformed, match="is for a PDF"):
        signed(folder, "a.txt", "--password-file", "password")


def test_content_is_described_and_key_info_signed(folder: Path) -> None:
    found = signed(folder, "a.txt", "--description", "a contract").read_bytes()
    assert b"a contract" in found
    found = signed_again(folder)
    assert found.count(b"<ds:Reference ") == 3


def signed_again(folder: Path) -> bytes:
    (folder / "state.json").unlink()
    (folder / "to-be-signed").unlink()
    (folder / "a.xml").write_bytes(b"<a>what is signed</a>")
    return signed(folder, "a.xml", "--sign-key-info").read_bytes()
