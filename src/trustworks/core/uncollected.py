"""Work that makes many objects and no cycles, at which the collector of cycles would look for nothing."""

from __future__ import annotations

import gc
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_lock = threading.Lock()
_state = {"inside": 0, "was_on": 0}


@contextmanager
def uncollected() -> Iterator[None]:
    """Cycles are not looked for meanwhile, in the whole process: for what takes a second or two.

    The last of several threads turns it on again, if the first found it on.
    """
    with _lock:
        if not _state["inside"]:
            _state["was_on"] = gc.isenabled()
            gc.disable()
        _state["inside"] += 1
    try:
        yield
    finally:
        with _lock:
            _state["inside"] -= 1
            if not _state["inside"] and _state["was_on"]:
                gc.enable()
