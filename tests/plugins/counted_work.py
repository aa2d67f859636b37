"""Bounds on work that no clock decides: by calls of functions, however busy the machine is."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


@contextmanager
def calls_at_most(most: int) -> Iterator[None]:
    """What is done within may call that many functions, of Python or of C; it fails at once with one more.

    Work within one call of C (a pattern, arithmetic) counts as one: where that is what costs, look at what is
    handed to it.
    """
    left = most

    def called(frame: FrameType, event: str, argument: Any) -> None:  # noqa: ARG001 - of the interpreter
        nonlocal left
        if event in {"call", "c_call"}:
            left -= 1
            if left < 0:
                sys.setprofile(None)
                pytest.fail(f"more than {most} calls: this takes too long")

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        yield
    finally:
        sys.setprofile(before)
