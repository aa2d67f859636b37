"""Processes that make signatures: which of them is given which request, and after what it is ended."""

from __future__ import annotations

import pytest

from trustworks.core.errors import Malformed, Refused, Rejected, TrustworksError, Unavailable
from trustworks.signing.bounded.pool import NO_PROCESS, TOO_MUCH, TOO_SLOW, Pool, Process, Question, Reply
from trustworks.signing.config import LimitSettings


class Fake(Process):
    """A process that answers whom it served."""

    def __init__(self) -> None:
        self.client = None
        self.uses = 0
        self.open = True
        self.error: TrustworksError | None = None

    def ask(self, asked: Question) -> Reply:
        assert self.open
        self.client = asked.client
        if self.error is not None:
            raise self.error
        return Reply(words={"process": id(self)}, octets=b"")

    def close(self) -> None:
        self.open = False


class Fakes(Pool):
    """A pool of them."""

    def __init__(self, at_once: int = 2) -> None:
        self.made: list[Fake] = []
        super().__init__("nothing", {}, LimitSettings.model_validate({"at-once": at_once}))

    def started(self) -> Process:
        self.made.append(Fake())
        return self.made[-1]

    def served(self, client: str) -> int:
        found = self.ask(Question(words={}, octets=b"", client=client)).words["process"]
        return [id(one) for one in self.made].index(found)


@pytest.mark.req("TRUSTWORKS:SIGNING-APART")
def test_a_process_is_given_the_documents_of_one_client() -> None:
    pool = Fakes()
    assert [pool.served(one) for one in ("a", "b", "a", "b", "b", "a")] == [0, 1, 0, 1, 1, 0]


@pytest.mark.req("TRUSTWORKS:SIGNING-APART")
def test_there_are_no_more_processes_than_requests_at_once() -> None:
    pool = Fakes()
    assert [pool.served(one) for one in "abca"] == [0, 1, 2, 3]
    assert [one.open for one in pool.made] == [False, False, True, True]
    pool.close()
    assert not any(one.open for one in pool.made)


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (Malformed("x"), True),
        (Rejected("signing.packaging", "x"), True),
        (Refused("TRUSTWORKS:X", "x"), True),
        (Unavailable("timestamping.unreachable", "x"), True),
        (Rejected(TOO_MUCH, "x"), False),
        (Unavailable(TOO_SLOW, "x"), False),
        (Unavailable(NO_PROCESS, "x"), False),
    ],
)
def test_a_process_is_ended_after_what_may_have_harmed_it(error: TrustworksError, kept: bool) -> None:
    pool = Fakes()
    assert pool.served("a") == 0
    pool.made[0].error = error
    with pytest.raises(type(error)):
        pool.served("a")
    assert pool.made[0].open is kept
