"""What the trusted clock says: a time with its bound and evidence, a status, a lease."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from datetime import datetime

Mode = Literal["enforce", "lab"]


class TimeEvidence(NamedTuple):
    """Why a time may be believed; small enough to go into the record of every token.

    `lease` names the lease (boot and number), `sources` who the lease stands on, `leap_state` is one of
    ``none``, ``insert``, ``delete`` and ``unchecked``. `bound_us` is None for the lab's unchecked clock.
    """

    mode: Mode
    lease: str
    sources: tuple[str, ...]
    bound_us: int | None
    leap_state: str

    def as_dict(self) -> dict[str, Any]:
        """The evidence as JSON values."""
        return {
            "mode": self.mode,
            "lease": self.lease,
            "sources": list(self.sources),
            "bound_us": self.bound_us,
            "leap_state": self.leap_state,
        }


class TrustedTime(NamedTuple):
    """A moment in UTC, to the microsecond, and how far it can be off.

    `utc` is cut to the microsecond below. `bound_us` is the proven bound of its error, rounded up; the lab's
    unchecked clock proves nothing and answers 0, its evidence says ``"mode": "lab"``.
    """

    utc: datetime
    bound_us: int
    evidence: TimeEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStatus:
    """The state of the clock for `/healthz`, metrics and operators.

    `code` is ``ok`` or that of the `Unavailable` which `now()` would raise, `reason` the sentence with it.
    `lease_age` is in seconds.
    """

    ok: bool
    mode: Mode
    code: str
    reason: str
    bound_us: int | None = None
    lease: str | None = None
    lease_age: float | None = None
    latched: bool = False
    latch: dict[str, Any] | None = None
    sources: tuple[str, ...] = ()
    leap_state: str = "unchecked"
    leap_file_expires: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The status as JSON values."""
        return {
            "ok": self.ok,
            "mode": self.mode,
            "code": self.code,
            "reason": self.reason,
            "bound_us": self.bound_us,
            "lease": self.lease,
            "lease_age": self.lease_age,
            "latched": self.latched,
            "latch": self.latch,
            "sources": list(self.sources),
            "leap_state": self.leap_state,
            "leap_file_expires": self.leap_file_expires,
        }


class Clock(Protocol):
    """A source of trusted time."""

    @property
    def mode(self) -> Mode:
        """``enforce`` or ``lab``."""

    def now(self) -> TrustedTime:
        """UTC with its bound and evidence, or `Unavailable` with a code ``clock.<why>`` and a sentence."""

    def status(self) -> ClockStatus:
        """Whether `now()` would answer, and why not."""
