"""The mutation check itself: it must tell a test that shows its rule from one that merely carries the id."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mutate_rules import StandIn, UndeclaredError, answer_of, disable, rule_of

from trustworks.assurance.traceability import find_places
from trustworks.assurance.traceability.scan import scan

PLUGINS = Path(__file__).parents[1] / "plugins"
TESTS = """
import os
import time
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

@pytest.mark.req("EN319421:TIS-7.7.2-08")
def test_whose_process_dies():
    os._exit(3)

@pytest.mark.req("EN319421:TIS-7.7.2-09")
def test_that_hangs():
    time.sleep(600)
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
            *("--mutate-rules", "--mutate-only", "core/time", "--mutate-seconds", "10", str(folder)),
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


@pytest.mark.parametrize(("rule", "word"), [("is_leap_step", "DIED"), ("leap_record", "HUNG")])
def test_who_dies_or_hangs_has_noticed_nothing(words: dict[str, str], rule: str, word: str) -> None:
    assert words[rule] == word


@pytest.mark.parametrize(
    ("declared", "answer"),
    [
        ("@implements('X')\ndef rule() -> None: ...", None),
        ("@implements('X')\ndef rule() -> str | None: ...", None),
        ("@implements('X')\ndef rule() -> int | str | None: ...", None),
        ("@implements('X')\ndef rule() -> tuple[str, ...]: ...", ()),
        ("@implements('X', disabled=None)\ndef rule() -> str | None: ...", None),
        ("@implements('X', disabled=True)\ndef rule() -> bool: ...", True),
        ("@implements('X', disabled=list)\ndef rule() -> list[str]: ...", []),
        ("@implements('X', disabled=lambda: 3)\ndef rule() -> int: ...", 3),
    ],
)
def test_what_a_disabled_rule_answers(declared: str, answer: object) -> None:
    assert answer_of(declared, {}) == answer


@pytest.mark.parametrize(
    "declared",
    [
        "@implements('X')\ndef rule() -> bool: ...",
        "@implements('X')\ndef rule() -> bytes: ...",
        "@implements('X')\ndef rule() -> list[str]: ...",
        "@implements('X')\ndef rule() -> tuple[int, int]: ...",
        "@implements('X')\ndef rule(): ...",
        "@implements('X', disabled=None)\ndef rule() -> bytes: ...",
        "@implements('X')\nasync def rule() -> None: ...",
        "@implements('X', disabled=b'')\nasync def rule() -> bytes: ...",
    ],
)
def test_a_rule_whose_callers_could_not_use_nothing_must_say_what_it_answers(declared: str) -> None:
    with pytest.raises(UndeclaredError):
        answer_of(declared, {})


def test_a_stand_in_does_what_would_be_done_without_the_requirement() -> None:
    def rule(one: int, *, other: int) -> int:
        return min(one, other)

    for declared, answer in (("one, other: one", 7), ("rule, one, other: rule(one, other=other) + 1", 4)):
        stand_in = answer_of(f"@implements('X', disabled=lambda {declared})\ndef rule() -> int: ...", {})
        before = disable(rule, stand_in)
        assert rule(7, other=3) == answer
        rule.__code__ = before
        assert rule(7, other=3) == 3
        assert stand_in.faults == []


def test_what_is_wrong_with_a_stand_in_is_not_taken_for_a_test_that_noticed() -> None:
    def rule() -> int:
        return 1

    stand_in = answer_of("@implements('X', disabled=lambda *_: unknown)\ndef rule() -> int: ...", {})
    before = disable(rule, stand_in)
    with pytest.raises(NameError):
        rule()
    rule.__code__ = before
    assert isinstance(stand_in.faults[0], NameError)


def test_every_rule_of_this_product_can_be_disabled() -> None:
    places = find_places()
    for mark in scan(places.code, places.root).rules:
        function, answer = rule_of(mark)
        before = disable(function, answer)
        try:
            if not function.__code__.co_freevars and not isinstance(answer, StandIn):
                assert function("anything", named="too") == answer, mark.place
        finally:
            function.__code__ = before
