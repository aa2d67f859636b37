"""Reports of every kind from the command line: printed, into a file, all of them into a folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from qualified_reports import CA, KEYS, certify
from typer.testing import CliRunner

from trustworks.validation.cli import printing
from trustworks.validation.cli.validate import app

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.x509 import Certificate
    from typer.testing import Result

SIGNER: Certificate = certify("signer")


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    builder = pkcs7.PKCS7SignatureBuilder().set_data(b"contract")
    builder = builder.add_signer(SIGNER, KEYS["signer"], hashes.SHA256()).add_certificate(CA)
    file = tmp_path / "contract.p7m"
    file.write_bytes(builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary]))
    return file


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments), "--offline"])


def test_a_page_is_printed_and_a_pdf_goes_into_a_file(signed: Path, tmp_path: Path) -> None:
    page = run(signed, "--html")
    assert (page.exit_code, page.stdout.startswith("<!doctype html>")) == (2, True)
    assert run(signed, "--pdf", "--output", tmp_path / "a.pdf").exit_code == 2
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert run(signed, "--pdf").stdout_bytes.startswith(b"%PDF")


def test_all_kinds_go_into_a_folder_and_the_verdict_is_printed(signed: Path, tmp_path: Path) -> None:
    done = run(signed, "--report", tmp_path / "new" / "reports")
    assert done.exit_code == 2
    assert done.stdout.startswith("Signature: INDETERMINATE")
    written = {one.name: one.read_bytes() for one in (tmp_path / "new" / "reports").iterdir()}
    assert sorted(written) == [
        *("explanation.txt", "report.html", "report.json", "report.pdf", "report.txt", "report.xml"),
    ]
    assert json.loads(written["report.json"])["signatures"][0]["signer"] == "signer"
    assert b"ValidationReport" in written["report.xml"]


def test_no_report_is_written_over_another(signed: Path, tmp_path: Path) -> None:
    (tmp_path / "report.pdf").write_bytes(b"evidence")
    done = run(signed, "--report", tmp_path)
    assert done.exit_code == 64
    assert "report.pdf exists. Name a file that does not." in done.stderr
    done = run(signed, "--html", "--output", tmp_path / "report.pdf")
    assert (done.exit_code, (tmp_path / "report.pdf").read_bytes()) == (64, b"evidence")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["contract.p7m", "report.pdf"]


def test_what_is_asked_for_is_one_kind_about_one_file(signed: Path, tmp_path: Path) -> None:
    done = run(signed, "--html", "--json")
    assert done.exit_code == 64
    assert "--json and --html are kinds of report: ask for one" in done.stderr
    done = run(tmp_path, "--pdf")
    assert done.exit_code == 64
    assert "are for one file, not a folder" in done.stderr
    assert run(signed, "--report", signed).exit_code == 64


def test_a_pdf_is_not_written_to_a_terminal(signed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        class stdout:  # noqa: N801 - stands for that of sys
            @staticmethod
            def isatty() -> bool:
                return True

    monkeypatch.setattr(printing, "sys", Terminal)
    done = run(signed, "--pdf")
    assert (done.exit_code, done.stdout) == (64, "")
    assert "A PDF is nothing for a terminal: add --output FILE" in done.stderr
