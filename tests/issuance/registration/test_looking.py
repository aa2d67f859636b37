"""Looking for what applicants put up has bounds, and hangs on nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from trustworks.core.errors import Unavailable
from trustworks.issuance.registration.looking import AT_ONCE, look_in_time

InTime = Callable[[], bool]


def test_names_are_looked_at_at_once_up_to_a_few() -> None:
    together = threading.Barrier(AT_ONCE)
    names = [f"n{n}" for n in range(AT_ONCE)]

    def look(name: str, _: InTime) -> str:
        together.wait(10)  # breaks unless all of them are here
        return name

    assert look_in_time("a1", [[one] for one in names], look, seconds=30) == {one: one for one in names}
    assert look_in_time("a1", [], look, seconds=30) == {}


def test_those_of_a_group_are_looked_at_one_after_the_other() -> None:
    asked: list[str] = []

    def look(name: str, in_time: InTime) -> None:
        assert in_time()
        asked.append(name)

    look_in_time("a1", [["*.a", "a"]], look, seconds=30)
    assert asked == ["*.a", "a"]


def test_what_takes_too_long_is_left_and_looked_at_by_nobody_else_meanwhile() -> None:
    released, ended = threading.Event(), threading.Event()

    def look(name: str, in_time: InTime) -> str:
        if name == "quick":
            return name
        released.wait(10)
        assert not in_time()
        ended.set()
        return name

    groups = [["quick"], ["slow", "after"], *([f"slow{n}"] for n in range(AT_ONCE + 3))]
    assert look_in_time("a1", groups, look, seconds=0.3) == {"quick": "quick"}
    with pytest.raises(Unavailable, match="are being looked at just now") as refused:
        look_in_time("a1", groups, look, seconds=0.3)
    assert refused.value.code == "registration.looking"
    assert look_in_time("a2", [["quick"]], look, seconds=30) == {"quick": "quick"}
    released.set()
    assert ended.wait(10)
    for thread in threading.enumerate():
        if thread.name.startswith("look-name"):
            thread.join(10)
    assert look_in_time("a1", [["quick"]], look, seconds=30) == {"quick": "quick"}  # and not one of the rest


def test_what_fails_is_told_after_the_others_are_done_and_may_be_tried_again() -> None:
    done: list[str] = []

    def look(name: str, _: InTime) -> None:
        if name == "fails" and not done:
            raise Unavailable("perspectives.away", "It is away.")
        done.append(name)

    with pytest.raises(Unavailable, match="It is away"):
        look_in_time("a1", [["fails"]], look, seconds=30)
    look_in_time("a1", [["other"], ["other2"]], look, seconds=30)
    assert sorted(done) == ["other", "other2"]
