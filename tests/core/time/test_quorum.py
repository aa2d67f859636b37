"""Agreement among servers by the intersection of intervals."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from trustworks.core.time.quorum import agree, is_quorum


@pytest.mark.req("EN319421:TIS-7.7.2-05")
@pytest.mark.parametrize(
    ("agreeing", "configured", "expected"),
    [
        (3, 3, True),
        (2, 3, False),
        (3, 4, True),
        (3, 5, True),
        (3, 6, False),
        (4, 6, True),
        (4, 7, True),
        (3, 7, False),
    ],
)
def test_a_quorum_is_three_and_a_majority_of_all(agreeing: int, configured: int, expected: bool) -> None:
    assert is_quorum(agreeing, configured, 3) is expected


@pytest.mark.req("EN319421:TIS-7.7.2-05")
def test_one_liar_of_four_is_left_out() -> None:
    intervals = {"a": (-10, 10), "b": (-5, 12), "c": (-8, 8), "liar": (1000, 1010)}
    found = agree(intervals, 4, 3)
    assert found is not None
    assert (found.low, found.high) == (-5, 8)
    assert found.members == ("a", "b", "c")
    assert found.outsiders == ("liar",)


@pytest.mark.req("EN319421:TIS-7.7.2-05")
def test_two_against_two_agree_on_nothing() -> None:
    assert agree({"a": (0, 1), "b": (0, 1), "c": (5, 6), "d": (5, 6)}, 4, 3) is None
    assert agree({}, 4, 3) is None
    assert agree({"a": (0, 1), "b": (0, 1)}, 4, 3) is None


def test_silenced_servers_count_against_a_majority() -> None:
    same = dict.fromkeys("abc", (0, 1))
    assert agree(same, 5, 3) is not None
    assert agree(same, 6, 3) is None


def test_intervals_that_touch_agree() -> None:
    found = agree({"a": (0, 5), "b": (5, 9), "c": (5, 5)}, 3, 3)
    assert found is not None
    assert (found.low, found.high) == (5, 5)


@given(
    truth=st.integers(-(10**9), 10**9),
    honest=st.lists(st.tuples(st.integers(0, 10**8), st.integers(0, 10**8)), min_size=3, max_size=8),
    liars=st.lists(st.tuples(st.integers(-(10**10), 10**10), st.integers(0, 10**9)), max_size=4),
)
def test_the_truth_is_inside_while_the_honest_are_a_quorum(
    truth: int, honest: list[tuple[int, int]], liars: list[tuple[int, int]]
) -> None:
    configured = len(honest) + len(liars)
    assume(2 * len(honest) > configured)
    intervals = {f"h{n}": (truth - before, truth + after) for n, (before, after) in enumerate(honest)}
    intervals |= {f"l{n}": (start, start + width) for n, (start, width) in enumerate(liars)}
    found = agree(intervals, configured, 3)
    assert found is not None
    assert found.low <= truth <= found.high
