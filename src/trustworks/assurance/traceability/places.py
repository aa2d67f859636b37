"""Where register, code, tests and their last results lie: in a checkout, or in an installed package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trustworks.assurance.traceability.released import NAME

RESULTS = Path(".trace/results.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The folders that the scan reads.

    `tests` and `results` are None in an installed package, which carries the register and the code alone, and
    `released`, the results that came with it, where it is one of a release.
    """

    root: Path
    register: Path
    code: Path
    tests: Path | None = None
    results: Path | None = None
    released: Path | None = None


def find_places(package: Path | None = None) -> Places:
    """The places around the package `trustworks` (`package` is its folder; default: the one that runs)."""
    package = package or Path(__file__).resolve().parents[2]
    root = package.parent.parent
    if package.parent.name == "src" and (root / "requirements").is_dir():
        tests = root / "tests"
        return Places(
            root=root,
            register=root / "requirements",
            code=package,
            tests=tests if tests.is_dir() else None,
            results=root / RESULTS,
        )
    register = package / "requirements"
    return Places(root=package.parent, register=register, code=package, released=register / NAME)
