"""The roots of what runs here, and what names the content of the package."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from integrity_testbed import Installation

import trustworks
from trustworks.assurance.integrity.installation import build_of, places, uncovered, version_in
from trustworks.assurance.integrity.making import make, verify_installation
from trustworks.assurance.integrity.manifest import Entry
from trustworks.assurance.integrity.tree import Place, look


def is_in(file: Path, found: tuple[Place, ...]) -> bool:
    real = file.resolve()
    return any(
        real.is_relative_to(one.folder)
        and (one.only is None or real.name in one.only)
        and real.relative_to(one.folder).parts[:1] not in {(name,) for name in one.without}
        for one in found
    )


def test_all_that_runs_is_in_a_root(softhsm: Path) -> None:
    found = places(library=softhsm)
    names = [one.root for one in found]
    assert len(names) == len(set(names))
    loaded = [Path(file) for one in list(sys.modules.values()) if (file := getattr(one, "__file__", None))]
    product = Path(trustworks.__file__).parent
    mine = [one for one in loaded if one.is_relative_to(product) or "site-packages" in one.parts]
    assert len(mine) > 100
    assert [one for one in mine if not is_in(one, found)] == []
    assert is_in(Path(sys.executable), found)
    assert is_in(softhsm, found)
    assert is_in(Path(trustworks.__file__), found)


def test_a_root_of_single_files_holds_no_other(softhsm: Path) -> None:
    (module,) = [one for one in places(library=softhsm) if one.root == "module"]
    assert [one.path for one in look(module)] == [softhsm.resolve().name]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-IMPORTS")
def test_modules_come_from_roots_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Place(root="environment", folder=tmp_path / "env", without=("site-packages",))
    for one in ("env/lib", "env/site-packages", "elsewhere", "single"):
        (tmp_path / one).mkdir(parents=True)
    single = Place(root="module", folder=tmp_path / "single", only=("x.so",))
    monkeypatch.chdir(tmp_path / "elsewhere")

    def found(*search: str) -> list[str]:
        return [Path(one.name).name for one in uncovered(search, [root, single])]

    assert found(str(tmp_path / "env"), str(tmp_path / "env/lib"), str(tmp_path / "none.zip")) == []
    assert found("") == ["elsewhere"]
    assert found(str(tmp_path / "single"), str(tmp_path / "env/site-packages")) == ["single", "site-packages"]
    (tmp_path / "env/link").symlink_to(tmp_path / "elsewhere")
    assert found(str(tmp_path / "env/link")) == ["elsewhere"]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-ROOTS")
def test_a_manifest_of_a_part_of_the_installation_is_one_from_which_it_differs(tmp_path: Path) -> None:
    bed = Installation(tmp_path)
    manifest = make([bed.place], version="1")
    assert verify_installation(manifest, [bed.place]).ok
    module = Place(root="module", folder=tmp_path, only=("public.pem",))
    (one,) = verify_installation(manifest, [bed.place, module]).deviations
    assert (one.difference, one.name) == ("root", "module")
    assert "Make one of the whole installation" in one.sentence


def test_another_library_than_was_signed_is_added_and_the_signed_one_need_not_go(tmp_path: Path) -> None:
    for name in ("one.so", "two.so"):
        (tmp_path / name).write_bytes(b"")
    signed = Place(root="module", folder=tmp_path, only=("one.so",))
    manifest = make([signed], version="1")
    (found,) = verify_installation(manifest, [replace(signed, only=("two.so",))]).deviations
    assert (found.difference, found.name) == ("added", "module/two.so")


def test_the_build_is_that_of_the_package_wherever_it_lies() -> None:
    package = [("trustworks/assurance/integrity/manifest.py", "1"), ("trustworks/app/x.py", "2")]
    deep = [(f"lib/python3.11/site-packages/{path}", digest) for path, digest in package]
    others = [("bin/python", "3"), ("lib/python3.11/site-packages/six.py", "4")]
    compiled = [("lib/python3.11/site-packages/trustworks/__pycache__/x.cpython-311.pyc", "5")]
    assert build_of(package) == build_of([*others, *deep, *compiled])
    assert build_of(package) != build_of([*package[:1], ("trustworks/app/x.py", "3")])
    assert build_of(others) != build_of([])


def test_the_version_is_read_from_the_package_s_metadata() -> None:
    def entry(path: str) -> Entry:
        return Entry(root="environment", path=path, kind="file")

    assert version_in([entry("lib/site-packages/trustworks-0.1.0.dist-info/METADATA")]) == "0.1.0"
    assert version_in([entry("lib/site-packages/other-0.1.0.dist-info/METADATA")]) is None
