"""Whether a unit may issue at this moment, and what stops one: told once for each time that it happens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Refused, Unavailable
from trustworks.timestamping import events
from trustworks.timestamping.rules import timing

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.audit import Event, Recorder
    from trustworks.timestamping.unit import Unit

ASK_EVERY: Final = 1.0  # seconds between two looks at a unit's own certificate


class Standing:
    """The standing of an authority's units. Threads share it.

    `revoked` answers for a certificate's serial number since when and why it is revoked, None while it is
    not; it is asked every `ask_every` seconds.
    """

    def __init__(
        self, recorder: Recorder, revoked: Callable[[int], str | None], *, ask_every: float = ASK_EVERY
    ) -> None:
        self._recorder = recorder
        self._revoked = revoked
        self._ask_every = ask_every
        self._asked: dict[str, tuple[float, str | None]] = {}
        self._stops: dict[str, str] = {}

    def check_certificate(self, unit: Unit) -> None:
        """Raise `Refused` when the unit's certificate was revoked: its key may be in other hands."""
        now = time.monotonic()
        until, revoked = self._asked.get(unit.name, (0.0, None))
        if now >= until:
            revoked = self._revoked(unit.identity.serial)
            self._asked[unit.name] = now + self._ask_every, revoked
        if not timing.certificate_stands(revoked):
            raise Refused(
                "TRUSTWORKS:TSA-REVOKED-STOPS",
                f"The certificate of the unit {unit.name} is revoked ({revoked}); destroy its key and take "
                "a new key and certificate into use.",
            )

    @property
    def well(self) -> bool:
        """Whether nothing stops any unit."""
        return not self._stops

    def code(self, name: str) -> str | None:
        """What stops the unit now; None when nothing does."""
        return self._stops.get(name)

    def unrecorded(self, name: str, error: Exception) -> None:
        """A token's record could not be written. The log tells of itself; a fault of the program is told."""
        self._stops[name] = "audit.unwritable"
        if not isinstance(error, Unavailable):
            # A violated constraint: the same serial number twice, which must never leave.
            self._tell(events.stopped(name, "timestamping.record", error))

    def stopped(self, name: str, error: Exception) -> str:
        """Something stops the unit; answers its code."""
        code = events.code_of(error)
        if self._stops.get(name) != code:
            self._stops[name] = code
            self._tell(events.stopped(name, code, error))
        return code

    def resumed(self, name: str) -> None:
        """The unit issues: nothing stops it any longer."""
        code = self._stops.pop(name, None)
        if code is not None:
            self._tell(events.resumed(name, code))

    def _tell(self, event: Event) -> None:
        """Write an event without waiting for it; a recorder that cannot says so itself."""
        try:
            self._recorder.submit(event, released=lambda _: None)
        except Unavailable:
            return
