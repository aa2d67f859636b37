"""What one time source says about the system clock's error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from trustworks.core.time.readings import Moment

Leap = Literal["none", "insert", "delete"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One source's word on the error of the system clock, in nanoseconds.

    The error is between `at_least_ns` and `bound_ns`, to either side; `bound_ns` is None for a source that
    only opens or closes (the kernel). `ids` name who was asked, `leap` is what the source announces, `detail`
    is for the audit log.
    """

    name: str
    ids: tuple[str, ...]
    bound_ns: int | None
    at_least_ns: int = 0
    leap: Leap = "none"
    detail: dict[str, object] | None = None


class Source(Protocol):
    """Something that can be asked about the system clock's error."""

    @property
    def name(self) -> str:
        """``kernel``, ``chrony`` or ``ntp``."""

    def estimate(self, moment: Moment) -> Estimate:
        """The estimate at `moment`, or `Unavailable` with a sentence that says what to do."""
