"""The mutation check itself: it must tell a test that shows its rule from one that merely carries the id."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trustworks.assurance.traceability import find_places
from trustworks.assurance.traceability.scan import scan

PLUGINS = Path(__file__).parents[1] / "plugins"
RULE = "one_second_or_better"
HEAD = """
import pytest
from trustworks.core.errors import Refused
from trustworks.core.time.accuracy import one_second_or_better as rule

@pytest.mark.req("EN319421:TIS-7.7.2-03")
"""
STRONG = """
def test_rule():
    with pytest.raises(Refused):
        rule(1_000_001)
"""
WEAK = """
def test_rule():
    rule(1_000_000)
"""
BROKEN = """
def test_rule():
    assert False
"""
UNRELATED = """
def test_of_nothing(): ...

@pytest.mark.skip(reason="only to see what is said")
def test_skipped(): ...
"""


def check(folder: Path, body: str, rule: str = RULE) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(HEAD + body, encoding="utf-8")
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "mutate_rules"),
            *("-o", "markers=req(*ids)", "--rootdir", str(folder), f"--basetemp={folder / 't'}"),
            *("--mutate-rules", "--mutate-only", rule, str(folder)),
        ],
        env={**os.environ, "PYTHONPATH": str(PLUGINS)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_rule_that_its_test_misses_is_noticed(tmp_path: Path) -> None:
    done = check(tmp_path, STRONG)
    assert done.returncode == 0, done.stdout
    assert "1 rules disabled in turn, 0 not noticed" in done.stdout


@pytest.mark.parametrize("body", [WEAK, BROKEN, UNRELATED])
def test_a_rule_that_no_test_would_miss_survives(tmp_path: Path, body: str) -> None:
    done = check(tmp_path, body)
    assert done.returncode == 1, done.stdout
    assert "SURVIVED" in done.stdout
    assert "core/time/accuracy.py" in done.stdout


def test_a_rule_without_any_test_is_told_apart(tmp_path: Path) -> None:
    done = check(tmp_path, STRONG, rule="covers_clock")
    assert done.returncode == 1, done.stdout
    assert "HAS NO TEST" in done.stdout


def test_every_rule_of_this_product_can_be_disabled() -> None:
    from mutate_rules import disable, rule_of  # noqa: PLC0415 - a plugin of this test run, not a package

    places = find_places()
    for mark in scan(places.code, places.root).rules:
        function, answer = rule_of(mark)
        before = disable(function, answer)
        try:
            if not function.__code__.co_freevars:
                assert function("anything", named="too") == answer, mark.place
        finally:
            function.__code__ = before
