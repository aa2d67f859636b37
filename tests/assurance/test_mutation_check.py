"""The mutation check itself: it must tell a test that shows its rule from one that merely carries the id."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from trustworks.assurance.traceability import find_places
from trustworks.assurance.traceability.scan import scan

PLUGINS = Path(__file__).parents[1] / "plugins"
TESTS = """
import pytest
from trustworks.core.errors import Refused
from trustworks.core.time.accuracy import covers_clock, one_second_or_better

@pytest.mark.req("EN319421:TIS-7.7.2-03")
def test_that_misses_its_rule():
    with pytest.raises(Refused):
        one_second_or_better(1_000_001)

@pytest.mark.req("EN319421:TIS-7.7.1-05")
def test_that_merely_calls_its_rule():
    covers_clock(1_000_000, 1, 1, 1)

@pytest.mark.req("EN319421:TIS-7.7.1-07")
def test_that_fails_in_any_case():
    assert False

@pytest.mark.req("EN319421:TIS-7.7.1-04")
@pytest.mark.skip(reason="a sample: a test that does not run must not count as one that noticed")
def test_that_does_not_run():
    assert False
"""


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the check says of each rule of the clock, when only the tests above are there."""
    folder = tmp_path_factory.mktemp("mutation")
    (folder / "test_it.py").write_text(TESTS, encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "mutate_rules"),
            *("-o", "markers=req(*ids)", "--rootdir", str(folder), f"--basetemp={folder / 't'}"),
            *("--mutate-rules", "--mutate-only", "core/time", str(folder)),
        ],
        env={**os.environ, "PYTHONPATH": str(PLUGINS)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    said = re.findall(r"^(.*?) +[0-9.]+ s  \S+:[0-9]+ (\S+) ", done.stdout, re.MULTILINE)
    assert said, done.stdout
    return {rule: word for word, rule in said}


def test_a_rule_that_its_test_misses_is_noticed(words: dict[str, str]) -> None:
    assert words["one_second_or_better"] == "noticed"


@pytest.mark.parametrize("rule", ["covers_clock", "is_within", "check_traceability"])
def test_a_rule_that_no_test_would_miss_survives(words: dict[str, str], rule: str) -> None:
    assert words[rule] == "SURVIVED"


def test_a_rule_without_any_test_is_told_apart(words: dict[str, str]) -> None:
    assert words["is_quorum"] == "HAS NO TEST"


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
