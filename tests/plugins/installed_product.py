"""The product as an operator has it: a virtual environment with a wheel and what that needs, no more."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import Distribution
from pathlib import Path
from typing import TYPE_CHECKING

from trustworks.assurance.integrity import bom

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
_TRUSTING = """
from trustworks.app.cli import main
from trustworks.assurance.integrity import bytecode
bytecode.objection = lambda compiled: None
main()
"""


class InstalledProduct:
    """A virtual environment in a folder. Nothing of it is compiled, so that it can be signed as it is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.EnvBuilder(symlinks=True).create(folder)
        (self.packages,) = folder.glob("lib/python*/site-packages")
        _wheel(folder.parent / "wheel", self.packages)
        for one in _needed(self.packages):
            _copy(one, self.packages)
        for path in [folder, *folder.rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & ~0o022)  # whatever umask the tests run under

    def command(self, *arguments: object) -> list[str]:
        """A command of this installation; with `environment`."""
        return [str(self.folder / "bin" / "python"), "-m", "trustworks", *map(str, arguments)]

    @property
    def environment(self) -> dict[str, str]:
        """As a unit of an operator sets it: nothing from elsewhere is imported."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return {**kept, "PYTHONSAFEPATH": "1", "PYTHONPYCACHEPREFIX": str(self.folder.parent / "bytecode")}

    def run(self, *arguments: object, given: str = "") -> subprocess.CompletedProcess[str]:
        """What a command of this installation said; it takes the compiled files of Python as they are.

        To compile all of them again, as `integrity make` does to compare, takes some twenty seconds.
        """
        return subprocess.run(
            [str(self.folder / "bin" / "python"), "-c", _TRUSTING, *map(str, arguments)],
            env=self.environment,
            cwd=self.folder.parent,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )


def _needed(packages: Path) -> Iterator[Distribution]:
    """What the wheel needs by its own metadata, which may be newer than those of a checkout."""
    (metadata,) = packages.glob("trustworks-*.dist-info")
    found = {name: package for name, (package, _) in bom._needed(bom.PRODUCT).items()}
    for text in Distribution.at(metadata).requires or ():
        if (needed := bom._requirement(text, set())) is not None:
            found |= {name: package for name, (package, _) in bom._needed(needed[0]).items()}
    found.pop(bom.PRODUCT)
    yield from found.values()


def _copy(one: Distribution, packages: Path) -> None:
    """The files of a distribution, compiled ones and programs left out."""
    for file in one.files or ():
        if file.parts[0] == ".." or file.suffix == ".pyc":
            continue
        target = packages / str(file)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(file.locate()), target)


def _wheel(folder: Path, packages: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(packages)
