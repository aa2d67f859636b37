from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trustworks.app.opening import Opening
from trustworks.core.errors import Refused, TrustworksError, Unavailable

if TYPE_CHECKING:
    from contextlib import ExitStack


class Flaky:
    """Fails with what is in `errors`, then opens."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.tries = 0
        self.closed = 0

    def __call__(self, stack: ExitStack) -> str:
        self.tries += 1
        stack.callback(self._close)
        if self.errors:
            raise self.errors.pop(0)
        return "open"

    def _close(self) -> None:
        self.closed += 1


def test_what_is_absent_is_opened_once_it_is_there() -> None:
    flaky = Flaky(Unavailable("module.token-absent", "Insert the token."))
    opening = Opening("tsu", flaky)
    with pytest.raises(Unavailable, match="is being opened"):
        opening.get()
    assert not opening.attempt()
    with pytest.raises(Unavailable, match=r"Insert the token\."):
        opening.get()
    assert flaky.closed == 1, "what the failed try had opened stayed open"
    assert opening.attempt()
    assert opening.get() == "open"
    assert not opening.attempt()
    opening.close()
    assert (flaky.tries, flaky.closed, opening.is_open) == (2, 2, False)


def test_asking_again_and_again_fills_no_memory() -> None:
    opening = Opening("tsu", Flaky(Unavailable("module.token-absent", "Insert the token.")))
    opening.attempt()
    lengths = set()
    for _ in range(3):
        with pytest.raises(Unavailable) as raised:
            opening.get()
        lengths.add(len(raised.traceback))
    assert len(lengths) == 1


@pytest.mark.req("TRUSTWORKS:APP-PIN-ONCE")
@pytest.mark.parametrize(
    "error",
    [
        Unavailable("module.pin-wrong", "The PIN is wrong."),
        Unavailable("module.pin-locked", "The token is locked."),
        Refused("TRUSTWORKS:MODULE-PIN-STRENGTH", "The PIN is known."),
    ],
)
def test_a_wrong_pin_is_never_tried_twice(error: TrustworksError) -> None:
    flaky = Flaky(error)
    opening = Opening("tsu", flaky)
    opening.attempt()
    opening.attempt()
    assert opening.hopeless
    assert flaky.tries == 1
    with pytest.raises(type(error), match=str(error)):
        opening.get()


@pytest.mark.req("TRUSTWORKS:APP-PIN-ONCE")
def test_a_pin_file_that_was_changed_is_tried_once_more() -> None:
    state = [1]
    wrong = Unavailable("module.pin-wrong", "The PIN is wrong.")
    flaky = Flaky(wrong, wrong)
    opening = Opening("tsu", flaky, watch=lambda: state[0])
    opening.attempt()
    opening.attempt()
    state[0] = 2
    assert not opening.hopeless
    opening.attempt()
    opening.attempt()
    assert (flaky.tries, opening.hopeless) == (2, True)
    state[0] = 3
    assert opening.attempt()


def test_a_bug_while_opening_is_unavailable_and_tried_again() -> None:
    opening = Opening("tsu", Flaky(ZeroDivisionError()))
    assert not opening.attempt()
    with pytest.raises(Unavailable, match="cannot be opened"):
        opening.get()
    assert opening.attempt()
