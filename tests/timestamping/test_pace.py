"""How quick a key is: one slow signature sends it to threads, and a busy moment does not keep it there."""

from __future__ import annotations

import asyncio
import random
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from trustworks.core.errors import Unavailable
from trustworks.timestamping import wire
from trustworks.timestamping.http import BUDGET_US, MOST_TOGETHER, Edge
from trustworks.timestamping.unit import LONGEST_PAUSE_NS, PAUSE_TIMES, Pace

if TYPE_CHECKING:
    from collections.abc import Callable

    from timestamping_testbed import SteeredClock

    from trustworks.core.audit import Recorder
    from trustworks.core.module import Key, Module
    from trustworks.timestamping.service import TimestampingAuthority

US = 1_000
MS = 1_000_000


class Ticker:
    """A clock of the processor that tests move."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


class Paced:
    """A key whose signatures take as long as `ms` says, by the ticker and by the steered clock."""

    def __init__(self, key: Key, ticker: Ticker, clock: SteeredClock) -> None:
        self._key = key
        self._ticker = ticker
        self._clock = clock
        self.ms = 0.06
        self.fails = False
        self.threads: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._key, name)

    def sign_all(self, items: list[bytes], scheme: Any = None, *, until: int | None = None) -> list[bytes]:
        self.threads.append(threading.current_thread().name)
        number = 0
        for _ in items:
            if self.threads[-1] == threading.main_thread().name:  # threads take their time side by side
                self._clock.utc += timedelta(milliseconds=self.ms)
            self._ticker.now += int(self.ms * MS)
            number += 1
            if until is not None and self._ticker.now > until:
                break
        if self.fails:
            raise Unavailable("module.device-error", "The module does not answer.")
        return self._key.sign_all(items[:number], scheme)


@pytest.fixture
def ticker(monkeypatch: pytest.MonkeyPatch) -> Ticker:
    made = Ticker()
    monkeypatch.setattr("time.perf_counter_ns", made)
    return made


@pytest.fixture
def paced(tsu_module: Module, ticker: Ticker, clock: SteeredClock) -> Paced:
    return Paced(tsu_module.key("tsu-1"), ticker, clock)


@pytest.fixture
def edge(
    authority_of: Callable[..., TimestampingAuthority],
    recorder: Recorder,
    query: Callable[..., bytes],
    paced: Paced,
) -> Edge:
    """An edge over an authority whose key was quick so far."""
    authority = authority_of(keys=lambda _: paced)
    authority.look()
    for _ in range(64):
        authority.issue(query())
    assert authority.most_together(BUDGET_US, MOST_TOGETHER) == MOST_TOGETHER
    return Edge(authority, recorder)


def ask(edge: Edge, query: Callable[..., bytes], number: int = MOST_TOGETHER) -> list[tuple[str, ...]]:
    async def all_of_them() -> list[bytes]:
        return await asyncio.gather(*(edge.answer(query(nonce=one), None) for one in range(number)))

    return [wire.decode_response(answer).failures for answer in asyncio.run(all_of_them())]


def inline(paced: Paced) -> int:
    """How many calls of the module kept the loop since this was asked last."""
    found = sum(one == threading.main_thread().name for one in paced.threads)
    paced.threads.clear()
    return found


def test_a_module_that_turns_slow_keeps_the_loop_for_one_batch_and_refuses_nobody(
    edge: Edge, query: Callable[..., bytes], paced: Paced, ticker: Ticker
) -> None:
    inline(paced)
    paced.ms = 40
    began = ticker.now
    assert ask(edge, query) == [()] * MOST_TOGETHER
    assert inline(paced) == 1
    assert ticker.now - began < 2 * MOST_TOGETHER * 40 * MS
    for _ in range(4):
        assert ask(edge, query) == [()] * MOST_TOGETHER
    assert inline(paced) == 0


@pytest.mark.parametrize("fails", [False, True])
def test_those_who_wait_behind_the_first_slow_batch_are_left_to_threads(
    edge: Edge, query: Callable[..., bytes], paced: Paced, fails: bool
) -> None:
    inline(paced)
    paced.ms, paced.fails = 100, fails
    ask(edge, query, 5 * MOST_TOGETHER)
    assert inline(paced) == 1


def test_a_batch_leaves_time_for_those_that_it_does_not_sign(
    edge: Edge, query: Callable[..., bytes], paced: Paced, ticker: Ticker
) -> None:
    paced.ms = 40
    began = ticker.now
    outcomes = edge.service.issue_all([(query(nonce=one), None) for one in range(MOST_TOGETHER)])
    assert [outcome is None for outcome in outcomes] == [False] * 2 + [True] * (MOST_TOGETHER - 2)
    assert ticker.now - began == 80 * MS  # no more than a tenth of the limit before the last one began


def test_a_signature_that_fails_slowly_sends_the_key_to_threads(
    edge: Edge, query: Callable[..., bytes], paced: Paced
) -> None:
    inline(paced)
    paced.ms, paced.fails = 500, True
    assert ask(edge, query, 4) == [("systemFailure",)] * 4
    assert ask(edge, query, 4) == [("systemFailure",)] * 4
    assert inline(paced) == 1


def test_one_busy_moment_sends_no_key_to_threads_and_two_for_a_pause(
    edge: Edge, query: Callable[..., bytes], paced: Paced, ticker: Ticker
) -> None:
    inline(paced)
    for ms, on_the_loop in ((2, 1), (0.06, 1), (2, 1), (2, 1), (0.06, 0)):
        paced.ms = ms
        ask(edge, query, 1)
        assert inline(paced) == on_the_loop
    ticker.now += PAUSE_TIMES * 2 * MS
    ask(edge, query, 1)  # in a thread still, and quick
    assert inline(paced) == 0
    ask(edge, query, 1)
    assert inline(paced) == 1


def pace(expected_us: float = 100) -> Pace:
    return Pace(500, expected_us, 50 * MS)


@pytest.mark.parametrize(
    ("batches", "slow"),
    [
        ([(8000 * US, 16), (8000 * US, 16)], False),
        ([(501 * US, 1)], False),
        ([(501 * US, 1), (499 * US, 1), (501 * US, 1)], False),
        ([(501 * US, 1), (501 * US, 1)], True),
        ([(50 * MS, 1)], False),
        ([(51 * MS, 1)], True),
        ([(80 * MS, 2)], True),
    ],
)
def test_two_slow_batches_or_one_that_nobody_can_wait_for_are_enough(
    batches: list[tuple[int, int]], *, slow: bool
) -> None:
    made = pace()
    for took, number in batches:
        made.took(0, took, number)
    assert made.is_slow is slow


def test_a_key_that_is_slow_at_most_times_has_the_loop_at_few() -> None:
    chance, made, now, kept = random.Random(1), pace(), 0, 0  # noqa: S311
    for _ in range(20_000):
        took = 40 * MS if chance.random() < 0.9 else 60 * US
        if not made.is_slow:
            kept += took
        made.took(now, now + took)
        now += took
    assert 0 < kept < now / 10


def test_a_key_that_is_always_slow_stays_so() -> None:
    made = pace(2000)
    for number in range(1000):
        assert made.is_slow
        made.took(number * 2 * MS, (number + 1) * 2 * MS)
    assert made.microseconds == 2000


def test_a_pause_has_an_end_however_long_the_signature_took() -> None:
    made, took = pace(), 3_600_000 * MS
    made.took(0, took)
    found = []
    for ended in (took + LONGEST_PAUSE_NS - 1, took + LONGEST_PAUSE_NS):
        made.took(ended - 100 * US, ended)
        found.append(made.is_slow)
    assert found == [True, False]
    assert made.microseconds == 100
