"""The leap second: who announces one, whether they agree, when no time is given, and what happened.

A leap second comes at the end of a UTC month. The kernel's flag speaks of the next midnight, the leap
indicator of NTP and chrony of the end of the running month, the leap file of every date until it expires.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from trustworks.core.time.leap_file import day
from trustworks.core.time.readings import STA_DEL, STA_INS, TIME_WAIT
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.core.time.estimate import Leap
    from trustworks.core.time.leap_file import LeapList
    from trustworks.core.time.readings import KernelClock

SECOND = 1_000_000_000
DAY = 86_400
# Servers may keep their leap indicator for a while after the leap second; it then speaks of the past.
SETTLING = DAY
# How far from its midnight a step of one second still counts as the leap second.
STEP_REACH_NS = 2 * SECOND
STEP_SECONDS: dict[Leap, int] = {"insert": -1, "none": 0, "delete": 1}


def next_midnight(now: int) -> int:
    """The Unix second of the next UTC midnight after `now`."""
    return (now // DAY + 1) * DAY


def month_end(now: int) -> int:
    """The Unix second of the midnight that ends the UTC month of `now`."""
    first = datetime.fromtimestamp(now, tz=UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return int((first + timedelta(days=32)).replace(day=1).timestamp())


def kernel_leap(kernel: KernelClock) -> Leap:
    """What the kernel will do at the next midnight; in TIME_WAIT its flags speak of the past one."""
    if kernel.state == TIME_WAIT:
        return "none"
    if kernel.status & STA_INS:
        return "insert"
    return "delete" if kernel.status & STA_DEL else "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeapView:
    """All that is known about leap seconds at one moment; times are Unix seconds.

    `tonight` and `this_month` are the leap file's word on the next midnight and the end of the month, None
    when another authority stands in for the file. `announced` holds the leap indicators of chrony and NTP.
    `last` is the latest leap second that has passed, if known.
    """

    now: int
    tonight: Leap | None
    this_month: Leap | None
    kernel: Leap
    announced: Mapping[str, Leap]
    kernel_tai: int = 0
    file_tai: int | None = None
    last: int | None = None


def view(
    now: int,
    leap_list: LeapList | None,
    kernel: KernelClock,
    announced: Mapping[str, Leap],
    last: int | None,
) -> LeapView:
    """Put together what is known; `leap_list` is None when other announcements stand in for it."""
    if leap_list is None:
        tonight = this_month = file_tai = None
    else:
        tonight = leap_list.leap_at(next_midnight(now))
        this_month = leap_list.leap_at(month_end(now))
        file_tai = leap_list.tai_offset(now)
        past = [start for start, _ in leap_list.entries if start <= now]
        last = max([*past, *([] if last is None else [last])], default=None)
    return LeapView(
        now=now,
        tonight=tonight,
        this_month=this_month,
        kernel=kernel_leap(kernel),
        announced=announced,
        kernel_tai=kernel.tai,
        file_tai=file_tai,
        last=last,
    )


def _indicators(seen: LeapView) -> dict[str, Leap]:
    """The leap indicators that speak of this month's end."""
    settled = seen.last is None or seen.now - seen.last >= SETTLING
    return {name: leap for name, leap in seen.announced.items() if leap != "none" and settled}


def expected_leap(seen: LeapView) -> Leap:
    """What is to happen at the next midnight: the leap file's word, else whatever is announced for it."""
    if seen.tonight is not None:
        return seen.tonight
    indicators = list(_indicators(seen).values()) if month_end(seen.now) == next_midnight(seen.now) else []
    return next((leap for leap in (seen.kernel, *indicators) if leap != "none"), "none")


@implements("EN319421:TIS-7.7.2-07")
def leap_findings(seen: LeapView, agreement_seconds: int) -> tuple[str, ...]:
    """Where the announcements of a leap second contradict each other; any finding stops the clock.

    An announcement that the leap file does not know of counts at once; a missing one from `agreement_seconds`
    before the midnight, since daemons announce on the last day only. Source: EN 319 421, 7.7.2 (leap seconds
    as notified).
    """
    midnight, end = next_midnight(seen.now), month_end(seen.now)
    expected = expected_leap(seen)
    indicators = _indicators(seen)
    found = []
    if seen.kernel not in {"none", expected}:
        found.append(
            f"The kernel is set to {seen.kernel} a leap second at the end of {day(midnight - 1)}, "
            f"the leap file says {expected}; find out which is wrong before that midnight."
        )
    if seen.kernel != "none" and midnight != end:
        found.append(
            f"The kernel is set to {seen.kernel} a leap second at the end of {day(midnight - 1)}, which does "
            "not end a month; clear the flag (restart the daemon that set it)."
        )
    known = seen.this_month
    for name, leap in sorted(indicators.items()):
        if known is not None and leap != known:
            found.append(
                f"{name} announces to {leap} a leap second at the end of {day(end - 1)}, the leap file says "
                f"{known}; update [time] leap-file or change the servers."
            )
    if expected != "none" and midnight - seen.now <= agreement_seconds:
        if seen.kernel == "none":
            found.append(
                f"A leap second is due at the end of {day(midnight - 1)} and the kernel does not know of it; "
                "set chronyd's `leapseclist` (or `leapsectz`) and `leapsecmode system`."
            )
        found.extend(
            f"A leap second is due at the end of {day(midnight - 1)} and {name} does not announce it; "
            "its servers may smear it."
            for name, leap in sorted(seen.announced.items())
            if leap != expected
        )
    if seen.kernel_tai and seen.file_tai is not None and seen.kernel_tai != seen.file_tai:
        found.append(
            f"The kernel's TAI - UTC is {seen.kernel_tai} s, the leap file's {seen.file_tai} s; "
            "update the older one."
        )
    return tuple(found)


@implements("EN319421:TIS-7.7.2-07")
def leap_file_findings(expires: int, now: int) -> tuple[str, ...]:
    """Whether the leap file can no longer exclude a leap second. Source: EN 319 421, 7.7.2."""
    if now < expires:
        return ()
    return (
        (
            f"The leap second file expired on {day(expires)}, so a leap second cannot be excluded; fetch the "
            'list of the IERS for [time] leap-file, or set leap-authority = "announcements" to rely on the '
            "kernel and NTP alone."
        ),
    )


@implements("EN319421:TIS-7.7.2-07", disabled=None)
def stop_window(leap: Leap, midnight: int, reach_ms: int) -> tuple[int, int] | None:
    """From when to when no time is given around a leap second, in nanoseconds of CLOCK_REALTIME.

    During an inserted second CLOCK_REALTIME shows 23:59:59 twice, so its readings name no UTC second.
    """
    if leap == "none":
        return None
    return midnight * SECOND - reach_ms * 1_000_000, midnight * SECOND + reach_ms * 1_000_000


@implements("EN319421:TIS-7.7.2-08", disabled=True)
def is_leap_step(
    step_ns: int, between_ns: tuple[int, int], leap: Leap, midnight: int, tolerance_ns: float
) -> bool:
    """Whether a step of the clock is the scheduled leap second, made at the end of the scheduled day.

    `between_ns` is CLOCK_REALTIME before and after the step. Source: EN 319 421, 7.7.2 (the change comes in
    the last minute of the scheduled day).
    """
    at = midnight * SECOND
    in_time = between_ns[0] <= at + STEP_REACH_NS and between_ns[1] >= at - STEP_REACH_NS
    expected = STEP_SECONDS[leap] * SECOND
    return leap != "none" and in_time and abs(step_ns - expected) <= tolerance_ns


@implements("EN319421:TIS-7.7.2-09", disabled=dict)
def leap_record(leap: Leap, midnight: int, step_ns: int, interval_ns: int, tai: int) -> dict[str, object]:
    """What is kept of a leap second: the exact second, the step of the clock, how sharply it was seen."""
    before = datetime.fromtimestamp(midnight - 1, tz=UTC)
    second = before.strftime("%Y-%m-%dT%H:%M:60Z" if leap == "insert" else "%Y-%m-%dT%H:%M:59Z")
    return {
        "leap": leap,
        "second": second,
        "step_ns": step_ns,
        "seen_within_ns": interval_ns,
        "kernel_tai_offset": tai,
    }
