"""`trustworks augment` tells what it added, and says so where nothing had to be added."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from signing_forms import asked
from signing_house import house
from typer.testing import CliRunner

from trustworks.signing.cli.augment import app as augment
from trustworks.signing.create.process import Creation

if TYPE_CHECKING:
    from pathlib import Path


class Wired:
    """What the command needs of the application: time-stamps and status of the house."""

    def creation(self, sources: object) -> Creation:
        del sources
        return Creation(means=house().means)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    person = house().person()
    made = Creation(means=house().means).sign(asked("pades"), person.signer, person.sign)
    (tmp_path / "a.pdf").write_bytes(made.data.octets())
    return tmp_path / "a.pdf"


def run(*arguments: str) -> list[str]:
    done = CliRunner().invoke(augment, list(arguments), obj=Wired())
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout.splitlines()


def test_what_was_added_is_told(file: Path) -> None:
    told, written = run("a.pdf", "--level", "B-T")
    assert told.endswith(": PAdES-BASELINE-B is now PAdES-BASELINE-T, 1 time-stamp added.")
    assert written.startswith("a.augmented.pdf is written; new in it: 1 certificate, no revocation lists")
    told, written = run("a.augmented.pdf", "--level", "B-LTA", "--out", "lta.pdf")
    assert told.endswith(": PAdES-BASELINE-T is now PAdES-BASELINE-LTA, 1 time-stamp added.")
    assert written.endswith((" 1 revocation list or OCSP answer.", "OCSP answers."))
    told, _ = run("lta.pdf", "--renew", "--out", "renewed.pdf")
    assert told.endswith(": is PAdES-BASELINE-LTA as before, 1 time-stamp added.")
    assert file.exists()


@pytest.mark.parametrize("level", ["B-B", "B-T", "B-LT", "B-LTA"])
def test_where_nothing_had_to_be_added_nothing_is_written(file: Path, level: str) -> None:
    run("a.pdf", "--level", level, "--out", "there.pdf") if level != "B-B" else file.rename("there.pdf")
    told, nothing = run("there.pdf", "--level", level, "--out", "again.pdf")
    assert " as before, no time-stamps added." in told
    assert nothing == "Nothing had to be added, and no file is written."
    (one,) = run("there.pdf", "--level", level, "--out", "again.pdf", "--json")
    found = json.loads(one)
    assert (found["file"], found["certificates"], found["revocation"]) == (None, 0, 0)
    assert found["signatures"][0]["time_stamps"] == 0
    assert not (file.parent / "again.pdf").exists()
