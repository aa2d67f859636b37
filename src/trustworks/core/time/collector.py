"""The collector: asks the sources once a second, watches all clocks, and renews or withholds the lease.

One step is `Collector.tick`, in this order: stops and releases; the clocks against their last reading (jump,
suspend, leap second); the sources; the leap second's announcements; the verdict; the audit log; the lease. A
lease is written only after the audit log took every event before it.

What latches (EN 319 421, OVR-7.13-04): proof that the clock was wrong or untouched by its discipline while
time could be given: a jump, a suspension, a measured error above the limit, a leap second that the clock
missed. What does not: a source that is silent or contradicts another, or an error bound that grew too large;
the lease lapses then, nothing was issued under a wrong clock, and it comes back when the sources do.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trustworks.core.errors import Unavailable
from trustworks.core.time import rules
from trustworks.core.time.events import sources_detail, transition_events, writable
from trustworks.core.time.guard import latched_sentence, stop_reason
from trustworks.core.time.latch import UNREADABLE, LatchFiles
from trustworks.core.time.leap_file import day
from trustworks.core.time.leap_watch import LeapWatch
from trustworks.core.time.lease import OK, Lease, LeaseWriter, fitting_reason, fitting_sources
from trustworks.core.time.readings import SystemReadings
from trustworks.core.time.sources import make_sources
from trustworks.core.time.stop import clock_text, new_latch
from trustworks.core.time.verdict import Verdict, ask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from trustworks.core.time.config import TimeSettings
    from trustworks.core.time.estimate import Source
    from trustworks.core.time.readings import ClockReadings, Moment
    from trustworks.core.time.stop import Latch

SECOND = 1_000_000_000
TICK = 1.0
# Around a leap second the collector looks more often, to record when the clock made its step.
LEAP_TICK = 0.05
_JOIN_TIMEOUT = 5.0
STOPPED = "clock.collector-stopped"
_WAS_STOPPED = "The collector was stopped; start it again."
_HAS_FAILED = "The collector failed by a fault of this program, which its log tells; report it."


class Collector:
    """Renews the lease; `on_event(type, detail)` must have made an event durable when it returns.

    Raises:
        Unavailable: another collector runs, or the lease cannot be written.
    """

    def __init__(
        self,
        settings: TimeSettings,
        state_dir: Path,
        on_event: Callable[[str, dict[str, Any]], None],
        *,
        readings: ClockReadings | None = None,
        sources: Sequence[Source] | None = None,
    ) -> None:
        self._settings = settings
        self._on_event = on_event
        self._readings = readings or SystemReadings()
        self._sources = tuple(make_sources(settings, self._readings) if sources is None else sources)
        self._leap = LeapWatch(settings, self._readings)
        self._files = LatchFiles(state_dir)
        self._boot = self._readings.boot_id()
        self._writer = LeaseWriter(settings.lease_path(state_dir))
        self._pending: list[tuple[str, dict[str, Any]]] = []
        self._last: Lease | None = None
        self._known_latch: Latch | None = None
        self._number = 0
        self._held = False
        self._reported_at: int | None = None
        self._audit_behind = False
        self._told: str | None = None  # the last release that is in the audit log, be it noted or not
        self._unnoted: Unavailable | None = None
        try:
            self._resume()
        except BaseException:
            self._writer.close()
            raise

    def _resume(self) -> None:
        """Take up what an earlier collector left: its number, its clocks of this boot, its standing stop."""
        previous = self._writer.previous()
        if previous is None:
            return
        self._number = previous.number
        released = self._files.releases()
        if not self._files.stands() and not rules.may_resume(previous.latch, self._files.lifted()):
            self._latch(
                previous.code, "The file of a latched stop was removed by hand.", {"was": previous.latch}
            )
        if previous.boot != self._boot:
            return
        self._leap.resume(previous)
        if any(one.boot == self._boot and one.boottime >= previous.written for one in released):
            self._leap.forget()
            return
        if previous.code != STOPPED:
            self._pending.append(("clock.collector-died", {"lease": previous.name, "code": previous.code}))
        self._last, self._held = replace(previous, code=STOPPED), previous.held

    def run(self, stop: threading.Event) -> None:
        """Renew the lease every second until `stop` is set; then withdraw it."""
        ended = threading.Event()  # of this collector: `stop` may be set long after it failed
        threads: list[threading.Thread] = []
        why = _WAS_STOPPED
        try:
            for source in self._sources:
                if hasattr(source, "run"):
                    name = f"clock-{source.name}"
                    thread = threading.Thread(target=source.run, args=(ended,), name=name, daemon=True)
                    thread.start()
                    threads.append(thread)
            self._pending.append(("clock.collector-started", self._configuration()))
            while not stop.is_set():
                lease = self.tick()
                stop.wait(LEAP_TICK if lease.code == "clock.leap-window" else TICK)
        except Unavailable as error:
            why = str(error)
            raise
        except Exception:
            why = _HAS_FAILED
            raise
        finally:
            ended.set()
            try:
                self.close(why)
            finally:
                for thread in threads:
                    thread.join(_JOIN_TIMEOUT)

    def close(self, why: str = _WAS_STOPPED) -> None:
        """Withdraw the lease, saying why, and say so in the audit log."""
        try:
            moment = self._readings.moment()
            self._write(moment, STOPPED, why, Verdict())
            self._pending.append(("clock.collector-stopped", {"clock_said": clock_text(moment.realtime)}))
            self._flush()
        finally:
            self._writer.close()

    def _configuration(self) -> dict[str, Any]:
        settings = self._settings
        return {
            "sources": list(settings.sources),
            "traceable_to": list(settings.traceable_to),
            "ntp_servers": list(settings.ntp_servers),
            "max_bound_us": settings.max_bound_us,
            "lease_ms": round(settings.lease_seconds * 1000),
            "boot": self._boot,
        }

    def tick(self) -> Lease:
        """One look at everything; answers what was written."""
        moment = self._readings.moment()
        self._take_releases()
        self._watch(moment)
        verdict = ask(self._settings, self._sources, self._leap, moment)
        self._judge_error(moment, verdict)
        latch = self._files.read()
        if latch is not None and (self._known_latch is None or latch.id != self._known_latch.id):
            self._pending.append(("clock.latched", latch.as_dict()))
        self._known_latch = latch or self._known_latch
        latch = self._known_latch
        if latch is not None:
            return self._write(moment, latch.code, latched_sentence(latch.reason), verdict)
        problems = verdict.problems
        if self._unnoted is not None:
            problems = ((self._unnoted.code, str(self._unnoted)), *problems)
        if problems:
            code = problems[0][0]
            return self._write(moment, code, " ".join(sentence for _, sentence in problems), verdict)
        return self._write(moment, OK, "The clock is synchronised to UTC within its bound.", verdict)

    # -- stops and releases

    def _latch(self, code: str, reason: str, detail: dict[str, Any]) -> None:
        """Make a stop durable; should that fail, it stands in this process and is tried again every tick."""
        if self._known_latch is not None:
            return  # one is enough, and no other takes its place before it is released
        latch = new_latch(
            code,
            reason,
            found_by="collector",
            realtime_ns=self._readings.realtime_ns(),
            boot=self._boot,
            detail=detail,
        )
        try:
            self._files.set(latch)
        except Unavailable:
            self._known_latch = latch
            self._pending.append(("clock.latched", latch.as_dict()))

    def _take_releases(self) -> None:
        """End a stop that was released, put back one that nobody released, and report every release."""
        latch = self._known_latch
        standing = self._files.read()
        if latch is not None and standing is not None and standing.id.startswith(UNREADABLE):
            # So that one release lifts it for all who have read it.
            standing = self._files.mend(latch, standing)
        if latch is not None and standing is None:
            if rules.may_resume(latch.id, self._files.lifted()):
                # Whatever the clocks did before the release was looked into: watch them from now on.
                self._known_latch, self._last, self._held = None, None, False
                self._leap.forget()
            else:
                self._try_to_keep(latch)
        self._audit_behind = False
        self._report_releases(standing)

    def _report_releases(self, standing: Latch | None) -> None:
        """Tell the audit log each release once, and note it for the collector after this one."""
        noted = self._files.reported()
        told = noted if self._told is None else self._told
        releases = self._files.releases()
        names = [one.name for one in releases]
        if told and told not in names:
            # Those that are left, or came since, are told again: better twice than never.
            told = "" if self._tell("clock.releases-removed", {"last_reported": told}) else told
        news = releases[names.index(told) + 1 :] if told in names else [] if told else releases
        for one in news:
            if standing is not None and standing.id in one.latches:
                break  # recorded, but a crash came before the stop was lifted
            if not self._tell("clock.released", one.as_dict()):
                break
            told = one.name
        self._told = told
        self._unnoted = None
        if self._told != noted:
            try:
                self._files.mark_reported(self._told)
            except Unavailable as error:
                self._unnoted = error

    def _tell(self, kind: str, detail: dict[str, Any]) -> bool:
        """Hand an event to the audit log after all that wait; False when it does not take it."""
        self._pending.append((kind, detail))
        if self._flush():
            return True
        self._pending.pop()
        self._audit_behind = True
        return False

    def _try_to_keep(self, latch: Latch) -> None:
        try:
            self._files.set(latch)
        except Unavailable:
            return

    # -- the clocks against one another

    def _watch(self, moment: Moment) -> None:
        """Compare the clocks with their last reading; once a lease was held, a jump latches."""
        last = self._last
        if last is None:
            return
        suspended = moment.boottime - moment.monotonic - last.suspended
        elapsed = moment.raw - last.raw
        step = moment.realtime - last.realtime - elapsed
        detail = {"step_ns": step, "suspended_ns": suspended, "elapsed_ns": elapsed}
        if not rules.stayed_awake(suspended, moment.gap):
            self._found("clock.suspended", stop_reason("clock.suspended", step, suspended), detail)
            return
        steered = elapsed * self._settings.slew_ppm / rules.MILLION
        tolerance = self._settings.jump_tolerance_us * 1000
        done = self._leap.step_done(
            step, elapsed, (last.realtime, moment.realtime), tolerance + steered + moment.gap
        )
        if done is not None:
            self._pending.append(done)
            return
        missed = self._leap.missed(moment.realtime)
        if missed is not None:
            leap, midnight = missed
            self._found(
                "clock.leap-missed",
                f"The clock did not {leap} the leap second at the end of {day(midnight - 1)}.",
                detail,
            )
        if not rules.is_steady(step, elapsed, moment.gap, tolerance, self._settings.slew_ppm):
            self._found("clock.jump", stop_reason("clock.jump", step, suspended), detail)

    def _found(self, code: str, reason: str, detail: dict[str, Any]) -> None:
        if self._held:
            self._latch(code, reason, detail)
        else:
            # Before the first lease of a boot the discipline may step the clock: no time was given yet.
            self._pending.append((f"{code}-before-lease", detail))

    # -- the sources

    def _judge_error(self, moment: Moment, verdict: Verdict) -> None:
        """A clock that a source proves wrong after a lease was held is a stop, not a lapse."""
        if self._held and not verdict.outlook.is_inside(moment.realtime):
            findings = rules.drift_findings(verdict.estimates, self._settings.max_bound_ns)
            if findings:
                self._latch(
                    "clock.out-of-bound", " ".join(findings), {"sources": sources_detail(verdict.estimates)}
                )

    # -- the audit log and the lease

    def _flush(self) -> bool:
        """Hand the waiting events to the audit log, in order; False when it does not take them."""
        while self._pending:
            kind, detail = self._pending[0]
            try:
                self._on_event(kind, writable(detail))
            except Unavailable:
                return False
            del self._pending[0]
        return True

    def _write(self, moment: Moment, code: str, reason: str, verdict: Verdict) -> Lease:
        self._number += 1
        until = moment.boottime + round(self._settings.lease_seconds * SECOND)
        window, pending, expires = verdict.outlook.window, self._leap.pending, verdict.outlook.expires
        if window is not None and moment.realtime < window[0]:
            # A lease never reaches into the window, so no reader needs to understand the leap second's step.
            until = min(until, moment.boottime + window[0] - moment.realtime)
        lease = Lease(
            number=self._number,
            boot=self._boot,
            code=code,
            reason=fitting_reason(reason),
            written=moment.boottime,
            until=until,
            bound=verdict.bound + moment.gap,
            realtime=moment.realtime,
            raw=moment.raw,
            suspended=moment.boottime - moment.monotonic,
            held=self._held or code == OK,
            sources=fitting_sources(verdict.ids),
            leap=pending[0] if pending else "none",
            leap_at=pending[1] if pending else None,
            window=window,
            last_leap=self._leap.last,
            leap_file_expires=None if expires is None else day(expires),
            latch=self._known_latch.id if self._known_latch else None,
        )
        return self._publish(moment, lease, verdict)

    def _publish(self, moment: Moment, lease: Lease, verdict: Verdict) -> Lease:
        """Write a refusal before its event, and a lease only after its event and all before it."""
        detail = {**sources_detail(verdict.estimates), "clock_said": clock_text(moment.realtime)}
        if lease.code == OK and self._flush() and not self._audit_behind:
            self._pending += transition_events(self._last, lease, detail)
            self._report(moment, lease, verdict)
            if self._flush():
                self._writer.write(lease)
                self._last, self._held = lease, True
                return lease
            # The log did not take them, and what they say did not come to be.
            self._pending.clear()
            self._reported_at = None
        if lease.code == OK:
            lease = replace(
                lease,
                code="clock.audit",
                reason="The audit log does not take the clock's events; see why it cannot be written.",
                held=self._held,
            )
        self._writer.write(lease)
        self._pending += transition_events(self._last, lease, detail)
        self._flush()
        self._last, self._held = lease, lease.held
        return lease

    def _report(self, moment: Moment, lease: Lease, verdict: Verdict) -> None:
        """From time to time, what the synchronisation looks like while all is well."""
        due = self._reported_at is None or (
            moment.boottime - self._reported_at >= self._settings.report_every * SECOND
        )
        if due:
            self._reported_at = moment.boottime
            detail = {"lease": lease.name, "bound_ns": lease.bound, **sources_detail(verdict.estimates)}
            self._pending.append(("clock.synchronised", detail))
