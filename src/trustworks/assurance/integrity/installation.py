"""Where the installation lies that runs here, as roots of a manifest; and which content the package has."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trustworks
from trustworks.assurance.integrity.compare import Deviation, Difference
from trustworks.assurance.integrity.tree import Place
from trustworks.core.errors import Rejected
from trustworks.core.printable import printable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trustworks.assurance.integrity.manifest import Entry

# Below the standard library, and for other installations or for programs of the system.
_OTHERS_PACKAGES: Final = ("site-packages", "dist-packages")
_MARK: Final = "trustworks/assurance/integrity/manifest.py"  # by which the package is known in a tree
_VERSION: Final = re.compile(r"(?:^|/)trustworks-([^/-]+)\.dist-info/METADATA$")


def places(*, library: Path | None = None) -> tuple[Place, ...]:
    """The roots of this installation; `library` is the PKCS#11 library that the configuration leads to.

    A virtual environment is one root, with its programs; without one, installed packages and programs are.
    The standard library, the interpreter and the library of it are roots of their own.
    """
    found = [*_environment(), *_interpreter()]
    if library is not None:
        found.append(_single("module", library))
    package = Path(trustworks.__file__).resolve().parent
    if not any(_lies_in(package, one) for one in found):  # installed for changing it (editable)
        found.append(Place(root="source", folder=package.parent))
    return tuple(found)


def _environment() -> list[Place]:
    if sys.prefix != sys.base_prefix:
        return [Place(root="environment", folder=Path(sys.prefix).resolve())]
    found = [Place(root="packages", folder=_path("purelib"))]
    if _path("platlib") != found[0].folder:
        found.append(Place(root="platform-packages", folder=_path("platlib")))
    return [*found, Place(root="programs", folder=_path("scripts"))]


def _interpreter() -> list[Place]:
    library = _path("stdlib")
    found = [Place(root="standard-library", folder=library, without=_OTHERS_PACKAGES)]
    platform = _path("platstdlib")
    if platform != library and sys.prefix == sys.base_prefix:
        found.append(Place(root="platform-standard-library", folder=platform, without=_OTHERS_PACKAGES))
    found.append(_single("interpreter", Path(sys.executable)))
    folder, name = (sysconfig.get_config_var(one) for one in ("LIBDIR", "INSTSONAME"))
    if folder and name and Path(folder, name).is_file():
        found.append(_single("interpreter-library", Path(folder, name)))
    return found


def _path(name: str) -> Path:
    return Path(sysconfig.get_path(name)).resolve()


def _single(root: str, file: Path) -> Place:
    real = file.resolve()
    return Place(root=root, folder=real.parent, only=(real.name,))


def _lies_in(path: Path, place: Place) -> bool:
    """Whether a folder, with all that is in it, belongs to a root."""
    if place.only is not None or not path.is_relative_to(place.folder):
        return False
    return path.relative_to(place.folder).parts[:1] not in {(one,) for one in place.without}


@implements("TRUSTWORKS:ASSURANCE-INTEGRITY-IMPORTS", disabled=())
def uncovered(search: Sequence[str], found: Iterable[Place]) -> tuple[Deviation, ...]:
    """What modules are imported from and no root covers; `search` is `sys.path`."""
    roots = tuple(found)
    deviations = []
    for one in dict.fromkeys(search):
        folder = Path(os.path.realpath(one))  # an empty entry is the working folder
        if not folder.exists() or any(_lies_in(folder, root) for root in roots):
            continue
        name = printable(str(folder))
        deviations.append(
            Deviation(
                difference=Difference.PATH,
                name=name,
                sentence=f"Modules are imported from {name}, which no root of the manifest covers. Unset "
                "PYTHONPATH, set PYTHONSAFEPATH=1, or install the package.",
            )
        )
    return tuple(deviations)


def build_of(files: Iterable[tuple[str, str]]) -> str:
    """What names the content of the package: SHA-256 over the hashes and paths of its files, in hexadecimal.

    `files` are path and SHA-256; of all paths, those of the package count, from its folder on, compiled
    Python apart. So a wheel and each installation of it have the same. Where there is no package, all count.
    """
    found = sorted(files)
    prefixes = [path.removesuffix(_MARK) for path, _ in found if path == _MARK or path.endswith(f"/{_MARK}")]
    if prefixes:
        prefix = min(prefixes, key=len)
        inside = f"{prefix}trustworks/"
        found = [(path.removeprefix(prefix), digest) for path, digest in found if path.startswith(inside)]
    lines = "".join(f"{digest}  {path}\n" for path, digest in found if "__pycache__/" not in path)
    return sha256(lines.encode(errors="surrogateescape")).hexdigest()


def build_of_entries(entries: Iterable[Entry]) -> str:
    """`build_of` the files of a manifest."""
    return build_of((one.path, one.sha256) for one in entries if one.kind == "file")


def version_in(entries: Iterable[Entry]) -> str | None:
    """The version that the package's metadata in a tree are named after; None where there are none."""
    return next((match[1] for one in entries if (match := _VERSION.search(one.path))), None)


def hashes_in_wheel(wheel: Path) -> list[tuple[str, str]]:
    """Path and SHA-256 of each file in a wheel, for `build_of`. Raises OSError, zipfile.BadZipFile."""
    with zipfile.ZipFile(wheel) as opened:
        return [(name, sha256(opened.read(name)).hexdigest()) for name in opened.namelist()]


@implements("TRUSTWORKS:ASSURANCE-RELEASE-REPRODUCIBLE", disabled=None)
def check_reproduced(digests: Sequence[str]) -> None:
    """Refuse a release whose builds differ. Raises `Rejected` (release.differs)."""
    if len(digests) < 2 or len(set(digests)) != 1:
        raise Rejected(
            "release.differs",
            f"The builds of the same sources differ: {', '.join(digests)}. Unpack both wheels and compare "
            "their files; what differs comes from the machine and not from the sources.",
        )
