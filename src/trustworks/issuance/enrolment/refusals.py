"""What was tried by the enrolment protocols and refused: told to the audit log, so that guessing is seen.

Strangers must not fill the log either. Of the refusals of ten minutes the first are told one by one, those
after them by fifties, then by thousands: an event says by `times` how many it stands for.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

import structlog

from trustworks.core.audit import Event
from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.time import any_time
from trustworks.core.trace import implements
from trustworks.issuance.rules.doors import APPLICANT, MAILBOX, PROVIDER, VALIDATED
from trustworks.issuance.rules.servers import SERVER

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.audit import Recorder
    from trustworks.core.time import Clock

    Protocol = Literal["cmp", "est"]

log = structlog.get_logger(__name__)

TYPE: Final = "enrolment.attempt-refused"
WITHIN: Final = timedelta(minutes=10)
UNKNOWN: Final = "unknown"
# How many refusals of ten minutes are told how: up to the first number, by the second.
_STEPS: Final = ((50, 1), (1000, 50))
_MOST_AT_ONCE: Final = 1000
# A secret or signature that does not hold, and what one may not have; no attempt is what is written wrong.
_ATTEMPTS: Final = frozenset(
    {"unauthenticated", "notAuthorized", "badMessageCheck", "signerNotTrusted", "certRevoked"}
)
# What nobody gets by a protocol, or not by this officer's word; other refusals are about the request.
NOT_AUTHORISED: Final = frozenset(
    {APPLICANT, MAILBOX, PROVIDER, SERVER, VALIDATED, "EN319411-1:REG-6.2.2-26"}
)


class Refusals:
    """Counts the refused attempts of one protocol in one process. Threads share it."""

    def __init__(self, protocol: Protocol, *, recorder: Recorder, clock: Clock) -> None:
        self._protocol = protocol
        self._recorder = recorder
        self._clock = clock
        self._lock = threading.Lock()
        self._since: datetime | None = None
        self._seen = 0
        self._untold = 0

    def tell(self, error: Exception, *, actor: str = UNKNOWN) -> None:
        """Take note of a refusal, and tell the log when it is time to; `actor` asked, if that is known."""
        rule = rule_of_attempt(error)
        if rule is None:
            return
        now = any_time(self._clock)
        with self._lock:
            if self._since is None or not self._since <= now.utc < self._since + WITHIN:
                self._since, self._seen = now.utc, 0
            self._seen += 1
            self._untold += 1
            if self._untold < by(self._seen):
                return
            times, self._untold = self._untold, 0
        event = Event(
            type=TYPE,
            outcome="refused",
            actor=actor,
            subject={"kind": "protocol", "protocol": self._protocol},
            detail={"rule": rule, "times": times},
            time=now.utc,
        )
        try:
            self._recorder.record(event)
        except Unavailable as unavailable:  # refused it is all the same
            log.warning("enrolment.refusal-not-told", code=unavailable.code, times=times)


@implements("TRUSTWORKS:ENROLMENT-ATTEMPTS-TOLD", disabled=None)
def rule_of_attempt(error: Exception) -> str | None:
    """The rule by which an attempt to get what one may not have was refused; None for what is no attempt."""
    if isinstance(error, Refused):
        return error.requirement
    if isinstance(error, Rejected) and error.code in _ATTEMPTS:
        return error.code
    return None


def by(seen: int) -> int:
    """How many refusals are told together when so many were seen."""
    return next((step for most, step in _STEPS if seen <= most), _MOST_AT_ONCE)
