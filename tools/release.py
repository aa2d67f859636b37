"""Builds a release: the wheel twice, in two places, which must give one hash; and its bills of materials.

`python tools/release.py [DIR] [--results FILE --commit HASH]` writes into DIR (default: dist) the wheel,
``.sbom.json`` and ``.cbom.json``. FILE is what a test run left (``.trace/results.json``): what it says of the
tests of these sources goes into the wheel, and lies beside it as ``.results.json``. Whoever builds the same
wheel again gives that file, and needs no commit then.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from trustworks.assurance.integrity.bom import as_octets, cryptography_bom, software_bom
from trustworks.assurance.integrity.identity import ProductIdentity
from trustworks.assurance.integrity.installation import build_of, check_reproduced, hashes_in_wheel
from trustworks.assurance.traceability import find_places, trace
from trustworks.assurance.traceability.join import digests_of
from trustworks.assurance.traceability.released import FORMAT, NAME, read_released, released
from trustworks.core.errors import Malformed, TrustworksError
from trustworks.core.time.day import RELEASED

ROOT = Path(__file__).resolve().parents[1]
TAKEN = ("src", "requirements", "pyproject.toml", "README.md", "LICENSE")  # what a wheel is made of


def epoch() -> int:
    """The moment that the files of a wheel have: the day of the release."""
    return int(datetime(RELEASED.year, RELEASED.month, RELEASED.day, tzinfo=UTC).timestamp())


def results_for(source: Path, file: Path, commit: str | None) -> bytes:
    """What a wheel of these sources says of its tests: of what a test run left, or as it was made before.

    Raises:
        Malformed: `file` is neither, or no commit is named where one is needed.
        Rejected: release.results, where the table has findings, or no test was run.
    """
    try:
        octets = file.read_bytes()
    except OSError as error:
        raise Malformed(f"{file} cannot be read: {error.strerror}. Run the tests first.") from None
    if FORMAT.encode() in octets:
        read_released(octets, str(file))
        return octets
    if commit is None:
        raise Malformed("Of which commit are these results? Give --commit as well.")
    places = replace(find_places(source / "src" / "trustworks"), results=file.resolve())
    found = trace(places)
    return released(found, commit=commit, rules=digests_of(found, places.root).of_rules)


def built(source: Path, folder: Path, *, umask: int, results: bytes | None = None) -> Path:
    """A wheel of a copy of the sources, made in `folder` by a process with this umask."""
    copy = folder / "source"
    for name in TAKEN:
        if (source / name).is_dir():
            shutil.copytree(source / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            copy.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, copy / name)
    if results is not None:
        (copy / "requirements" / NAME).write_bytes(results)
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


def release(out: Path, source: Path = ROOT, results: bytes | None = None) -> Path:
    """Build twice, compare, and write what belongs to the release; answers the wheel.

    `results` is what the wheel says of its tests; None: nothing.
    """
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        wheels = [
            built(source, Path(first), umask=0o022, results=results),
            built(source, Path(second, "deeper"), umask=0o077, results=results),
        ]
        digests = [sha256(one.read_bytes()).hexdigest() for one in wheels]
        check_reproduced(digests)
        out.mkdir(parents=True, exist_ok=True)
        wheel = Path(shutil.copyfile(wheels[0], out / wheels[0].name))
    name, version = wheel.name.split("-")[:2]
    product = ProductIdentity(version=version, build=build_of(hashes_in_wheel(wheel)))
    for kind, document in (("sbom", software_bom(product)), ("cbom", cryptography_bom(product))):
        (out / f"{name}-{version}.{kind}.json").write_bytes(as_octets(document))
    if results is None:
        print("Without --results the wheel says nothing of its tests: its statements can show nothing.")
    else:
        (out / f"{name}-{version}.{NAME}").write_bytes(results)
        print(read_released(results, NAME).sentence)
    print(f"{digests[0]}  {wheel.name}\nTwice the same. Build {product.build}. SOURCE_DATE_EPOCH={epoch()}")
    return wheel


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=Path("dist"))
    parser.add_argument("--results", type=Path)
    parser.add_argument("--commit")
    given = parser.parse_args()
    try:
        said = None if given.results is None else results_for(ROOT, given.results, given.commit)
        release(given.out, results=said)
    except TrustworksError as error:
        sys.exit(str(error))
