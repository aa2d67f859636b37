"""What names the product that runs."""

from __future__ import annotations

import zipfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import trustworks
from trustworks.assurance.integrity import standing
from trustworks.assurance.integrity.identity import identity_in, own_build, product_identity
from trustworks.assurance.integrity.installation import build_of
from trustworks.assurance.integrity.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Iterator

AS_SIGNED = Standing(at="2026-11-29T12:00:00+00:00", manifest="c" * 64, build="b" * 64, files=5)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-PRODUCT-SHOWN")
def test_a_manifest_names_the_product_while_it_agrees(tmp_path: Path) -> None:
    assert identity_in(tmp_path).manifest is None
    standing.write(tmp_path, AS_SIGNED)
    found = identity_in(tmp_path)
    assert found.manifest == "c" * 64
    assert found.line == f"{found.version}, build {own_build()[:12]}, manifest {'c' * 12}"
    differs = Standing(at=AS_SIGNED.at, manifest="c" * 64, kinds=(("added", 1),), names=("x (added)",))
    assert product_identity(differs).manifest is None
    assert set(found.as_dict()) == {"version", "build", "manifest"}


@pytest.mark.req("TRUSTWORKS:ASSURANCE-PRODUCT-SHOWN")
def test_the_build_is_that_of_a_wheel_of_the_same_files(tmp_path: Path) -> None:
    package = Path(trustworks.__file__).parent

    def files() -> Iterator[Path]:
        return (one for one in package.rglob("*") if one.is_file() and "__pycache__" not in one.parts)

    with zipfile.ZipFile(tmp_path / "x.whl", "w") as made:
        for one in files():
            made.write(one, f"trustworks/{one.relative_to(package)}")
        made.writestr("trustworks-0.1.0.dist-info/METADATA", "")
    with zipfile.ZipFile(tmp_path / "x.whl") as wheel:
        build = build_of((name, sha256(wheel.read(name)).hexdigest()) for name in wheel.namelist())
    assert build == own_build()
