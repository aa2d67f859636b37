"""Callers at the same time: served together, each with its own answer; nobody waits for one who is gone."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from trustworks.core.errors import Unavailable
from trustworks.issuance.together import Together

if TYPE_CHECKING:
    from collections.abc import Sequence


class Desk:
    """Answers batches, each when it is let: keeps what came together."""

    def __init__(self, *, most: int = 64, at_once: int = 1) -> None:
        self.batches: list[list[int]] = []
        self.came = threading.Semaphore(0)
        self.let = threading.Semaphore(0)
        self.together = Together[int, int](self.answer_all, most=most, at_once=at_once)
        self.answers: dict[int, Any] = {}
        self._threads: list[threading.Thread] = []

    def answer_all(self, questions: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(questions))
        self.came.release()
        assert self.let.acquire(timeout=10)
        return [ValueError(str(one)) if one < 0 else one * 10 for one in questions]

    def ask(self, question: int) -> None:
        def work() -> None:
            try:
                self.answers[question] = self.together.ask(question)
            except Exception as error:  # noqa: BLE001 - kept for the test
                self.answers[question] = error

        thread = threading.Thread(target=work)
        thread.start()
        self._threads.append(thread)

    def wait_for(self, waiting: int) -> None:
        """Until so many questions wait for a leader."""
        deadline = threading.Event()
        for _ in range(5000):
            if len(self.together._queue) == waiting:
                return
            deadline.wait(0.002)
        raise AssertionError("the questions did not come")

    def end(self) -> None:
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()


def test_what_comes_while_a_batch_is_under_way_is_the_next_batch() -> None:
    desk = Desk()
    desk.ask(1)
    assert desk.came.acquire(timeout=10)
    for waiting, question in enumerate((2, -3, 4), start=1):
        desk.ask(question)
        desk.wait_for(waiting)
    desk.let.release(2)
    desk.end()
    assert desk.batches == [[1], [2, -3, 4]]
    refused = desk.answers.pop(-3)
    assert isinstance(refused, ValueError)
    assert desk.answers == {1: 10, 2: 20, 4: 40}


def test_a_batch_has_a_bound_and_two_are_under_way() -> None:
    desk = Desk(most=2, at_once=2)
    for question in (1, 2):
        desk.ask(question)
        assert desk.came.acquire(timeout=10)
    for waiting, question in enumerate((3, 4, 5), start=1):
        desk.ask(question)
        desk.wait_for(waiting)
    desk.let.release(4)
    desk.end()
    assert [len(batch) for batch in desk.batches][:2] == [1, 1]
    assert max(len(batch) for batch in desk.batches) <= 2
    assert sorted(one for batch in desk.batches for one in batch) == [1, 2, 3, 4, 5]
    assert desk.answers == {one: one * 10 for one in range(1, 6)}
    assert desk.together._free == 2  # all is as in the beginning


def test_who_leads_after_a_batch_waits_for_those_who_come_back() -> None:
    desk = Desk()
    desk.together._expected = 3  # so many were answered together
    desk.together._patience = 10
    desk.ask(1)
    desk.ask(2)
    desk.ask(3)
    assert desk.came.acquire(timeout=5)  # as soon as the third is there
    desk.let.release()
    desk.end()
    assert [sorted(batch) for batch in desk.batches] == [[1, 2, 3]]
    assert desk.together._expected == 3


def test_those_who_do_not_come_back_are_not_waited_for_and_not_expected_again() -> None:
    desk = Desk()
    desk.together._expected = 64
    desk.together._patience = 0.001
    desk.let.release()
    desk.ask(1)
    desk.end()
    assert desk.batches == [[1]]
    assert desk.together._expected == 1


def test_who_is_interrupted_while_it_waits_for_company_leaves_all_as_it_was() -> None:
    desk = Desk()
    desk.together._expected = 3

    def interrupted(_: float) -> bool:
        raise KeyboardInterrupt

    desk.together._company.wait = interrupted  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        desk.together.ask(1)
    assert desk.batches == []
    assert desk.together._free == 1


def test_who_leads_and_is_interrupted_leaves_nobody_waiting() -> None:
    class Interrupted(BaseException):
        pass

    desk = Desk()
    calls = iter([Interrupted])

    def answer_all(questions: Sequence[int]) -> list[int | Exception]:
        found = desk.answer_all(questions)
        for error in calls:
            raise error
        return found

    desk.together._answer_all = answer_all
    first: list[BaseException] = []

    def lead() -> None:
        try:
            desk.together.ask(1)
        except BaseException as error:  # noqa: BLE001 - kept for the test
            first.append(error)

    leader = threading.Thread(target=lead)
    leader.start()
    assert desk.came.acquire(timeout=10)
    desk.ask(2)
    desk.wait_for(1)
    desk.let.release(2)
    leader.join(10)
    desk.end()
    assert isinstance(first[0], Interrupted)
    assert desk.answers == {2: 20}


def test_who_is_in_the_batch_of_an_interrupted_leader_is_told() -> None:
    desk = Desk()

    def answer_all(questions: Sequence[int]) -> list[int | Exception]:
        found = desk.answer_all(questions)
        if 2 in questions:
            raise KeyboardInterrupt
        return found

    desk.together._answer_all = answer_all
    hook, threading.excepthook = threading.excepthook, lambda _: None
    try:
        desk.ask(1)
        assert desk.came.acquire(timeout=10)
        for waiting, question in enumerate((2, 3), start=1):
            desk.ask(question)
            desk.wait_for(waiting)
        desk.let.release(2)
        desk.end()
    finally:
        threading.excepthook = hook
    told = desk.answers[3]
    assert isinstance(told, Unavailable)
    assert told.code == "issuance.interrupted"
    desk.let.release()
    assert desk.together.ask(4) == 40


@pytest.mark.parametrize("leads", [False, True])
def test_who_waits_and_is_interrupted_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, leads: bool) -> None:
    """The one who is gone is the next to lead: the lead goes on to who comes after."""
    desk = Desk()
    desk.ask(1)
    assert desk.came.acquire(timeout=10)
    real = threading.Event

    class Gone(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            del timeout
            if leads:
                desk.let.release()
                real.wait(self, 10)
            raise KeyboardInterrupt

    monkeypatch.setattr(threading, "Event", Gone)
    with pytest.raises(KeyboardInterrupt):
        desk.together.ask(2)
    monkeypatch.undo()
    desk.ask(3)
    if not leads:
        desk.wait_for(1)
        desk.let.release()
    desk.let.release()
    desk.end()
    assert desk.batches == [[1], [3]]
    assert desk.answers == {1: 10, 3: 30}
