"""`trustworks integrity`: a tree is signed, copied, and compared elsewhere with manifest and key alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from forked_program import run
from integrity_testbed import Installation

FOREIGN = "is compiled Python that was not signed: it runs in place of its source. Remove it."


@pytest.fixture
def bed(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def make(bed: Installation, *more: object) -> subprocess.CompletedProcess[str]:
    place = ("--tree", bed.tree, "--out", bed.manifest_file, "--key", bed.key_file)
    return run("integrity", "make", *place, *more, cwd=bed.tree.parent)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-CHANGED")
def test_a_copy_is_verified_elsewhere_with_manifest_and_key_alone(bed: Installation, tmp_path: Path) -> None:
    made = make(bed, "--public-key", tmp_path / "written.pem")
    assert made.returncode == 0, made.stderr
    assert "5 files and links of tree." in made.stdout
    copy = tmp_path / "host/copy"
    shutil.copytree(bed.tree, copy, symlinks=True)
    host = ("--manifest", bed.manifest_file, "--key", tmp_path / "written.pem", "--tree", copy)
    found = run("integrity", "verify", *host, cwd=copy.parent)
    assert (found.returncode, found.stderr) == (0, "")
    assert "5 files and links of tree looked at, all as signed." in found.stdout
    (copy / "lib/product/rules.py").write_bytes(b"LIMIT = 2\n")
    (copy / "lib/evil.py").write_bytes(b"")
    (copy / "lib/product/native.so").unlink()
    (copy / "lib/evil.pyc").write_bytes(b"")
    found = run("integrity", "verify", *host, cwd=copy.parent)
    assert found.returncode == 1
    assert found.stdout.splitlines()[:4] == [
        "added: tree/lib/evil.py was not signed.",
        "bytecode: tree/lib/evil.pyc " + FOREIGN,
        "removed: tree/lib/product/native.so was signed and is gone.",
        "changed: tree/lib/product/rules.py has another content than was signed.",
    ]
    document = json.loads(run("integrity", "verify", *host, "--json", cwd=copy.parent).stdout)
    assert document["ok"] is False
    assert [one["kind"] for one in document["deviations"]] == ["added", "bytecode", "removed", "changed"]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-SIGNED")
def test_nothing_of_a_tree_is_imported_when_it_is_verified(bed: Installation) -> None:
    for name in ("sitecustomize.py", "cryptography.py", "typer.py", "trustworks.py"):
        bed.write(name, b"import pathlib; pathlib.Path(__file__).with_suffix('.ran').touch()\n")
    assert make(bed).returncode == 0
    by = ("--manifest", str(bed.manifest_file), "--key", str(bed.public_file))
    program = Path(sys.executable).with_name("trustworks")
    found = subprocess.run(
        [program, "integrity", "verify", "--tree", ".", *by],
        cwd=bed.tree,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert list(bed.tree.rglob("*.ran")) == []


def test_several_roots_are_named_and_what_is_left_out_is_told(bed: Installation, tmp_path: Path) -> None:
    (tmp_path / "stdlib").mkdir()
    (tmp_path / "stdlib/os.py").write_bytes(b"")
    both = ("--tree", f"environment={bed.tree}", "--tree", f"standard-library={tmp_path / 'stdlib'}")
    place = ("--out", bed.manifest_file, "--key", bed.key_file)
    assert run("integrity", "make", *both, *place, cwd=tmp_path).returncode == 0
    by = ("--manifest", bed.manifest_file, "--key", bed.public_file)
    assert (
        "environment, standard-library looked at, all"
        in run("integrity", "verify", *both, *by, cwd=tmp_path).stdout
    )
    found = run("integrity", "verify", "--tree", bed.tree, *by, cwd=tmp_path)
    assert (found.returncode, "Not looked at: standard-library." in found.stdout) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (
            ["verify", "--tree", "none", "--manifest", "manifest", "--key", "public.pem"],
            2,
            "there is no folder none",
        ),
        (
            ["verify", "--tree", "tree", "--tree", "tree", "--manifest", "manifest", "--key", "public.pem"],
            2,
            "two folders",
        ),
        (
            ["verify", "--tree", "other=tree", "--manifest", "manifest", "--key", "public.pem"],
            2,
            "no root 'other'",
        ),
        (
            ["verify", "--tree", "tree", "--manifest", "public.pem", "--key", "public.pem"],
            2,
            "This is no manifest",
        ),
        (
            ["verify", "--tree", "tree", "--manifest", "manifest", "--key", "manifest"],
            2,
            "neither a public key",
        ),
        (["verify", "--tree", "tree"], 2, "There is no configuration|No configuration found"),
        (["make", "--tree", "tree", "--out", "manifest", "--key", "key.pem"], 1, "manifest exists"),
        (
            ["make", "--tree", "tree", "--out", "tree/manifest", "--key", "key.pem"],
            1,
            "would differ from it at once",
        ),
        (["make", "--tree", "tree", "--out", "new", "--key", "public.pem"], 2, "holds no private key"),
    ],
)
def test_what_cannot_be_done_is_said_with_what_to_do(
    bed: Installation, arguments: list[str], code: int, words: str
) -> None:
    assert make(bed).returncode == 0
    found = run("integrity", *arguments, cwd=bed.tree.parent)
    assert found.returncode == code, found.stdout + found.stderr
    assert any(one in found.stderr for one in words.split("|")), found.stderr


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-FIT")
def test_what_cannot_be_signed_is_told_a_line_each(bed: Installation) -> None:
    for number in range(25):
        bed.write(f"lib/evil{number:02}.pyc", b"")
    refused = make(bed)
    assert refused.returncode == 1
    lines = refused.stderr.splitlines()
    assert "No manifest is made, for 25 of what lies here cannot be vouched for:" in lines[0]
    shown = [one.strip() for one in lines if "lies beside sources and needs none" in one]
    assert len(shown) == 20
    assert all(one.startswith("tree/lib/evil") for one in shown)
    assert [one.strip() for one in lines if "more" in one] == ["and 5 more"]
    assert lines[-1].startswith("Remove or mend these")


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-FOLDERS")
def test_empty_folders_are_counted_apart(bed: Installation) -> None:
    (bed.tree / "include").mkdir()
    assert "5 files and links and 1 empty folder(s) of tree." in make(bed).stdout
