"""What was done to an installation after it was signed is found, and told apart by name."""

from __future__ import annotations

import os
import py_compile
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from integrity_testbed import FILES, Installation

from trustworks.assurance.integrity import tree
from trustworks.assurance.integrity.compare import Difference
from trustworks.assurance.integrity.making import verify, verify_installation, writable_in
from trustworks.assurance.integrity.manifest import verified
from trustworks.assurance.integrity.tree import Place, look
from trustworks.core.errors import Malformed, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def bed(tmp_path: Path) -> Installation:
    made = Installation(tmp_path)
    made.sign()
    return made


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-SIGNED")
def test_an_installation_as_it_was_signed_differs_in_nothing(bed: Installation) -> None:
    found = bed.verify()
    assert found.ok
    assert found.files == len(FILES) + 1
    assert (found.checked, found.unchecked) == (("tree",), ())


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-REMOVED")
def test_a_removed_file_is_found(bed: Installation) -> None:
    (bed.tree / "lib/product/rules.py").unlink()
    assert bed.differences() == [("removed", "tree/lib/product/rules.py")]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-ADDED")
@pytest.mark.parametrize(
    "name", ["lib/evil.py", "lib/sitecustomize.py", "lib/evil.pth", ".hidden/x.so", "lib/\tx"]
)
def test_an_added_file_is_found(bed: Installation, name: str) -> None:
    bed.write(name, b"import os\n")
    assert bed.differences() == [("added", f"tree/{name}".replace("\t", "\\t"))]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-ADDED")
def test_a_name_that_is_no_text_is_found_and_can_be_printed(bed: Installation) -> None:
    (bed.tree / os.fsdecode(b"lib/\xff\x1b[31m.py")).write_bytes(b"")
    assert bed.differences() == [("added", "tree/lib/\\udcff\\x1b[31m.py")]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-ADDED", "TRUSTWORKS:ASSURANCE-INTEGRITY-REMOVED")
@pytest.mark.parametrize(
    "name", ["lib/product/Rules.py", "lib/PRODUCT/rules.py", "lib/product/ru\u017fes.py"]
)
def test_a_file_that_is_renamed_to_almost_the_same_is_told_to_be_that(bed: Installation, name: str) -> None:
    bed.write("lib/product/ruses.py", b"")
    bed.sign()
    old = "lib/product/ruses.py" if "\u017f" in name else "lib/product/rules.py"
    (bed.tree / name).parent.mkdir(exist_ok=True)
    (bed.tree / old).rename(bed.tree / name)
    assert sorted(bed.differences()) == [("removed", f"tree/{old}"), ("spelling", f"tree/{name}")]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-CHANGED")
@pytest.mark.parametrize("content", [b"LIMIT = 2\n", b"", b"LIMIT = 1\nLIMIT = 2\n"])
def test_a_changed_file_is_found_whatever_its_times_say(bed: Installation, content: bytes) -> None:
    file = bed.tree / "lib/product/rules.py"
    before = file.stat()
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert bed.differences() == [("changed", "tree/lib/product/rules.py")]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-CHANGED")
@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("bin/product", 0o644),
        ("lib/product/rules.py", 0o755),
        ("bin/product", 0o4755),
        ("lib/product/native.so", 0o645),
    ],
)
def test_who_may_run_a_file_is_compared(bed: Installation, name: str, mode: int) -> None:
    (bed.tree / name).chmod(mode)
    assert bed.differences() == [("mode", f"tree/{name}")]


def test_who_may_read_and_write_is_not_compared_since_copies_differ_in_it(bed: Installation) -> None:
    (bed.tree / "lib/product/rules.py").chmod(0o600)
    (bed.tree / "bin/product").chmod(0o700)
    assert bed.differences() == []


# Folders


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-FOLDERS")
@pytest.mark.parametrize("name", ["empty", "lib/cryptography", "lib/product/rules.pyc", "lib/a/b"])
def test_an_empty_folder_that_was_not_signed_is_found(bed: Installation, name: str) -> None:
    (bed.tree / name).mkdir(parents=True)
    assert bed.differences() == [("folder", f"tree/{name}")]
    assert "Python imports it as a package" in bed.verify().deviations[0].sentence


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-FOLDERS")
def test_an_empty_folder_is_signed_and_is_as_it_was(bed: Installation) -> None:
    folder = bed.tree / "include"
    folder.mkdir()
    bed.sign()
    assert bed.differences() == []
    assert bed.verify().files == 5
    bed.write("include/evil.py", b"")
    assert bed.differences() == [("added", "tree/include/evil.py")]
    shutil.rmtree(folder)
    assert bed.differences() == [("removed", "tree/include")]
    folder.write_bytes(b"")
    assert bed.differences() == [("changed", "tree/include")]
    folder.unlink()
    folder.symlink_to("lib")
    assert bed.verify().deviations[0].sentence.endswith("signed was an empty folder.")


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-REMOVED")
def test_a_folder_in_place_of_a_file_is_found(bed: Installation) -> None:
    file = bed.tree / "lib/product/rules.py"
    file.unlink()
    file.mkdir()
    assert bed.differences() == [
        ("folder", "tree/lib/product/rules.py"),
        ("removed", "tree/lib/product/rules.py"),
    ]


# What others may write to


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-WRITABLE")
@pytest.mark.parametrize(
    ("name", "mode", "words"),
    [
        ("lib/product/rules.py", 0o664, "may be changed by its group"),
        ("lib/product/rules.py", 0o666, "may be changed by everybody"),
        ("lib/product", 0o775, "may be added to by its group"),
        ("lib", 0o777, "may be added to by everybody"),
        (".", 0o775, "may be added to by its group"),
    ],
)
def test_what_others_may_write_to_is_found_where_programs_run(
    bed: Installation, name: str, mode: int, words: str
) -> None:
    (bed.tree / name).chmod(mode)
    manifest = verified(bed.manifest_file.read_bytes(), bed.private.public_key())
    (one,) = verify_installation(manifest, [bed.place]).deviations
    assert (one.difference, one.name) == (Difference.WRITABLE, f"tree/{name}")
    assert words in one.sentence
    assert bed.differences() == []  # of a copy


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-WRITABLE")
def test_the_folder_of_a_single_file_counts(bed: Installation) -> None:
    place = replace(bed.place, only=("bin/product",))
    assert writable_in([place]) == ()
    bed.tree.chmod(0o777)
    assert [one.name for one in writable_in([place])] == ["tree/."]


# Links


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-LINKS")
def test_a_link_that_leaves_the_tree_is_found_and_not_followed(bed: Installation, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/evil.py").write_bytes(b"")
    (bed.tree / "lib/outside").symlink_to("../../outside")
    (bed.tree / "lib/root").symlink_to("/")
    told = {one.name: one.sentence for one in bed.verify().deviations}
    assert set(told) == {"tree/lib/outside", "tree/lib/root"}
    assert all("out of its root, and was not signed" in one for one in told.values())


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-LINKS")
@pytest.mark.parametrize(
    ("name", "target", "words"),
    [
        ("bin/also", "../lib/product/native.so", "leads to ../lib/product/native.so; signed was product"),
        (
            "lib/product/rules.py",
            "/etc/passwd",
            "is a link to /etc/passwd, out of its root; signed was a file",
        ),
        ("lib/new", "product", "is a link to product, and was not signed"),
        ("lib/loop", "loop", "is a link to loop, and was not signed"),
    ],
)
def test_a_link_is_as_it_was_signed(bed: Installation, name: str, target: str, words: str) -> None:
    (bed.tree / name).unlink(missing_ok=True)
    (bed.tree / name).symlink_to(target)
    (one,) = bed.verify().deviations
    assert (one.difference, one.name) == ("link", f"tree/{name}")
    assert words in one.sentence


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-CHANGED")
def test_a_file_in_place_of_a_link_is_found(bed: Installation) -> None:
    (bed.tree / "bin/also").unlink()
    bed.write("bin/also", b"#!/bin/sh\n")
    assert bed.differences() == [("changed", "tree/bin/also")]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-LINKS", "TRUSTWORKS:ASSURANCE-INTEGRITY-REMOVED")
def test_a_link_in_place_of_a_folder_is_found_though_the_files_are_the_same(
    bed: Installation,
) -> None:
    (bed.tree / "lib/product").rename(bed.tree.parent / "product")
    (bed.tree / "lib/product").symlink_to(bed.tree.parent / "product")
    kinds = [kind for kind, _ in bed.differences()]
    assert kinds == ["link", "removed", "removed", "removed"]


# Compiled Python


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-BYTECODE")
@pytest.mark.parametrize(
    "name",
    [
        "lib/product/__pycache__/rules.cpython-311.pyc",
        "lib/product/evil.pyc",
        "lib/x.PYC",
        "lib/product/y.pyo",
    ],
)
def test_foreign_bytecode_is_told_apart(bed: Installation, name: str) -> None:
    bed.write(name, b"anything")
    (one,) = bed.verify().deviations
    assert (one.difference, one.name) == ("bytecode", f"tree/{name}")
    assert "runs in place of its source" in one.sentence


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-BYTECODE")
def test_signed_bytecode_that_is_forged_is_told_apart(bed: Installation) -> None:
    source = bed.tree / "lib/product/rules.py"
    compiled = bed.tree / (py_compile.compile(str(source), doraise=True) or "")
    bed.sign()
    assert bed.differences() == []
    kept = source.stat()
    source.write_bytes(b"LIMIT = 9\n")
    os.utime(source, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    py_compile.compile(str(source), doraise=True)
    source.write_bytes(FILES["lib/product/rules.py"])
    os.utime(source, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    ran = subprocess.run(
        [sys.executable, "-c", "import product.rules; print(product.rules.LIMIT)"],
        cwd=bed.tree / "lib",
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "9\n"  # the attack works: Python runs what the source does not say
    name = f"tree/{compiled.relative_to(bed.tree)}"
    assert ("bytecode", name) in bed.differences()
    assert ("changed", "tree/lib/product/rules.py") not in bed.differences()


# What is no file, and what does not hold still


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-ADDED")
def test_pipes_and_sockets_are_told_and_not_opened(
    bed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(bed.tree / "lib/pipe")
    (bed.tree / "lib/product/rules.py").unlink()
    os.mkfifo(bed.tree / "lib/product/rules.py")
    monkeypatch.chdir(bed.tree)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("lib/socket")
    names = ["tree/lib/pipe", "tree/lib/product/rules.py", "tree/lib/socket"]
    assert bed.differences() == [("special", name) for name in names]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-CHANGED")
@pytest.mark.parametrize("act", ["grow", "shrink", "rewrite", "exchange"])
def test_a_file_that_changes_while_it_is_read_is_told(
    bed: Installation, act: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = bed.tree / "lib/product/rules.py"
    acts: dict[str, Callable[[], object]] = {
        "grow": lambda: file.write_bytes(b"LIMIT = 1\n# and more\n"),
        "shrink": lambda: file.write_bytes(b""),
        "rewrite": lambda: file.write_bytes(b"LIMIT = 2\n"),
        "exchange": lambda: (file.rename(file.with_name("kept")), file.write_bytes(b"LIMIT = 3\n")),
    }
    really = os.open
    number = file.stat().st_ino

    def opened(path: str, flags: int) -> int:
        descriptor = really(path, flags)
        if os.fstat(descriptor).st_ino == number and act != "exchange":
            acts[act]()
        return descriptor

    def exchanged(path: str, flags: int) -> int:
        if path == str(file):
            acts[act]()
        return really(path, flags)

    monkeypatch.setattr(
        "trustworks.assurance.integrity.tree.os.open", exchanged if act == "exchange" else opened
    )
    assert ("unsteady", "tree/lib/product/rules.py") in bed.differences()


def test_a_file_that_is_exchanged_for_a_link_while_it_is_read_is_not_followed(
    bed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = bed.tree / "lib/product/rules.py"
    really = os.open

    def opened(path: str, flags: int) -> int:
        if path == str(file):
            file.rename(bed.tree.parent / "kept")
            file.symlink_to(bed.tree.parent / "kept")
        return really(path, flags)

    monkeypatch.setattr("trustworks.assurance.integrity.tree.os.open", opened)
    assert bed.differences() == [("unreadable", "tree/lib/product/rules.py")]


def test_a_file_that_cannot_be_read_is_told(bed: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    really = os.open

    def opened(path: str, flags: int) -> int:
        if path.endswith("native.so"):
            raise PermissionError(13, "Permission denied")
        return really(path, flags)

    monkeypatch.setattr("trustworks.assurance.integrity.tree.os.open", opened)
    (one,) = bed.verify().deviations
    assert one.sentence == "tree/lib/product/native.so cannot be read: Permission denied."


def test_a_folder_that_is_not_there_is_told(bed: Installation) -> None:
    with pytest.raises(Unavailable, match="cannot be read: No such file"):
        bed.verify(bed.tree / "elsewhere")


def test_a_tree_without_an_end_is_given_up(bed: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MOST_NAMES", 3)
    with pytest.raises(Malformed, match="more than 3 names"):
        bed.verify()


def test_what_was_added_is_not_read_however_large_it_is(bed: Installation) -> None:
    with (bed.tree / "lib/large").open("wb") as large:
        large.truncate(1 << 40)
    (one,) = [one for one in look(bed.place, sizes={}) if one.path == "lib/large"]
    assert (one.size, one.sha256) == (1 << 40, None)
    assert bed.differences() == [("added", "tree/lib/large")]


# Elsewhere


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-CHANGED")
def test_a_copy_is_compared_wherever_it_lies(bed: Installation, tmp_path: Path) -> None:
    copy = tmp_path / "another" / "place"
    shutil.copytree(bed.tree, copy, symlinks=True)
    shutil.rmtree(bed.tree)
    assert bed.differences(copy) == []
    (copy / "lib/product/rules.py").write_bytes(b"LIMIT = 2\n")
    assert bed.differences(copy) == [("changed", "tree/lib/product/rules.py")]


def test_a_root_that_the_manifest_has_not_is_refused(bed: Installation) -> None:
    manifest = verified(bed.manifest_file.read_bytes(), bed.private.public_key())
    with pytest.raises(Malformed, match=r"no root 'module'; it has tree"):
        verify(manifest, [Place(root="module", folder=bed.tree)])
