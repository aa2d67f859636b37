"""Compiles what the tests are made of, on all cores, before the tests are collected.

    python tools/compile_tests.py

pytest rewrites the assertions of every test module when it is imported, which takes longer than all else of a
collection. It does the same with all modules of a distribution that has a plugin for it. Each of the
processes that run the tests would do so for itself, and again each time where Python is told to write no
bytecode (PYTHONDONTWRITEBYTECODE). What is up to date is left alone.
"""

from __future__ import annotations

import compileall
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING

from _pytest.assertion import AssertionState
from _pytest.assertion.rewrite import PYC_TAIL, _read_pyc, _rewrite_test, _write_pyc, get_cache_dir
from _pytest.config import get_config

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).resolve().parents[1]
REWRITTEN = ("test_*.py", "conftest.py")


def main() -> int:
    """Compile what is out of date; the exit code."""
    everything = sorted(ROOT.joinpath("tests").rglob("*.py"))
    tests = [file for file in everything if any(file.match(pattern) for pattern in REWRITTEN)]
    rewritten = [*tests, *_of_plugins()]
    cores = os.cpu_count() or 1
    # Side by side lie those of one kind, and size.
    shares = [rewritten[first::cores] for first in range(cores)]
    with ProcessPoolExecutor(cores) as processes:
        list(processes.map(_rewrite, shares))
    compiled = partial(compileall.compile_dir, quiet=1, workers=cores)
    return 0 if compiled(ROOT / "src") and compiled(ROOT / "tests" / "plugins") else 1


def _of_plugins() -> list[Path]:
    """The modules of all distributions that have a plugin for pytest."""
    return [
        Path(str(file.locate()))
        for one in distributions()
        if one.entry_points.select(group="pytest11")
        for file in one.files or ()
        if file.suffix == ".py"
    ]


def _rewrite(files: list[Path]) -> None:
    """Write what pytest would make of modules; one that is no Python is left to pytest to tell of."""
    config: pytest.Config = get_config()
    state = AssertionState(config, "rewrite")
    for file in files:
        cached = get_cache_dir(file) / f"{file.stem}{PYC_TAIL}"
        if _read_pyc(file, cached) is None:
            try:
                key, code = _rewrite_test(file, config)
            except SyntaxError:
                continue
            cached.parent.mkdir(exist_ok=True)
            _write_pyc(state, code, key, cached)


if __name__ == "__main__":
    sys.exit(main())
