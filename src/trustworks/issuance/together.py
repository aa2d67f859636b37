"""Callers at the same time, served together: two synchronisations of the disk for all, not for each.

Who comes alone begins at once; what comes while a batch is under way is taken together by the one of them
that waits longest. Callers that were just answered together come back one after the other, so who leads after
such a batch waits for them, as long as they keep coming: else every second batch would be a small one.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from trustworks.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

logger = logging.getLogger(__name__)
# Seconds until the next caller must have come, or the batch begins without it.
_PATIENCE: Final = 0.002
Q = TypeVar("Q")
A = TypeVar("A")


class _Waiting(Generic[Q, A]):
    """A caller's question; `woken` is set with an answer, or to take the lead.

    Of a caller who does not wait, `answered` is called with the answer, and a thread of the pool leads.
    """

    __slots__ = ("answer", "answered", "leads", "question", "woken")

    def __init__(self, question: Q, answered: Callable[[A | Exception], None] | None = None) -> None:
        self.question = question
        self.answer: A | Exception | None = None
        self.answered = answered
        self.leads = False
        if answered is None:
            self.woken = threading.Event()


class Together(Generic[Q, A]):
    """Brings the questions of threads, `most` at a time, to `answer_all`, which answers each in its place.

    At most `at_once` batches are under way: while one waits for the disk, another uses the processor.
    """

    def __init__(
        self, answer_all: Callable[[Sequence[Q]], Sequence[A | Exception]], *, most: int, at_once: int
    ) -> None:
        self._answer_all = answer_all
        self._most = most
        self._free = at_once
        self._lock = threading.Lock()
        self._company = threading.Condition(self._lock)
        self._patience = _PATIENCE
        self._expected = 1  # callers: those who were answered together last, and those who waited then
        self._queue: deque[_Waiting[Q, A]] = deque()
        # Its threads begin with the first caller that does not wait, and end with the process.
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="together")

    def ask(self, question: Q) -> A:
        """The answer to a question; raises the one that is an exception."""
        mine = _Waiting[Q, A](question)
        with self._lock:
            if self._free:  # then nobody waits
                self._free -= 1
                mine.leads = True
            else:
                self._enter(mine)
        if not mine.leads:
            try:
                mine.woken.wait()
            except BaseException:  # an interrupt: nobody may wait for one who is gone
                self._leave(mine)
                raise
        if mine.leads:
            self._lead(mine)
        if isinstance(mine.answer, Exception):
            raise mine.answer
        assert mine.answer is not None  # noqa: S101 - who is woken leads or has an answer
        return mine.answer

    def hand_over(self, question: Q, answered: Callable[[A | Exception], None]) -> None:
        """As `ask`, but return at once; `answered` gets the answer, on whatever thread leads the batch.

        It must be quick: the whole batch waits for it.
        """
        mine = _Waiting[Q, A](question, answered)
        with self._lock:
            self._enter(mine)
            if not self._free:
                return
            self._free -= 1
        self._pass_on()

    def _enter(self, mine: _Waiting[Q, A]) -> None:
        self._queue.append(mine)
        if len(self._queue) + 1 == self._expected:
            self._company.notify()

    def _lead(self, mine: _Waiting[Q, A]) -> None:
        """Take what waits, see to the answers, this caller's own among them, and pass the lead on."""
        batch = [mine]
        try:
            with self._lock:
                self._await_company()
                others = min(self._most - 1, len(self._queue))
                batch += [self._queue.popleft() for _ in range(others)]
            for one, answer in zip(batch, self._answer_all([one.question for one in batch]), strict=True):
                one.answer = answer
        finally:
            with self._lock:
                self._expected = min(self._most, len(batch) + len(self._queue))
            for one in batch:
                if one.answer is None:  # whoever leads fails by itself
                    one.answer = Unavailable(
                        "issuance.interrupted",
                        "The issuance was interrupted; see what was issued (`trustworks certificate list`), "
                        "and try again.",
                    )
                _tell(one)
            self._pass_on()

    def _await_company(self) -> None:
        """Wait until all are there that are expected, or no other comes any more."""
        here = -1
        while here < len(self._queue) < self._expected - 1:
            here = len(self._queue)
            self._company.wait(self._patience)

    def _pass_on(self) -> None:
        with self._lock:
            if not self._queue:
                self._free += 1
                return
            following = self._queue.popleft()
        if following.answered is not None:
            self._pool.submit(self._lead_apart, following)
        else:
            following.leads = True
            following.woken.set()

    def _lead_apart(self, mine: _Waiting[Q, A]) -> None:
        try:
            self._lead(mine)
        except Exception:  # nobody waits for this thread, whose batch was told that it was interrupted
            logger.exception("a batch failed")

    def _leave(self, mine: _Waiting[Q, A]) -> None:
        with self._lock:
            if mine in self._queue:
                self._queue.remove(mine)
        if mine.leads:
            self._pass_on()


def _tell(one: _Waiting[Q, A]) -> None:
    if one.answered is None:
        one.woken.set()
        return
    assert one.answer is not None  # noqa: S101 - the caller saw to it
    try:
        one.answered(one.answer)
    except Exception:
        logger.exception("a caller failed when it was told the answer")
