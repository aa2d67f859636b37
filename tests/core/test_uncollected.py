"""The collector of cycles rests while any thread asks for it, and is as it was before afterwards."""

from __future__ import annotations

import gc

import pytest

from trustworks.core.uncollected import uncollected


def test_it_rests_until_the_last_is_done() -> None:
    assert gc.isenabled()
    first, second = uncollected(), uncollected()
    with first:
        with second:
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_one_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_it_is_on_again_after_a_failure() -> None:
    with pytest.raises(LookupError), uncollected():
        raise LookupError
    assert gc.isenabled()
