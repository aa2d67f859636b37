"""Whether a unit may issue at this moment, and what stops one: told once for each time that it happens."""

from __future__ import annotations

import threading
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from trustworks.core.errors import Refused, TrustworksError, Unavailable
from trustworks.core.store.types import from_microseconds, microseconds
from trustworks.core.trace import implements
from trustworks.timestamping import events
from trustworks.timestamping.rules import timing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from trustworks.core.audit import Event, Recorder
    from trustworks.core.time import Clock
    from trustworks.timestamping.unit import Unit

log = structlog.get_logger(__name__)

ASK_EVERY: Final = 1.0  # seconds between two looks at the units' certificates and keys
MOST_UNTOLD: Final = 100
OF_SIGNING: Final = frozenset({"clock.signing-too-slow", "clock.accuracy"})


class Stop(NamedTuple):
    """What stops a unit; `at_signing` when nothing but a token can show that it is over.

    `last`: when it happened last, by the system's clock. `times`: how often in a row.
    """

    code: str
    at_signing: bool
    last: datetime
    times: int = 1


class Standing:
    """The standing of an authority's units. Threads share it.

    `revoked` answers for a certificate's serial number since when and why it is revoked, None while it is
    not. It is asked every `ASK_EVERY` seconds by the clock `monotonic`, and so is the module, whether it
    still has the key, and `clock`, whether the key may be used at this time.
    """

    def __init__(
        self,
        recorder: Recorder,
        revoked: Callable[[int], str | None],
        clock: Clock,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._recorder = recorder
        self._revoked = revoked
        self._clock = clock
        self._monotonic = monotonic
        self._looking = threading.Lock()
        self._until = float("-inf")
        self._found: dict[bytes, TrustworksError | None] = {}  # by certificate
        # Held from a change until the log was given its event, so that the log has them in their order.
        self._changing = threading.Lock()
        self._stops: dict[str, Stop] = {}
        self._untold: deque[Event] = deque(maxlen=MOST_UNTOLD)  # its methods need no lock

    # What is looked at from time to time

    @property
    def is_due(self) -> bool:
        """Whether what is known of the units is too old to issue by."""
        return self._monotonic() >= self._until

    def look(self, units: Iterable[Unit]) -> None:
        """Look at the certificates and keys of all units, unless another thread just has.

        Takes as long as database and module take; what fails stops the unit until the next look.
        """
        with self._looking:
            if self.is_due:
                for one in units:
                    self._look_at(one)
                self._until = self._monotonic() + ASK_EVERY

    def admit(self, unit: Unit) -> None:
        """Look at a unit that is to be taken into use between two looks."""
        with self._looking:
            self._look_at(unit)

    def _look_at(self, unit: Unit) -> None:
        self._found[unit.identity.certificate] = self._objection(unit)

    def objection(self, unit: Unit) -> TrustworksError | None:
        """What the last look found against the unit; that there was none of it yet stands against it too."""
        try:
            return self._found[unit.identity.certificate]
        except KeyError:
            return Unavailable(
                "timestamping.standing",
                f"Whether the unit {unit.name} may issue was not looked at yet; try again in a second.",
            )

    def _objection(self, unit: Unit) -> TrustworksError | None:
        try:
            revoked = self._revoked(unit.identity.serial)
            if not timing.certificate_stands(revoked):
                return Refused(
                    "TRUSTWORKS:TSA-REVOKED-STOPS",
                    f"The certificate of the unit {unit.name} is revoked ({revoked}); destroy its key and "
                    "take a new key and certificate into use.",
                )
            return self._period_objection(unit) or key_objection(unit)
        except TrustworksError as error:
            return error
        except Exception as error:
            log.exception("timestamping.bug", unit=unit.name)
            return Unavailable(
                "timestamping.standing",
                f"Whether the unit {unit.name} may issue cannot be found out ({type(error).__name__}): see "
                "the log of the process.",
            )

    def _period_objection(self, unit: Unit) -> TrustworksError | None:
        try:
            moment = microseconds(self._clock.now().utc)
        except TrustworksError:
            return None  # that there is no time is found again for each token, and told as that
        inside = timing.key_may_sign(moment, unit.begins, unit.ends)
        return None if inside else outside_period(unit, moment)

    def found(self, unit: Unit, error: TrustworksError) -> None:
        """Something that a look would find was found between two looks: it stands until the next one."""
        self._found[unit.identity.certificate] = error

    # What stops a unit

    def last_failure(self, name: str) -> Stop | None:
        """Why the unit did not issue when last asked; None once a token or `passed` has shown it well."""
        return self._stops.get(name)

    def stopped(self, name: str, error: Exception, *, at_signing: bool, code: str | None = None) -> str:
        """Something stops the unit; answers its code, which is the error's own where none is given.

        `at_signing`: it came up when the module had begun. That is over when a token was made, but for a
        clock which gave no time then: that is found well without a token.
        """
        code = code or events.code_of(error)
        of_clock = code.startswith("clock.") and code not in OF_SIGNING
        event = events.stopped(name, code, error)
        with self._changing:
            known = self._stops.get(name)
            if known is not None and known.code == code:
                self._stops[name] = known._replace(last=event.time, times=known.times + 1)
            else:
                self._stops[name] = Stop(code, at_signing and not of_clock, event.time)
                self._tell(event)
        return code

    def unrecorded(self, name: str, error: Exception) -> None:
        """A token's record could not be written: by a log that is not well, or for a fault of the program."""
        if isinstance(error, Unavailable):
            self.stopped(name, error, at_signing=False)
        else:
            # A violated constraint: the same serial number twice, which must never leave.
            self.stopped(name, error, at_signing=True, code="timestamping.record")

    def passed(self, name: str, stop: Stop) -> None:
        """All that is looked at before a signature was well after that stop: one from there is over.

        One that came, or came again, meanwhile stands.
        """
        with self._changing:
            if self._stops.get(name) == stop and not stop.at_signing:
                del self._stops[name]
                self._tell(events.resumed(name, stop.code))

    def resumed(self, name: str) -> None:
        """The unit issued a token, and its record is written: nothing stops it any longer."""
        if name not in self._stops:  # as a rule
            return
        with self._changing:
            stop = self._stops.pop(name, None)
            if stop is not None:
                self._tell(events.resumed(name, stop.code))

    def _tell(self, event: Event) -> None:
        """Write an event without waiting for it; what a log that is not well did not take, is told later."""
        self._untold.append(event)
        for _ in range(len(self._untold)):
            one = self._untold.popleft()
            try:
                self._recorder.submit(one, released=partial(self._taken, one))
            except Unavailable as error:
                self._taken(one, error)

    def _taken(self, event: Event, error: BaseException | None) -> None:
        if error is not None:
            self._untold.append(event)


@implements("TRUSTWORKS:TSA-KEY-GONE-STOPS", disabled=None)
def key_objection(unit: Unit) -> TrustworksError | None:
    """What stands against the unit's key: that it is no longer in the module, or cannot be looked for."""
    try:
        unit.key.check_there()
    except Unavailable as error:
        return Unavailable(error.code, f"The unit {unit.name} does not issue: {error}")
    return None


def outside_period(unit: Unit, moment: int) -> TrustworksError:
    """Why the unit's key may not be used at `moment`, microseconds since 1970: not yet, or no more."""
    if moment < unit.begins:
        return Unavailable(
            "timestamping.key-not-begun",
            f"The private key of the unit {unit.name} may not be used before "
            f"{events.text(from_microseconds(unit.begins))}; the unit issues from then on.",
        )
    return Refused(
        "EN319421:TIS-7.7.1-09",
        f"The private key of the unit {unit.name} may not be used now; its use ended at "
        f"{events.text(from_microseconds(unit.ends))}. Take a new key and certificate into use.",
    )


def joined(errors: list[TrustworksError]) -> TrustworksError:
    """One error with the sentences of all, of the first one's family."""
    text = " ".join(dict.fromkeys(map(str, errors)))
    code = events.code_of(errors[0])
    return Refused(code, text) if isinstance(errors[0], Refused) else Unavailable(code, text)
