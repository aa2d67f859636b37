"""`trustworks validate`: exit codes that are verdicts, and those that are none; evidence records."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from evidence_records import AUTHORITY, digest, record, stamp
from foreign_tokens import DATA
from typer.testing import CliRunner

from trustworks.core.errors import Unavailable
from trustworks.validation.cli.exits import Exit
from trustworks.validation.cli.validate import app
from trustworks.validation.service import Validator

PROGRAM = Path(sys.executable).with_name("trustworks")


def run(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def token(tmp_path: Path) -> Path:
    """A time-stamp token over `tmp_path / "data"`."""
    file = tmp_path / "token.tst"
    file.write_bytes(AUTHORITY.token())
    return file


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--nonsense"], "No such option"),
        ([], "Name the file to validate"),
        (["--policy", "none"], "There is no validation policy none"),
        (["--at", "yesterday"], "yesterday"),
        (["--trust", "missing"], "cannot be read"),
        (["--limit", "length=1"], "There is no limit length; there are attributes"),
        (["--limit", "references"], "such as references=5000"),
        (["--limit", "references=-1"], "such as references=5000"),
        (["--limit", "depth=257"], "is 256 at most"),
        (["--network", "everywhere"], "Write a network as 10.0.0.0/8"),
        (["--detached", "missing"], "missing cannot be read"),
        (["--evidence-record", "missing"], "missing cannot be read"),
        (["--sealed"], "--sealed goes with --etsi"),
        (["--sealed", "--json"], "--sealed goes with --etsi"),
    ],
)
def test_a_wrong_command_has_no_exit_code_of_a_verdict(arguments: list[str], said: str, token: Path) -> None:
    given: list[str | Path] = [*arguments, *([token] if arguments else [])]
    code, out, err = run(*given)
    assert (code, out) == (Exit.USAGE, "")
    assert said in err
    assert "Traceback" not in err


def test_a_file_beyond_a_limit_is_not_readable_and_no_verdict(tmp_path: Path) -> None:
    file = tmp_path / "many.xml"
    reference = (
        '<Reference URI=""><DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
        "<DigestValue>AAAA</DigestValue></Reference>"
    )
    signature = (
        '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo>'
        '<CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>'
        '<SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>{}</SignedInfo>'
        "<SignatureValue>AAAA</SignatureValue></Signature>"
    )
    file.write_text(f"<a>{signature.format(reference * 1_001)}{signature.format(reference)}</a>")
    code, out, err = run(file, "--offline")
    assert (code, out) == (Exit.UNREADABLE, "")
    assert "1001 references" in err
    assert "raise the limit `references`" in err.replace("\n", " ")
    code, out, _ = run(file, "--offline", "--json")
    assert code == Exit.UNREADABLE
    assert "1001 references" in json.loads(out)["error"]
    code, out, _ = run(file, "--offline", "--json", "--limit", "references=1001")
    assert (code, len(json.loads(out)["signatures"])) == (Exit.INDETERMINATE, 2)


def test_the_program_exits_alike(tmp_path: Path) -> None:
    ran = subprocess.run(
        [PROGRAM, "validate", tmp_path / "file", "--at", "yesterday"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (Exit.USAGE, "")
    assert ran.stderr.startswith("Error: ")


def test_what_no_configuration_seals_is_told_and_not_printed(tmp_path: Path, token: Path) -> None:
    config = tmp_path / "trustworks.toml"
    asked: list[str | Path] = [
        "validate",
        token,
        "--detached",
        tmp_path / "data",
        "--offline",
        "--etsi",
        "--sealed",
    ]
    (tmp_path / "data").write_bytes(b"data")
    for text, said in (
        ("", "has no [validation]"),
        ("[validation]\n", "has no [validation.seal], and so reports are not sealed"),
    ):
        config.write_text(f'[provider]\nname = "Trustworks TEST Provider"\n{text}', encoding="utf-8")
        ran = subprocess.run(
            [PROGRAM, "--config", config, *asked], capture_output=True, text=True, check=False, timeout=60
        )
        assert (ran.returncode, ran.stdout) == (Exit.UNAVAILABLE, "")
        assert said in " ".join(ran.stderr.split())


def test_what_cannot_be_had_now_is_no_verdict_either(token: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(*_: Any, **__: Any) -> None:
        raise Unavailable("trust.store", "The store cannot be written.")

    monkeypatch.setattr(Validator, "validate", unavailable)
    code, out, err = run(token, "--offline")
    assert (code, out, err) == (Exit.UNAVAILABLE, "", "Error: The store cannot be written.\n")


def test_evidence_records_are_given_in_files_of_their_own(tmp_path: Path, token: Path) -> None:
    first, second = tmp_path / "first.ers", tmp_path / "second.ers"
    first.write_bytes(record([stamp([[digest(token.read_bytes()), digest(b"neighbour")]])]))
    second.write_bytes(record([stamp([[digest(b"what is about something else")]])]))
    options = ("--evidence-record", first, "--evidence-record", second)
    _, out, _ = run(token, *options, "--offline", "--json")
    found = json.loads(out)["evidence_records"]
    assert [one["file"] for one in found] == ["first.ers", "second.ers"]
    assert [one["data_intact"] for one in found] == [True, False]
    assert json.loads(run(token, "--offline", "--json")[1])["evidence_records"] == []
    code, out, err = run(tmp_path, *options, "--offline")
    assert (code, out) == (Exit.USAGE, "")
    assert "--evidence-record are for one file" in err


def test_what_is_no_evidence_record_is_not_readable(tmp_path: Path, token: Path) -> None:
    other = tmp_path / "other.ers"
    other.write_bytes(b"text")
    assert run(token, "--evidence-record", other, "--offline")[0] == Exit.UNREADABLE


def test_a_name_in_a_folder_does_not_become_a_line_of_its_own(tmp_path: Path, token: Path) -> None:
    lie = "c\nother.pdf: S-1 TOTAL-PASSED\n\x1b[8m"
    (tmp_path / lie).write_bytes(token.read_bytes())
    (tmp_path / f"{lie}.txt").write_bytes(b"text")
    _, out, _ = run(tmp_path, "--offline")
    lines = out.splitlines()
    assert len(lines) == 3
    assert [one.startswith(r"c\nother.pdf: S-1 TOTAL-PASSED\n\x1b[8m") for one in lines] == [
        True,
        True,
        False,
    ]
    assert out.replace("\n", "").isprintable()
    _, out, _ = run(tmp_path, "--offline", "--json")
    assert [json.loads(one)["file"] for one in out.splitlines()] == [lie, f"{lie}.txt", "token.tst"]


def test_no_file_ends_the_run_over_a_folder(
    tmp_path: Path, token: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.tst").write_bytes(token.read_bytes())
    (tmp_path / "b.txt").write_bytes(b"text")
    validate = Validator.validate

    def faulty(self: Validator, file: Path, **given: Any) -> Any:
        if file.name == "a.tst":
            raise RecursionError
        return validate(self, file, **given)

    monkeypatch.setattr(Validator, "validate", faulty)
    code, out, err = run(tmp_path, "--offline", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [(one["file"], "error" in one) for one in lines] == [
        ("a.tst", True),
        ("b.txt", True),
        ("token.tst", False),
    ]
    assert code == Exit.FAULT
    assert err == (
        "3 files: 1 indeterminate, 1 without a signature or not readable, 1 not judged by a fault of the "
        "program.\n"
    )
    (tmp_path / "none").mkdir()
    assert run(tmp_path / "none", "--offline") == (Exit.UNREADABLE, "", "0 files: nothing to validate.\n")


def test_who_names_no_trust_anchors_is_told_so(tmp_path: Path, token: Path) -> None:
    (tmp_path / "data").write_bytes(DATA)
    asked: list[str | Path] = [token, "--detached", tmp_path / "data", "--offline"]
    said = "No trust anchors were given, so that no certificate leads to one. Name them by --trust FILE"
    for how in ((), ("--explain",)):
        code, _, err = run(*asked, *how)
        assert (code, err.count(said), err.count("\n")) == (Exit.INDETERMINATE, 1, 1)
    assert run(*asked, "--json")[2] == ""
    anchor = tmp_path / "anchor.pem"
    anchor.write_bytes(AUTHORITY.certificate)
    assert said not in run(*asked, "--trust", anchor)[2]
