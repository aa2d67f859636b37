"""Whether something was lost by what was added to a file, told by as little reading as will do."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final

import pytest

from trustworks.core.errors import Rejected
from trustworks.formats.adding import Most, State, check_added

AFTER: Final = State(1, {(b"value", 0): True}, {"T-1": True}, {}, {}, {})
STAMP: Final[Any] = SimpleNamespace(form="signature-time-stamp")
MOST: Final = Most(signatures=1, time_stamps=1)


def unread() -> State:
    raise AssertionError("the file before was read for nothing")


def test_where_everything_is_intact_the_file_before_is_not_read() -> None:
    check_added(unread, AFTER, MOST)
    check_added(unread, AFTER, MOST, stamp=True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (AFTER, replace(AFTER, references={(b"value", 0): False})),
        (AFTER, replace(AFTER, time_stamps={"T-1": False})),
        (AFTER, replace(AFTER, time_stamps={})),
        (AFTER, replace(AFTER, references={}, signatures=0)),
        (replace(AFTER, records={"E-1": True}), AFTER),
    ],
)
@pytest.mark.req("EN319132-1:5.1.4-UNBROKEN", "EN319122-1:5-UNBROKEN")
def test_what_was_intact_before_is_not_lost(before: State, after: State) -> None:
    was = replace(before, tokens={"T-1": STAMP})
    with pytest.raises(Rejected) as refused:
        check_added(lambda: was, after, replace(MOST, records=bool(before.records)))
    assert refused.value.code == "adding.broken"


def test_what_was_not_intact_before_need_not_be_after() -> None:
    broken = replace(AFTER, references={(b"value", 0): False})
    check_added(lambda: broken, broken, MOST)


def test_a_time_stamp_that_is_not_one_more_is_refused() -> None:
    with pytest.raises(Rejected) as refused:
        check_added(lambda: AFTER, AFTER, replace(MOST, time_stamps=2), stamp=True)
    assert refused.value.code == "adding.time-stamp"
