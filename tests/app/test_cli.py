"""The command line as a whole: what becomes of errors that nobody expected."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from foreign_tokens import DATA, ForeignAuthority

from trustworks.app import cli
from trustworks.core.errors import Malformed


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    def app(_: Any) -> None:
        raise IndexError("list index out of range")

    monkeypatch.setattr(cli, "app", app)


def ended() -> int:
    with pytest.raises(SystemExit) as caught:
        cli.main(["time", "status"])
    assert isinstance(caught.value.code, int)
    return caught.value.code


@pytest.mark.usefixtures("faulty")
def test_a_fault_of_the_program_is_one_sentence_and_another_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(cli.TRACEBACK, raising=False)
    assert ended() == cli.FAULT == 70
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "a fault of the program" in said
    assert "IndexError: list index out of range" in said
    assert f"{cli.TRACEBACK}=1" in said


def test_an_error_moves_no_terminal_and_keeps_its_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def app(_: Any) -> None:
        raise Malformed("Two problems:\nthe \x1b[2J name\nthe \udcff file")

    monkeypatch.setattr(cli, "app", app)
    assert ended() == 2
    said = capsys.readouterr().err
    assert said == "Malformed: Two problems:\nthe \\x1b[2J name\nthe \\udcff file\n"


_KEY = ("--token", "tsu", "--label")


@pytest.mark.parametrize(
    "call",
    [
        ("module", "init-token", "--pin-file", "p", "--so-pin-file", "s", "--label"),
        ("module", "generate-key", *_KEY),
        ("module", "request", *_KEY),
        ("module", "destroy-key", *_KEY, "x", "--confirm", "x", "--reason"),
        ("module", "approve", "--operator"),
        ("time", "release", "--reason", "x", "--operator"),
        ("audit", "show"),
        ("audit", "list", "--stream"),
        ("audit", "list", "--type"),
        ("certificate", "list", "--subject"),
        ("certificate", "settle", "--by"),
        (
            "certificate",
            "issue",
            "--profile",
            "x",
            "--csr",
            __file__,
            "--subject",
            "CN=x",
            "--alternative-name",
        ),
        ("crl", "publish", "--by"),
    ],
)
def test_text_that_is_no_utf8_is_refused_whatever_it_is_for(
    call: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main([*call, "a\udcff"])
    assert caught.value.code == 2
    assert re.search(r"^Malformed: \S+: 'a\\udcff' is no UTF-8\. Write it in UTF-8", capsys.readouterr().err)


def test_a_file_whose_name_is_no_utf8_is_named_in_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    octets = b"a\xff"
    monkeypatch.setattr(cli, "app", lambda _: typer.echo(f"It is in {Path(os.fsdecode(octets))}."))
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="utf-8"))
    cli.main([])
    assert written.getvalue() == b"It is in a\\udcff.\n"


@pytest.mark.usefixtures("faulty")
def test_where_the_fault_is_can_be_seen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(cli.TRACEBACK, "1")
    assert ended() == cli.FAULT
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "in app" in said


def test_the_package_is_a_program_too() -> None:
    command = [sys.executable, "-m", "trustworks", "--version"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("trustworks ")


HELP = [
    ("audit", "verify"),
    ("audit", "list"),
    ("audit", "show"),
    ("certificate", "issue"),
    ("timestamp", "request"),
    ("lab",),
]


@pytest.mark.parametrize("command", HELP, ids=" ".join)
def test_help_speaks_of_what_to_write_and_not_of_python(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main([*command, "--help"])
    said = capsys.readouterr().out
    assert "Usage:" in said
    assert not re.search(r"<(list|int|str|float|tuple)\b|Path\b", said), said


@pytest.mark.filterwarnings("ignore::UserWarning")  # of this process
def test_what_is_odd_in_a_foreign_certificate_is_no_warning_to_the_user(tmp_path: Path) -> None:
    tsa = ForeignAuthority()
    odd = x509.load_der_x509_certificate(tsa.certify_ca(b"CA", serial=-5))
    for name, octets in (("ca.pem", odd.public_bytes(Encoding.PEM)), ("data", DATA), ("t.tst", tsa.token())):
        (tmp_path / name).write_bytes(octets)
    asked = ["timestamp", "verify", "data", "t.tst", "--trust", "ca.pem"]
    command = [sys.executable, "-c", f"from trustworks.app.cli import main; main({asked})"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stdout.startswith("Valid: data existed at 2026-05-04T03:02:01Z.")
    assert done.stderr == ""
