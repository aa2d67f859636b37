"""Everything that the trusted clock reads from the operating system, behind one small object.

Tests put their own `ClockReadings` in its place, so that time is injected and nobody sleeps.
"""

from __future__ import annotations

import ctypes
import platform
import struct
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from trustworks.core.errors import Unavailable

# Status bits and states of adjtimex(2), from linux/timex.h.
STA_INS = 0x0010
STA_DEL = 0x0020
STA_UNSYNC = 0x0040
TIME_OK, TIME_INS, TIME_DEL, TIME_OOP, TIME_WAIT, TIME_ERROR = range(6)

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# A pair of readings that took longer was interrupted between them, and is read again.
_PAIR_NS = 20_000
_PAIR_TRIES = 8


class Moment(NamedTuple):
    """One look at all clocks, in nanoseconds; `gap` is how long it took, so how far apart they can be."""

    realtime: int
    raw: int
    monotonic: int
    boottime: int
    gap: int


@dataclass(frozen=True, slots=True)
class KernelClock:
    """What adjtimex(2) says: `state` is its return value, errors in microseconds, `tai` 0 if never set."""

    state: int
    status: int
    offset_ns: int
    max_error_us: int
    estimated_error_us: int
    tai: int


class ClockReadings(Protocol):
    """The clocks of one machine."""

    def realtime_ns(self) -> int:
        """CLOCK_REALTIME."""

    def moment(self) -> Moment:
        """All clocks at one moment."""

    def kernel(self) -> KernelClock:
        """The kernel's discipline, read only."""

    def discipline(self) -> tuple[int, int, int]:
        """State, status and maxerror (microseconds) of `kernel`, for every call of the clock."""

    def boot_id(self) -> str:
        """Names this run of the kernel; another one after every restart."""


class _Timeval(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_usec", ctypes.c_long))


class _Timex(ctypes.Structure):
    """`struct timex` of 64-bit Linux."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time", _Timeval),
        ("tick", ctypes.c_long),
        ("ppsfreq", ctypes.c_long),
        ("jitter", ctypes.c_long),
        ("shift", ctypes.c_int),
        ("stabil", ctypes.c_long),
        ("jitcnt", ctypes.c_long),
        ("calcnt", ctypes.c_long),
        ("errcnt", ctypes.c_long),
        ("stbcnt", ctypes.c_long),
        ("tai", ctypes.c_int),
        ("reserved", ctypes.c_int * 11),
    )


_STA_NANO = 0x2000
_read = time.clock_gettime_ns
# A named tuple made without its own constructor's detour.
_new = tuple.__new__
# `maxerror` and `status` of the structure, at one look.
_read_discipline = struct.Struct("@24xq8xi").unpack_from


class SystemReadings:
    """The clocks of this machine.

    The kernel's clocks need 64-bit Linux; on other systems `moment`, `kernel` and `boot_id` raise
    `Unavailable`.
    """

    __slots__ = ("_adjtimex", "_supported", "_timex", "_timex_pointer", "realtime_ns")

    def __init__(self) -> None:
        self.realtime_ns = time.time_ns
        self._supported = (
            sys.platform == "linux" and platform.architecture()[0] == "64bit" and ctypes.sizeof(_Timex) == 208
        )
        if not self._supported:
            return
        # PyDLL keeps the interpreter's lock: the call takes a fraction of a microsecond and cannot block, and
        # the one buffer is never shared with a call under way. `modes` stays 0, which is read only.
        self._adjtimex = ctypes.PyDLL(None).adjtimex
        self._adjtimex.restype = ctypes.c_int
        self._timex = _Timex()
        self._timex_pointer = ctypes.byref(self._timex)

    def moment(self) -> Moment:
        """All clocks, read between two looks at CLOCK_MONOTONIC_RAW some microseconds apart."""
        if not self._supported:
            raise _unsupported()
        # The clocks' numbers are written out: this runs for every time that is given.
        raw = _read(4)
        realtime, monotonic, boottime, end = _read(0), _read(1), _read(7), _read(4)
        best = _new(Moment, (realtime, raw, monotonic, boottime, end - raw))
        for _ in range(_PAIR_TRIES):
            if best.gap <= _PAIR_NS:
                break
            raw = _read(4)
            realtime, monotonic, boottime, end = _read(0), _read(1), _read(7), _read(4)
            if end - raw < best.gap:
                best = Moment(realtime, raw, monotonic, boottime, end - raw)
        return best

    def kernel(self) -> KernelClock:
        """adjtimex(2) with modes 0: needs no privilege and changes nothing."""
        if not self._supported:
            raise _unsupported()
        state = self._adjtimex(self._timex_pointer)
        timex = self._timex
        if state < 0:
            raise Unavailable(
                "clock.kernel", "The kernel refused adjtimex(2); allow the call in the sandbox's filter."
            )
        offset = timex.offset if timex.status & _STA_NANO else timex.offset * 1000
        return KernelClock(state, timex.status, offset, timex.maxerror, timex.esterror, timex.tai)

    def discipline(self) -> tuple[int, int, int]:
        """The three numbers of adjtimex(2) that decide; a third of the time that `kernel` takes."""
        if not self._supported:
            raise _unsupported()
        state = self._adjtimex(self._timex_pointer)
        if state < 0:
            self.kernel()
        max_error, status = _read_discipline(self._timex)
        return state, status, max_error

    def boot_id(self) -> str:
        """The kernel's random boot id."""
        if not self._supported:
            raise _unsupported()
        try:
            return _BOOT_ID.read_text(encoding="ascii").strip()
        except OSError as error:
            raise Unavailable(
                "clock.unsupported-system",
                f"{_BOOT_ID} cannot be read ({error.strerror}), and nothing else tells whether this machine "
                "was started anew; let this process see it (systemd: ProcSubset=all).",
            ) from error


def _unsupported() -> Unavailable:
    return Unavailable(
        "clock.unsupported-system",
        "Trusted time needs the clocks of 64-bit Linux (CLOCK_BOOTTIME, adjtimex); "
        'use such a machine, or [time] mode = "lab" for a laboratory.',
    )
