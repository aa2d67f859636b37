"""The clock's rules, as pure functions of readings: what sources must show, what a jump is, what ends a stop.

The leap second has its own file `leap`, the declared accuracy `accuracy`. All times are nanoseconds unless
the name says otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.account import names_somebody
from trustworks.core.errors import Refused
from trustworks.core.time.readings import STA_UNSYNC, TIME_ERROR
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.core.time.estimate import Estimate

MILLION = 1_000_000
# BOOTTIME and MONOTONIC differ by the time spent suspended, and by nothing else.
SUSPEND_TOLERANCE_NS = 1_000_000
GROUP_AND_OTHERS_WRITE = 0o022


@implements("EN319421:TIS-7.7.1-04")
def check_traceability(traceable_to: Sequence[str]) -> None:
    """Refuse a clock of which nobody says which UTC(k) laboratory it traces to.

    That the statement is true is the operator's to show (contracts, the servers' own documents, calibration).
    Source: EN 319 421, 7.7.1.
    """
    if not any(name.strip() for name in traceable_to):
        raise Refused(
            "EN319421:TIS-7.7.1-04",
            "No UTC(k) laboratory is named that the time sources trace to; "
            'set [time] traceable-to, for example ["UTC(PTB)"].',
        )


@implements("EN319421:TIS-7.7.1-07", disabled=True)
def is_within(bound_ns: int, limit_ns: int) -> bool:
    """Whether the proven error is small enough to issue under. Source: EN 319 421, 7.7.1."""
    return bound_ns <= limit_ns


@implements("EN319421:TIS-7.7.2-02", disabled=True)
def is_disciplined(state: int, status: int, max_error_us: int, limit_us: int) -> bool:
    """Whether nothing speaks against the kernel's clock; `kernel_findings` says what does."""
    return state != TIME_ERROR and not status & STA_UNSYNC and max_error_us <= limit_us


@implements("EN319421:TIS-7.7.2-02")
def kernel_findings(state: int, status: int, max_error_us: int, limit_us: int) -> tuple[str, ...]:
    """What speaks against the kernel's clock: nobody disciplines it, or its own error estimate is too large.

    `state` and `status` are those of adjtimex(2). Source: EN 319 421, 7.7.2.
    """
    found = []
    if state == TIME_ERROR or status & STA_UNSYNC:
        flags = " and ".join(
            name
            for name, present in (("TIME_ERROR", state == TIME_ERROR), ("STA_UNSYNC", status & STA_UNSYNC))
            if present
        )
        found.append(
            f"The kernel says that its clock is not synchronised (adjtimex: {flags}); "
            "start a daemon that disciplines it, such as chronyd."
        )
    if max_error_us > limit_us:
        found.append(
            f"The kernel estimates its largest error at {max_error_us} us, more than the {limit_us} us "
            "of [time] kernel-max-error-us; see why the daemon has not updated the clock."
        )
    return tuple(found)


@implements("EN319421:TIS-7.7.2-01")
def combination_findings(estimates: Sequence[Estimate], limit_ns: int) -> tuple[str, ...]:
    """What speaks against a lease on these estimates: no bound, a contradiction, or too large a bound.

    Source: EN 319 421, 7.7.2 (synchronised with UTC within the declared accuracy).
    """
    bounded = [one for one in estimates if one.bound_ns is not None]
    if not bounded:
        return ("No source gives a bound of the clock's error; name chrony or ntp in [time] sources.",)
    found = [
        f"The sources contradict each other: by {one.name} the clock is at least "
        f"{one.at_least_ns // 1000} us off, by {other.name} at most {(other.bound_ns or 0) // 1000} us."
        for one in bounded
        for other in bounded
        if one.at_least_ns > (other.bound_ns or 0)
    ]
    found.extend(
        f"By {one.name} the clock may be {(one.bound_ns or 0) // 1000} us off, more than the "
        f"{limit_ns // 1000} us of [time] max-bound-us."
        for one in bounded
        if (one.bound_ns or 0) > limit_ns
    )
    return tuple(found)


@implements("EN319421:TIS-7.7.2-06")
def drift_findings(estimates: Sequence[Estimate], limit_ns: int) -> tuple[str, ...]:
    """Proofs that the clock has left its accuracy: not merely unknown, but wrong by more than the limit.

    Such a proof latches the stop. Source: EN 319 421, 7.7.2.
    """
    return tuple(
        f"{one.name} proves that the clock is at least {one.at_least_ns // 1000} us off, "
        f"more than the {limit_ns // 1000} us of [time] max-bound-us."
        for one in estimates
        if one.at_least_ns > limit_ns
    )


@implements("EN319421:TIS-7.7.2-04")
def protection_findings(owner: int, mode: int, allowed_owners: Sequence[int]) -> tuple[str, ...]:
    """What speaks against a lease file by its owner and mode: who else could have written it.

    Source: EN 319 421, 7.7.2 (threats of an undetected change).
    """
    found = []
    if owner not in allowed_owners:
        found.append(f"it belongs to user {owner}")
    if mode & GROUP_AND_OTHERS_WRITE:
        found.append(f"others than its owner can write it (mode {mode & 0o777:04o})")
    return tuple(found)


@implements("EN319421:TIS-7.7.2-05", disabled=True)
def is_steady(step_ns: int, elapsed_ns: int, gap_ns: int, tolerance_ns: int, slew_ppm: float) -> bool:
    """Whether the clock moved only as fast as it may be steered.

    `step_ns` is how far REALTIME went ahead of the free-running MONOTONIC_RAW within `elapsed_ns`, `gap_ns`
    how far apart the readings can be. Source: EN 319 421, 7.7.2 (drifts and jumps are detected).
    """
    excess = abs(step_ns) - tolerance_ns - gap_ns
    return excess <= 0 or excess <= abs(elapsed_ns) * slew_ppm / MILLION


@implements("EN319421:TIS-7.7.2-05", disabled=True)
def stayed_awake(suspended_ns: int, gap_ns: int) -> bool:
    """Whether the machine was not suspended, by the change of BOOTTIME - MONOTONIC; as `is_steady`."""
    return abs(suspended_ns) <= SUSPEND_TOLERANCE_NS + gap_ns


@implements("EN319421:OVR-7.13-04")
def check_release(operator: str, reason: str) -> None:
    """Refuse a release that does not say who releases and which recovery was done.

    Source: EN 319 421, 7.13 (no time-stamps after a loss of calibration until it was recovered from).
    """
    if not names_somebody(operator) or len(reason.split()) < 2:
        raise Refused(
            "EN319421:OVR-7.13-04",
            "A release needs the operator's name and a reason of at least two words: "
            "what was found, and what was done about it.",
        )


@implements("EN319421:OVR-7.13-04", disabled=True)
def may_resume(latched_id: str | None, released_ids: Sequence[str]) -> bool:
    """Whether a latched stop is over: only an operator's release of exactly this stop ends it."""
    return latched_id is None or latched_id in released_ids
