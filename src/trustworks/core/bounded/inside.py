"""What a bounded process runs: `python -m MODULE --channel N`, where MODULE calls what is here.

The kernel keeps the limits: who exceeds the processor time is ended by it, who asks for more memory does not
get it. Files come as octets or as open files without a name.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import resource
import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.bounded.channel import receive, send

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Answer = Callable[[dict[str, Any], bytes, Sequence[int]], tuple[dict[str, Any], bytes]]

_FIRST_TO_GO: Final = "900"
"""Where memory is short on the machine, the kernel ends this process before those that serve."""
_OPEN_FILES: Final = 1024
_NO_NEW_PRIVILEGES: Final = 38
"""PR_SET_NO_NEW_PRIVS of prctl(2)."""
_PATIENCE: Final = 30.0
"""Seconds beyond the limit after which a process ends that nobody waits for any more."""


def channel_of(module: str, description: str, arguments: Sequence[str] | None = None) -> socket.socket:
    """The socket to whoever started this process, out of its arguments; signals are left to him."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument("--channel", type=int, required=True)
    channel = socket.socket(fileno=parser.parse_args(arguments).channel)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us says when to stop
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return channel


def restrict(*, memory: int, written: int) -> None:
    """Give this process at most `memory` octets, and files that it writes at most `written` octets each."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # it would hold the files
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    _lower(resource.RLIMIT_FSIZE, written)
    _lower(resource.RLIMIT_NOFILE, _OPEN_FILES)
    # Nothing that it starts has more rights than it has itself.
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO, "ascii")


def _lower(limit: int, most: int) -> None:
    _, hard = resource.getrlimit(limit)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(limit, (most, most))


def serve(channel: socket.socket, answer: Answer, *, cpu_seconds: int, seconds: float) -> None:
    """Answer what comes over the channel until its other end is closed.

    `answer` gets words, octets and open files, and says words and octets; the files are closed after it.
    Words of our own are ``memory`` where there was not enough, and ``malformed`` with a sentence where what
    was sent nests too deep. Each answer has so many seconds of processor time, and on a clock.
    """
    with suppress(EOFError, OSError):
        while True:
            _one(channel, answer, cpu_seconds, seconds)


def _one(channel: socket.socket, answer: Answer, cpu_seconds: int, seconds: float) -> None:
    words, octets, descriptors = receive(channel)
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime) + 1 + cpu_seconds
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))
    signal.setitimer(signal.ITIMER_REAL, seconds + _PATIENCE)
    try:
        told, report = answer(words, octets, descriptors)
    except MemoryError:
        told, report = {"memory": True}, b""
    except RecursionError:
        told, report = {"malformed": "The file is nested deeper than it may be."}, b""
    finally:
        for one in descriptors:
            os.close(one)
    signal.setitimer(signal.ITIMER_REAL, 0)
    send(channel, told, report)
    gc.collect()
