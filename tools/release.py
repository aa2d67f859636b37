"""Builds a release: the wheel twice, in two places, which must give one hash; and its bills of materials.

`python tools/release.py [DIR]` writes into DIR (default: dist) the wheel, ``.sbom.json`` and ``.cbom.json``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from trustworks.assurance.integrity.bom import as_octets, cryptography_bom, software_bom
from trustworks.assurance.integrity.identity import ProductIdentity
from trustworks.assurance.integrity.installation import build_of, check_reproduced, hashes_in_wheel
from trustworks.core.time.day import RELEASED

ROOT = Path(__file__).resolve().parents[1]
TAKEN = ("src", "requirements", "pyproject.toml", "README.md", "LICENSE")  # what a wheel is made of


def epoch() -> int:
    """The moment that the files of a wheel have: the day of the release."""
    return int(datetime(RELEASED.year, RELEASED.month, RELEASED.day, tzinfo=UTC).timestamp())


def built(source: Path, folder: Path, *, umask: int) -> Path:
    """A wheel of a copy of the sources, made in `folder` by a process with this umask."""
    copy = folder / "source"
    for name in TAKEN:
        if (source / name).is_dir():
            shutil.copytree(source / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            copy.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, copy / name)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")],
        cwd=copy,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch())},
        umask=umask,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


def release(out: Path, source: Path = ROOT) -> Path:
    """Build twice, compare, and write what belongs to the release; answers the wheel."""
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        wheels = [built(source, Path(first), umask=0o022), built(source, Path(second, "deeper"), umask=0o077)]
        digests = [sha256(one.read_bytes()).hexdigest() for one in wheels]
        check_reproduced(digests)
        out.mkdir(parents=True, exist_ok=True)
        wheel = Path(shutil.copyfile(wheels[0], out / wheels[0].name))
    name, version = wheel.name.split("-")[:2]
    product = ProductIdentity(version=version, build=build_of(hashes_in_wheel(wheel)))
    for kind, document in (("sbom", software_bom(product)), ("cbom", cryptography_bom(product))):
        (out / f"{name}-{version}.{kind}.json").write_bytes(as_octets(document))
    print(f"{digests[0]}  {wheel.name}\nTwice the same. Build {product.build}. SOURCE_DATE_EPOCH={epoch()}")
    return wheel


if __name__ == "__main__":
    release(Path(sys.argv[1] if len(sys.argv) > 1 else "dist"))
