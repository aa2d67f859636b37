"""Looking for what applicants put up has bounds: how long in all, how many names at once, one look at a time.

Where it looks is somebody else's server or name server, which may take its time over every name.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final, TypeVar

from trustworks.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from concurrent.futures import Future

    T = TypeVar("T")

SECONDS: Final = 45.0  # for all names of an application; less than proxies wait for an answer
AT_ONCE: Final = 4  # names of one application
THREADS: Final = 2  # applications that one service looks at at once; others wait for those

_lock = threading.Lock()
_under_way: set[str] = set()  # the applications that this process looks at


def threads() -> ThreadPoolExecutor:
    """Threads for looks alone: whatever else a service does waits for none."""
    return ThreadPoolExecutor(THREADS, thread_name_prefix="look")


def look_in_time(
    application: str,
    groups: Collection[Sequence[str]],
    look: Callable[[str, Callable[[], bool]], T],
    *,
    seconds: float,
) -> dict[str, T]:
    """What `look` answers for each name; those that it had no time for are absent.

    The names of a group are looked at one after the other, groups at once. `look` is told what answers
    whether there is time left. A look that is under way when the time is over ends on its own, and the
    application is not looked at again before. Raises `Unavailable` (registration.looking) then, and an
    error of `look` after the others are done.
    """
    if not groups:
        return {}
    _begin(application)
    until = time.monotonic() + seconds
    found: dict[str, T] = {}
    left = len(groups)

    def in_time() -> bool:
        return time.monotonic() < until

    def of_group(names: Sequence[str]) -> None:
        for name in names:
            if not in_time():
                return
            found[name] = look(name, in_time)

    def ended(_: Future[None]) -> None:
        nonlocal left
        with _lock:
            left -= 1
            if not left:
                _under_way.discard(application)

    pool = ThreadPoolExecutor(min(AT_ONCE, left), thread_name_prefix="look-name")
    tasks = [pool.submit(of_group, one) for one in groups]
    for one in tasks:
        one.add_done_callback(ended)
    done, _ = wait(tasks, timeout=seconds)
    pool.shutdown(wait=False, cancel_futures=True)
    for one in done:
        one.result()
    return dict(found)


def _begin(application: str) -> None:
    with _lock:
        if application in _under_way:
            raise Unavailable(
                "registration.looking",
                f"The names of the application {application} are being looked at just now; look again when "
                "that has ended.",
            )
        _under_way.add(application)
