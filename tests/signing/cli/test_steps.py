"""The three steps of `trustworks sign` with a key elsewhere: what each takes, and values by openssl."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import load_der_x509_certificate
from signing_house import KINDS, TEXT, house, key_of
from typer.testing import CliRunner

from trustworks.app.wiring import Wiring
from trustworks.core.errors import Malformed, Rejected, TrustworksError
from trustworks.core.output import write_output
from trustworks.signing.cli.sign import app as sign

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PSS = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest")


def run(*arguments: object) -> str:
    done = CliRunner().invoke(sign, [str(one) for one in arguments], obj=Wiring.lazy(None))
    if isinstance(done.exception, TrustworksError):
        raise done.exception
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("TRUSTWORKS_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_bytes(TEXT)
    return tmp_path


def prepared(folder: Path, kind: str, *options: object) -> None:
    """Step 1 with the certificate of a key of that kind, which is written too, as its holder has it."""
    person = house().person(kind)
    certificate = load_der_x509_certificate(person.certificate)
    (folder / "anna.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    key = key_of(KINDS[kind].make).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "anna.key").write_bytes(key)
    steps = ("--prepare", "state.json", "--dtbs", "to-be-signed", "--scheme", KINDS[kind].scheme)
    run("a.txt", "--certificate", "anna.pem", *steps, *options)


def openssl(folder: Path, *options: str) -> None:
    arguments = ["openssl", "dgst", "-sha256", *options, "-sign", "anna.key", "-out", "value", "to-be-signed"]
    subprocess.run(arguments, cwd=folder, check=True, capture_output=True)


def complete(*options: object, out: str = "done.p7m") -> str:
    return run("a.txt", "--complete", "state.json", "--value", "value", "--out", out, *options)


@pytest.mark.parametrize(("kind", "options"), [("P-256", ()), ("RSA-PSS", PSS)])
def test_openssl_is_the_key_elsewhere(folder: Path, kind: str, options: tuple[str, ...]) -> None:
    prepared(folder, kind)
    openssl(folder, *options)
    assert complete() == "done.p7m: CAdES-BASELINE-B, verified.\n"


def test_a_value_of_another_padding_is_told_with_the_scheme(folder: Path) -> None:
    prepared(folder, "RSA-PSS")
    openssl(folder)
    with pytest.raises(Rejected, match=r"by RSA_PSS_SHA256, with a salt.*rsa_pss_saltlen:digest") as caught:
        complete()
    assert caught.value.code == "signature.own"
    assert not (folder / "done.p7m").exists()


@pytest.mark.parametrize("form", ["cades", "xades", "jades"])
def test_a_value_of_two_numbers_side_by_side_is_told_to_be_der(folder: Path, form: str) -> None:
    packaging = ("--packaging", "enveloping")
    prepared(folder, "P-256", "--format", form, *packaging)
    openssl(folder)
    numbers = decode_dss_signature((folder / "value").read_bytes())
    (folder / "value").write_bytes(b"".join(one.to_bytes(32, "big") for one in numbers))
    with pytest.raises(Rejected, match="by ECDSA_SHA256, in DER and not r and s side by side"):
        complete()


def test_a_value_is_refused_after_other_documents(folder: Path) -> None:
    prepared(folder, "P-256")
    openssl(folder)
    (folder / "a.txt").write_bytes(b"another")
    with pytest.raises(Rejected) as caught:
        complete()
    assert caught.value.code == "data.changed"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--qualified"], "--complete has no use for --qualified"),
        (["--key", "services/seal", "--batch"], "no use for --batch and --key"),
        (["--certificate", "anna.pem"], "no use for --certificate"),
        (["--prepare", "other.json"], "no use for --prepare"),
        (["--reason", "why"], "settled by --prepare"),
        (["--hash", "sha256"], "no use for --hash"),
        (["--level", "B-LTA"], "prepared as B-B, and --level says B-LTA"),
        (["--format", "xades"], "prepared as cades, and --format says xades"),
        (["--password-file", "anna.pem"], "is no file of a password|is for a PDF"),
    ],
)
def test_the_last_step_takes_no_option_that_was_settled(folder: Path, options: list[str], words: str) -> None:
    prepared(folder, "P-256")
    openssl(folder)
    with pytest.raises(Malformed, match=words):
        complete(*options)
    assert not (folder / "done.p7m").exists()
    complete("--level", "B-B", "--format", "cades")


def test_a_card_signs_nothing_whose_level_cannot_be_reached(folder: Path) -> None:
    with pytest.raises(Rejected, match=r"For level B-LTA a time-stamp is needed.*--tsa") as caught:
        prepared(folder, "P-256", "--level", "B-LTA")
    assert caught.value.code == "signing.no-stamper"
    with pytest.raises(Rejected, match="Level B-LT needs the status of certificates") as caught:
        prepared(folder, "P-256", "--level", "B-LT", "--tsa", "http://127.0.0.1:1/tsa")
    assert caught.value.code == "signing.no-evidence"
    assert not (folder / "state.json").exists()
    assert not (folder / "to-be-signed").exists()


@pytest.mark.parametrize("again", ["both", "./both", "link"])
def test_what_is_prepared_and_what_is_signed_are_two_files(folder: Path, again: str) -> None:
    prepared(folder, "P-256")
    (folder / "link").symlink_to("both")
    before = set(folder.iterdir())
    with pytest.raises(Malformed, match="--prepare and --dtbs name the same file"):
        run("a.txt", "--certificate", "anna.pem", "--prepare", "both", "--dtbs", again)
    assert set(folder.iterdir()) == before


def test_no_half_of_what_is_prepared_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def first_alone(out: Path, content: Iterable[bytes]) -> None:
        if out.name == "state.json":
            raise Rejected("output.unwritable", "The disk is full.")
        write_output(out, content)

    monkeypatch.setattr("trustworks.signing.cli.steps.write_output", first_alone)
    with pytest.raises(Rejected, match="disk is full"):
        prepared(folder, "P-256")
    assert not (folder / "to-be-signed").exists()


@pytest.mark.parametrize(
    "option", [["--key", "a/b"], ["--out", "x"], ["--batch"], ["--replace"], ["--value", "v"]]
)
def test_the_first_step_takes_no_option_of_the_last(folder: Path, option: list[str]) -> None:
    with pytest.raises(Malformed, match=f"--prepare has no use for {option[0]}"):
        prepared(folder, "P-256", *option)
    assert not (folder / "state.json").exists()


@pytest.mark.parametrize("option", ["--dtbs", "--value"])
def test_a_key_at_hand_takes_no_option_of_the_steps(folder: Path, option: str) -> None:
    with pytest.raises(Malformed, match=f"no use for {option}"):
        run("a.txt", "--key", "services/seal", "--certificate", "anna.pem", option, "x")
    assert {one.name for one in folder.iterdir()} == {"a.txt"}


@pytest.mark.parametrize("octets", [b"{}", b"[]", b"%PDF-"])
def test_another_file_than_was_prepared_is_told(folder: Path, octets: bytes) -> None:
    prepared(folder, "P-256")
    openssl(folder)
    (folder / "state.json").write_bytes(octets)
    with pytest.raises(Malformed, match="Give the file that the first step wrote"):
        complete()


def test_what_is_needed_is_told(folder: Path) -> None:
    prepared(folder, "P-256")
    openssl(folder)
    with pytest.raises(Malformed, match="needs --value"):
        run("a.txt", "--complete", "state.json", "--out", "x")
    with pytest.raises(Malformed, match="needs --out"):
        run("a.txt", "--complete", "state.json", "--value", "value")
    with pytest.raises(Malformed, match="cannot be read"):
        run("a.txt", "--complete", "none.json", "--value", "value", "--out", "x")
