"""What `trustworks sign` and `trustworks augment` read is never lost to what they write."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate
from signing_command import Wired
from signing_house import TEXT, XML, house, pdf
from typer.testing import CliRunner

from trustworks.core.errors import Malformed, Rejected, TrustworksError
from trustworks.core.trace import rule_of
from trustworks.formats.data import Octets
from trustworks.formats.read import read
from trustworks.signing.cli.augment import app as augment
from trustworks.signing.cli.sign import app as sign

if TYPE_CHECKING:
    from pathlib import Path

SIGN = ("--key", "any", "--certificate", "anna.pem")
DETACHED = (*SIGN, "--packaging", "detached")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("TRUSTWORKS_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    certificate = load_der_x509_certificate(house().person().certificate)
    (tmp_path / "anna.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (tmp_path / "a.txt").write_bytes(TEXT)
    (tmp_path / "b.txt").write_bytes(TEXT + b"b")
    (tmp_path / "a.pdf").write_bytes(pdf().octets())
    (tmp_path / "a.xml").write_bytes(XML)
    return tmp_path


def run(app: Any, *arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), obj=Wired())
    if isinstance(done.exception, TrustworksError):
        raise done.exception
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def spared(folder: Path, app: Any, *arguments: str) -> None:
    """It is refused by the rule with a sentence that says what to do, and every file is as it was."""
    before = {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}
    with pytest.raises(Rejected, match=r"would be lost\. Name another file\.") as caught:
        run(app, *arguments, "--replace")
    assert caught.value.code == "output.input"
    assert rule_of(caught.value) == "TRUSTWORKS:SIGNING-SPARES-INPUT"
    assert {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()} == before


@pytest.mark.req("TRUSTWORKS:SIGNING-SPARES-INPUT")
@pytest.mark.parametrize("name", ["a.txt", "./a.txt", "link", "same", "anna.pem", "policy"])
def test_no_signature_stands_in_the_place_of_what_is_read(folder: Path, name: str) -> None:
    (folder / "link").symlink_to("a.txt")
    os.link(folder / "a.txt", folder / "same")
    (folder / "policy").write_bytes(b"signed so")
    spared(folder, sign, "a.txt", *DETACHED, "--out", name, "--policy", "urn:a", "--policy-file", "policy")


@pytest.mark.req("TRUSTWORKS:SIGNING-SPARES-INPUT")
@pytest.mark.parametrize(
    "options",
    [
        ("a.xml", "--format", "xades", "--packaging", "detached", "--out", "a.xml"),
        ("a.txt", "b.txt", "--format", "jades", "--packaging", "detached", "--out", "b.txt"),
        ("a.txt", "b.txt", "--format", "xades", "--packaging", "detached", "--manifest", "--out", "b.txt"),
    ],
)
def test_no_detached_signature_of_any_format_takes_it(folder: Path, options: tuple[str, ...]) -> None:
    spared(folder, sign, *options, *SIGN)


@pytest.mark.req("TRUSTWORKS:SIGNING-SPARES-INPUT")
def test_nor_one_that_is_added_to_others_nor_what_is_augmented(folder: Path) -> None:
    run(sign, "a.txt", *DETACHED, "--out", "a.p7s")
    spared(folder, sign, "a.p7s", "a.txt", *DETACHED, "--parallel", "--out", "a.txt")
    spared(folder, augment, "a.p7s", "--detached", "a.txt", "--level", "B-T", "--out", "a.txt")
    run(augment, "a.p7s", "--detached", "a.txt", "--level", "B-T", "--out", "a.p7s", "--replace")
    run(sign, "a.p7s", "a.txt", *DETACHED, "--parallel", "--out", "a.p7s", "--replace")
    found = read(Octets((folder / "a.p7s").read_bytes()), detached=[Octets(TEXT, "a.txt")])
    assert len(found.signatures) == 2


@pytest.mark.req("TRUSTWORKS:SIGNING-SPARES-INPUT")
def test_nor_one_that_is_completed(folder: Path) -> None:
    prepare = ("--prepare", "state", "--dtbs", "dtbs", "--certificate", "anna.pem", "--packaging", "detached")
    run(sign, "a.txt", *prepare)
    (folder / "value").write_bytes(house().person().sign((folder / "dtbs").read_bytes()))
    for out in ("a.txt", "state", "value"):
        spared(folder, sign, "a.txt", "--complete", "state", "--value", "value", "--out", out)
    run(sign, "a.txt", "--complete", "state", "--value", "value", "--out", "dtbs", "--replace")


@pytest.mark.req("TRUSTWORKS:SIGNING-SPARES-INPUT")
def test_nor_one_of_a_folder(folder: Path) -> None:
    (folder / "many").mkdir()
    (folder / "out").mkdir()
    (folder / "many" / "a.txt").write_bytes(TEXT)
    os.link(folder / "many" / "a.txt", folder / "out" / "a.txt.signed.p7s")
    options = (*DETACHED, "--batch", "--out", "out", "--replace")
    done = CliRunner().invoke(sign, ["many", *options], obj=Wired())
    assert done.exit_code == 1
    assert "would be lost. Name another file." in done.stderr
    assert (folder / "out" / "a.txt.signed.p7s").read_bytes() == TEXT


def test_the_standard_streams_are_no_files(folder: Path) -> None:
    for app, *options in ((sign, "a.txt", *SIGN), (augment, "a.pdf")):
        with pytest.raises(Rejected, match=r"^- is no file.*Name a file\.") as caught:
            run(app, *options, "--out", "-")
        assert caught.value.code == "output.no-file"
    for app, *options in ((sign, "-", *SIGN), (augment, "-")):
        with pytest.raises(Malformed, match=r"^- is no file.* Name a file\."):
            run(app, *options)
    assert not (folder / "-").exists()


def test_a_name_that_would_be_too_long_says_how_another_is_given(folder: Path) -> None:
    long = "a" * 240 + ".txt"
    (folder / long).write_bytes(TEXT)
    for app, *options in ((sign, long, *SIGN), (augment, long)):
        with pytest.raises(
            Rejected, match=r"too long\. Name another file\. It is named by --out\."
        ) as caught:
            run(app, *options)
        assert caught.value.code == "output.unwritable"
    run(sign, long, *SIGN, "--out", "short")
    with pytest.raises(Rejected, match=r"too long\. Name another file\.$"):
        run(sign, "a.txt", *SIGN, "--out", "b" * 300)


@pytest.mark.parametrize(
    "options",
    [
        ("a.pdf",),
        ("a.xml",),
        ("a.txt",),
        ("a.txt", "--format", "jades"),
        ("a.txt", "--container", "asic-e"),
        ("a.xml", "--packaging", "enveloping"),
    ],
)
def test_what_holds_the_document_may_stand_in_its_place(folder: Path, options: tuple[str, ...]) -> None:
    run(sign, *options, *SIGN, "--out", options[0], "--replace")
    (found,) = read(Octets((folder / options[0]).read_bytes())).signatures
    assert found.references
    assert all(one.intact for one in found.references)
