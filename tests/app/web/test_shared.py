from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from trustworks.app.web.shared import Shared

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_all_who_ask_while_it_works_get_one_answer_and_the_next_another_one() -> None:
    made: list[int] = []
    go = threading.Event()

    def make() -> int:
        go.wait(10)
        made.append(1)
        return len(made)

    async def ask() -> list[int]:
        shared = Shared("test", make, kept=0.0, patience=10)
        first = [asyncio.ensure_future(shared.get()) for _ in range(20)]
        await asyncio.sleep(0)
        go.set()
        return [*(await asyncio.gather(*first)), await shared.get()]

    assert asyncio.run(ask()) == [1] * 20 + [2]


@pytest.mark.parametrize(("kept", "expected"), [(3600.0, [1, 1]), (0.0, [1, 2])])
def test_an_answer_is_kept(kept: float, expected: list[int]) -> None:
    made: list[int] = []

    def make() -> int:
        made.append(1)
        return len(made)

    async def ask() -> list[int]:
        shared = Shared("test", make, kept=kept, patience=10)
        return [await shared.get(), await shared.get()]

    assert asyncio.run(ask()) == expected


def test_a_fault_is_told_and_not_kept() -> None:
    answers: Iterator[Exception | str] = iter([ValueError("a fault"), "well"])

    def make() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def ask() -> str:
        shared = Shared("test", make, kept=3600.0, patience=10)
        with pytest.raises(ValueError, match="a fault"):
            await shared.get()
        return await shared.get()

    assert asyncio.run(ask()) == "well"


def test_what_hangs_is_waited_for_so_long_and_is_not_begun_again() -> None:
    begun: list[int] = []
    go = threading.Event()

    def make() -> str:
        begun.append(1)
        go.wait(10)
        return "late"

    async def ask() -> str:
        shared = Shared("test", make, kept=3600.0, patience=0.05)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await shared.get()
        go.set()
        while True:
            try:
                return await shared.get()
            except TimeoutError:
                continue

    assert asyncio.run(ask()) == "late"
    assert begun == [1]
