"""`trustworks sign --batch`: what is in a folder and is not signed, what was signed before, what stops it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate
from signing_command import Wired
from signing_house import TEXT, house
from typer.testing import CliRunner

from trustworks.core.errors import Unavailable
from trustworks.signing.cli.sign import app as sign

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

    from trustworks.core.module.algorithms import SignatureScheme


class Down:
    """An authority that answers so many times."""

    def __init__(self, times: int) -> None:
        self.times = times

    def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
        self.times -= 1
        if self.times < 0:
            raise Unavailable("timestamping.unreachable", "The authority did not answer.")
        return house().stamp(digest, hash_name)


@pytest.fixture
def wired() -> Wired:
    return Wired()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two documents, where the command runs."""
    monkeypatch.chdir(tmp_path)
    certificate = load_der_x509_certificate(house().person().certificate)
    (tmp_path / "anna.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    many = tmp_path / "many"
    many.mkdir()
    for name in ("a.txt", "b.txt"):
        (many / name).write_bytes(TEXT + name.encode())
    return many


def run(wired: Wired, *options: str) -> Result:
    by = ("--key", "any", "--certificate", "anna.pem", "--batch", "--out", "signed")
    return CliRunner().invoke(sign, ["many", *by, *options], obj=wired)


def test_what_is_no_file_is_told_and_no_link_is_followed(wired: Wired, folder: Path) -> None:
    (folder / "l.txt").symlink_to("/etc/hostname")
    (folder / "gone.txt").symlink_to("nowhere")
    (folder / "within").symlink_to(folder.parent)
    (folder / "sub").mkdir()
    (folder / ".hidden.txt").write_bytes(TEXT)
    os.mkfifo(folder / "pipe")
    done = run(wired)
    assert done.exit_code == 0
    assert {one.name for one in (folder.parent / "signed").iterdir()} == {
        "a.txt.signed.p7m",
        "b.txt.signed.p7m",
    }
    assert done.stderr.splitlines() == [
        "many/.hidden.txt: passed over, hidden.",
        "many/gone.txt: passed over, a symbolic link, which is not followed.",
        "many/l.txt: passed over, a symbolic link, which is not followed.",
        "many/pipe: passed over, no regular file.",
        "many/sub: passed over, a folder, whose files are signed by themselves.",
        "many/within: passed over, a symbolic link, which is not followed.",
    ]
    assert done.stdout.splitlines()[-1] == (
        "2 of 2 files are signed. Passed over: 1 folders, 3 symbolic links, 1 hidden, 1 no regular files."
    )
    assert wired.key.used == 2


def test_the_folder_of_what_is_signed_may_be_in_it(wired: Wired, folder: Path) -> None:
    inside = str(folder / "signed")
    for _ in range(2):
        done = run(wired, "--out", inside)
        assert (done.exit_code, done.stderr) == (0, "")
    assert wired.key.used == 2


def test_a_folder_without_files_says_what_is_in_it(wired: Wired, folder: Path) -> None:
    for one in folder.iterdir():
        one.rename(folder / f".{one.name}")
    done = run(wired)
    assert str(done.exception) == "many has no files to be signed. Passed over: 2 hidden."


def test_what_was_signed_before_stays_and_is_counted(wired: Wired, folder: Path) -> None:
    assert run(wired, "--level", "B-T").exit_code == 0
    first = {one: one.read_bytes() for one in (folder.parent / "signed").iterdir()}
    (folder / "c.txt").write_bytes(TEXT)
    wired.key.used = 0
    done = run(wired, "--level", "B-T")
    assert done.exit_code == 0
    assert wired.key.used == 1
    assert done.stdout.splitlines() == [
        "signed/a.txt.signed.p7m: CAdES-BASELINE-T, verified. It was there already.",
        "signed/b.txt.signed.p7m: CAdES-BASELINE-T, verified. It was there already.",
        "signed/c.txt.signed.p7m: CAdES-BASELINE-T, verified.",
        "3 of 3 files are signed, 2 of them before.",
    ]
    assert {one: one.read_bytes() for one in first} == first
    told = [json.loads(one) for one in run(wired, "--level", "B-T", "--json").stdout.splitlines()]
    assert [one["there"] for one in told] == [True] * 3


@pytest.mark.parametrize("changed", ["document", "level", "claim", "link", "content time-stamp"])
def test_what_is_there_and_is_another_is_refused(wired: Wired, folder: Path, changed: str) -> None:
    assert run(wired).exit_code == 0
    out = folder.parent / "signed" / "a.txt.signed.p7m"
    before = out.read_bytes()
    if changed == "document":
        (folder / "a.txt").write_bytes(b"another")
    elif changed == "link":
        out.rename(folder.parent / "elsewhere")
        out.symlink_to(folder.parent / "elsewhere")
    options = {
        "level": ("--level", "B-T"),
        "claim": ("--role", "director"),
        "content time-stamp": ("--content-time-stamp",),
    }.get(changed, ())
    done = run(wired, *options)
    assert done.exit_code == 1
    assert "many/a.txt: not signed. signed/a.txt.signed.p7m exists. Name a file" in done.stderr
    assert out.read_bytes() == before
    signed = 0 if options else 1
    assert done.stdout.splitlines()[-1].startswith(f"{signed} of 2 files are signed")
    assert wired.key.used == 2


def test_an_authority_that_is_down_stops_the_folder_which_goes_on_later(wired: Wired, folder: Path) -> None:
    for name in ("c.txt", "d.txt"):
        (folder / name).write_bytes(TEXT)
    wired.means = replace(house().means, stamper=Down(1))
    done = run(wired, "--level", "B-T")
    assert done.exit_code == 1
    assert wired.key.used == 2
    assert done.stderr == (
        "Stopped. The authority did not answer. 3 files are left: the same command goes on with them.\n"
    )
    assert done.stdout.splitlines()[-1] == "1 of 4 files are signed."
    told = [json.loads(one) for one in run(wired, "--level", "B-T", "--json").stdout.splitlines()]
    assert told[-1] == {"stopped": "The authority did not answer.", "left": 3}
    wired.means = house().means
    done = run(wired, "--level", "B-T")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == "4 of 4 files are signed, 1 of them before."


@pytest.mark.parametrize("at", [1, 2])
def test_who_interrupts_a_folder_is_told_how_far_it_came(wired: Wired, folder: Path, at: int) -> None:
    (folder / "c.txt").write_bytes(TEXT)
    sign_it = wired.key.sign

    def interrupted(octets: bytes, *, scheme: SignatureScheme) -> bytes:
        if wired.key.used + 1 == at:
            raise KeyboardInterrupt
        return sign_it(octets, scheme=scheme)

    wired.key.sign = interrupted  # type: ignore[method-assign]
    done = run(wired)
    assert done.exit_code == 130
    assert done.stderr == (
        f"Stopped. It was interrupted. {4 - at} files are left: the same command goes on with them.\n"
    )
    assert done.stdout.splitlines()[-1] == f"{at - 1} of 3 files are signed."
    told = [json.loads(one) for one in run(wired, "--json").stdout.splitlines()]
    assert told[-1] == {"stopped": "It was interrupted.", "left": 4 - at}
    wired.key.sign = sign_it  # type: ignore[method-assign]
    done = run(wired)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1].startswith("3 of 3 files are signed")
