"""The clock of mode ``enforce``: no lease, no time.

Every `now()` looks at the collector's lease, at the kernel's own word, and at all clocks against one another:
a jump or a suspension since the lease was written is found before the time is used, and latches the stop.
"""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn

from trustworks.core.errors import Unavailable
from trustworks.core.time import rules
from trustworks.core.time.lab import EPOCH
from trustworks.core.time.latch import LatchFiles
from trustworks.core.time.lease import OK, LeaseReader
from trustworks.core.time.model import ClockStatus, Mode, TimeEvidence, TrustedTime
from trustworks.core.time.readings import SystemReadings
from trustworks.core.time.stop import Latch, new_latch

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.core.time.config import TimeSettings
    from trustworks.core.time.lease import Lease
    from trustworks.core.time.readings import ClockReadings, Moment

SECOND = BILLION = 1_000_000_000
# The kernel looks at its own flags once a second, so a word of a millisecond's age is as good as a new one.
KERNEL_FRESH_NS = 1_000_000
NEVER = 1 << 63
LEAP_WINDOW = "No time is given around a leap second; try again in three seconds."


# A named tuple made without the detour of its own constructor: half the time, on every time that is given.
_new = tuple.__new__
_Terms = tuple["Lease | None", bool, int, int, int, int, int, int, "tuple[int, int] | None", str]
_NO_TERMS: _Terms = (None, False, 0, 0, 0, 0, 0, 0, None, "")
_NOT_LOOKED = Latch(id="", code="", reason="", found_by="", clock_said="", boot="")


class TimeGuard:
    """UTC with a proven error bound, or `Unavailable`. One object serves all threads of a process."""

    mode: Mode = "enforce"

    def __init__(
        self, settings: TimeSettings, state_dir: Path, readings: ClockReadings | None = None
    ) -> None:
        self.state_dir = state_dir
        self._settings = settings
        self._readings = readings or SystemReadings()
        self._reader = LeaseReader(settings.lease_path(state_dir))
        self._files = LatchFiles(state_dir)
        self._latch: Latch | None = self._first_look()
        self._changing = threading.Lock()  # over the stop and its files: threads look, set and lift
        self._boot = _boot_id(self._readings)
        self._last = (0, 0)
        # One tuple, replaced in one step: threads share this object.
        self._terms: _Terms = _NO_TERMS
        self._ask_kernel_at = 0 if "kernel" in settings.sources else NEVER
        self._kernel_limit = settings.kernel_max_error_us
        self._tolerance = settings.jump_tolerance_us * 1000
        self._slew = settings.slew_ppm
        self._drift_ppb = math.ceil(settings.oscillator_ppm * 1000)
        self._limit = settings.max_bound_ns + settings.holdover_ns

    def now(self) -> TrustedTime:
        """UTC with its bound and evidence.

        Raises:
            Unavailable: ``clock.<why>``, with a sentence that says what to do.
        """
        if self._latch is not None:
            self._require_release()
        lease = self._reader.read()
        terms = self._terms
        if lease is not terms[0]:
            terms = self._terms = self._take(lease)
        _, usable, written, until, bound, realtime, raw, suspended, window, name = terms
        moment = self._readings.moment()
        now, now_raw, monotonic, boottime, gap = moment
        if not (usable and written <= boottime <= until):
            self._refuse(lease, boottime)
        if now_raw >= self._ask_kernel_at:
            self._ask_kernel(now_raw)
        if not rules.stayed_awake(boottime - monotonic - suspended, gap):
            self._stop("clock.suspended", lease, moment)
        elapsed = now_raw - raw
        step = now - realtime - elapsed
        if not rules.is_steady(step, elapsed, gap, self._tolerance, self._slew):
            self._stop("clock.jump", lease, moment)
        # The lease's bound, what the oscillator can have drifted since, how far the clock was steered.
        bound += elapsed * self._drift_ppb // BILLION + abs(step) + gap
        if not rules.is_within(bound, self._limit):
            raise Unavailable(
                "clock.bound",
                f"The clock may be {bound // 1000} us off, more than the {self._limit // 1000} us allowed.",
            )
        if window is not None and window[0] <= now <= window[1]:
            raise Unavailable("clock.leap-window", LEAP_WINDOW)
        self._keep_order(now, now_raw)
        bound_us = -(-bound // 1000)
        seconds, rest = divmod(now, BILLION)
        evidence = _new(TimeEvidence, ("enforce", name, lease.sources, bound_us, lease.leap))
        return _new(TrustedTime, (EPOCH + timedelta(0, seconds, rest // 1000), bound_us, evidence))

    def _ask_kernel(self, raw: int) -> None:
        """Refuse while the kernel calls its clock undisciplined; else its word holds for a millisecond."""
        state, status, max_error_us = self._readings.discipline()
        if not rules.is_disciplined(state, status, max_error_us, self._kernel_limit):
            findings = rules.kernel_findings(state, status, max_error_us, self._kernel_limit)
            raise Unavailable("clock.unsynchronised", " ".join(findings))
        self._ask_kernel_at = raw + KERNEL_FRESH_NS

    def _keep_order(self, now: int, raw: int) -> None:
        """Refuse a time before the last one given, unless it was read before that too, by another thread."""
        last, last_raw = self._last
        if now >= last:
            self._last = (now, raw)
        elif raw > last_raw:
            raise Unavailable(
                "clock.backwards", "The clock went back by a moment; try again when it has caught up."
            )

    def _take(self, lease: Lease) -> _Terms:
        """A new lease laid out for the calls until the next one."""
        return (
            lease,
            lease.code == OK and lease.boot == self._boot,
            lease.written,
            lease.until,
            lease.bound,
            lease.realtime,
            lease.raw,
            lease.suspended,
            lease.window,
            lease.name,
        )

    def _first_look(self) -> Latch | None:
        """The standing stop at the start; where nobody can look, one that stands until somebody can."""
        try:
            return self._files.read()
        except Unavailable as error:
            return replace(_NOT_LOOKED, code=error.code, reason=str(error))

    def _require_release(self) -> None:
        """Go on only when the standing stop was lifted by a release; raises otherwise."""
        with self._changing:
            latch = self._latch
            if latch is None:
                return  # another thread has just seen the release
            standing = self._files.read()
            if latch.id == _NOT_LOOKED.id:
                self._latch = standing  # it could not be looked for before
                if standing is None:
                    return
            elif standing is None and rules.may_resume(latch.id, self._files.lifted()):
                self._latch = None
                return
            if standing is None:
                # Removed by hand, or never written for want of space: it stands all the same.
                standing = self._files.set(latch)
            self._latch = standing
        raise Unavailable(standing.code, latched_sentence(standing.reason))

    def _refuse(self, lease: Lease, boottime: int) -> NoReturn:
        """Say why this lease gives no time."""
        self._reader.reopen_if_replaced()
        with self._changing:
            if self._latch is None:  # else another thread has found one meanwhile, be it written or not
                self._latch = self._files.read()
            latch = self._latch
        if latch is not None:
            raise Unavailable(latch.code, latched_sentence(latch.reason))
        if lease.boot != self._boot:
            raise Unavailable(
                "clock.no-lease",
                "The clock lease is from before the machine was started; start `trustworks serve`, or "
                "`trustworks time collect` on its own.",
            )
        age = (boottime - lease.written) / SECOND
        if not lease.written <= boottime <= lease.until:
            before = "" if lease.code == OK else f" Before that: {lease.reason}"
            raise Unavailable(
                "clock.lease-expired",
                f"The clock lease was last renewed {age:.0f} s ago and is no longer valid; see why the "
                f"collector stopped, and start it again.{before}",
            )
        raise Unavailable(lease.code, lease.reason)

    def _stop(self, code: str, lease: Lease, moment: Moment) -> NoReturn:
        """Latch a stop that was found between two looks of the collector."""
        step = moment.realtime - lease.realtime - (moment.raw - lease.raw)
        suspended = moment.boottime - moment.monotonic - lease.suspended
        latch = new_latch(
            code,
            stop_reason(code, step, suspended),
            found_by="reader",
            realtime_ns=moment.realtime,
            boot=lease.boot,
            detail={"step_ns": step, "suspended_ns": suspended, "lease": lease.name},
        )
        with self._changing:
            if self._latch is None:
                self._latch = latch
                self._latch = self._files.set(latch)
            standing = self._latch
        raise Unavailable(standing.code, latched_sentence(standing.reason))

    def status(self) -> ClockStatus:
        """Whether `now()` answers, and why not."""
        code, reason, bound = OK, "The clock is synchronised to UTC within its bound.", None
        try:
            bound = self.now().bound_us
        except Unavailable as error:
            code, reason = error.code, str(error)
        latch = self._latch
        try:
            lease = self._reader.read()
            boottime = self._readings.moment().boottime
        except Unavailable:
            return ClockStatus(
                ok=False,
                mode="enforce",
                code=code,
                reason=reason,
                latched=latch is not None,
                latch=latch.as_dict() if latch else None,
            )
        same_boot = lease.boot == self._boot
        return ClockStatus(
            ok=code == OK,
            mode="enforce",
            code=code,
            reason=reason,
            bound_us=bound,
            lease=lease.name,
            lease_age=round((boottime - lease.written) / SECOND, 3) if same_boot else None,
            latched=latch is not None,
            latch=latch.as_dict() if latch else None,
            sources=lease.sources,
            leap_state=lease.leap,
            leap_file_expires=lease.leap_file_expires,
        )


def _boot_id(readings: ClockReadings) -> str:
    try:
        return readings.boot_id()
    except Unavailable:
        return ""  # no such system; `moment` says so at every call


def latched_sentence(reason: str) -> str:
    """The refusal of a latched stop: what happened, and what lifts it."""
    return (
        f"The clock is stopped: {reason} Find out what happened, check the clock against UTC, then release "
        "the stop with `trustworks time release --operator NAME --reason TEXT`."
    )


def stop_reason(code: str, step_ns: int, suspended_ns: int) -> str:
    """One sentence on a jump or a suspension."""
    if code == "clock.suspended":
        return f"The machine was suspended for {suspended_ns / SECOND:.3f} s."
    way = "forward" if step_ns > 0 else "back"
    return f"The clock jumped {way} by {abs(step_ns) / 1_000_000:.3f} ms."
