"""Whether the accuracy that a time-stamping authority declares can be kept by its clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Refused
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from trustworks.core.time.config import TimeSettings

ONE_SECOND_US = 1_000_000


@implements("EN319421:TIS-7.7.2-03")
def one_second_or_better(declared_us: int) -> None:
    """Refuse a declared accuracy of more than one second."""
    if not 0 < declared_us <= ONE_SECOND_US:
        raise Refused(
            "EN319421:TIS-7.7.2-03",
            f"The declared accuracy of {declared_us} us is not between 1 us and one second; "
            "declare one second or better.",
        )


@implements("EN319421:TIS-7.7.1-05", "EN319421:TIS-7.7.1-06")
def covers_clock(declared_us: int, max_bound_us: int, holdover_us: int, resolution_us: int) -> None:
    """Refuse a declared accuracy that the worst allowed clock could break.

    The worst time given is off by the largest bound of a lease, what may be added while the lease is held,
    and the part of a second that genTime cuts off; all in microseconds.
    """
    worst = max_bound_us + holdover_us + resolution_us
    if declared_us < worst:
        raise Refused(
            "EN319421:TIS-7.7.1-05",
            f"The declared accuracy of {declared_us} us is better than the clock's: {max_bound_us} us "
            f"bound + {holdover_us} us holdover + {resolution_us} us resolution = {worst} us. Declare at "
            f"least {worst} us, or lower [time] max-bound-us, lease-seconds or jump-tolerance-us.",
        )


def check_declared_accuracy(settings: TimeSettings, declared_us: int, resolution_us: int) -> None:
    """Refuse to start with a declared accuracy that `settings` do not keep; both numbers are microseconds.

    `resolution_us` is the step of genTime (1 for microseconds, 1000 for milliseconds). The lab's clock keeps
    no accuracy at all, so only the ceiling of one second is looked at there.

    Raises:
        Refused: more than one second, or less than bound + holdover + resolution.
    """
    one_second_or_better(declared_us)
    if settings.mode == "enforce":
        covers_clock(declared_us, settings.max_bound_us, -(-settings.holdover_ns // 1000), resolution_us)
