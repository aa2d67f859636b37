"""Collects no garbage while tests are collected, and never looks again at what was made then.

Ten thousand tests and their modules live as long as the run does. The collector of garbage would go through
all of them again and again, here and in every process that is forked from this one.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
