"""Sign-ins of strangers: what proves nothing of anybody is counted against the network that it came from.

A stranger can name any operator, send any passkey's handle and any signature. So a failure that no registered
key has signed locks nobody out, and it is no event of its own: of each network one event a minute says how
often it tried. Who signs well is let in, whatever else came from his network. Each process counts for itself.
"""

from __future__ import annotations

import ipaddress
import logging
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.audit import Event
from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from trustworks.core.audit import Recorder

logger = logging.getLogger(__name__)

TOO_MANY: Final = "roles.too-many-failures"
A_MINUTE: Final = timedelta(minutes=1)
MOST_A_MINUTE: Final = 20
"""Failures of one network in a minute, after which no other is told what was wrong."""
OTHERS: Final = "others"
UNKNOWN: Final = "unknown"
_MOST_NETWORKS: Final = (
    32  # that are told by themselves in one minute; who has more addresses is one stranger
)
_BITS: Final = {4: 24, 6: 48}  # what is usually one subscriber's or one provider's


@implements("TRUSTWORKS:STRANGERS-CONDENSED", disabled=lambda address: address or UNKNOWN)
def network_of(address: str | None) -> str:
    """The network of an address: of IPv4 its /24, of IPv6 its /48; ``unknown`` where there is none."""
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return UNKNOWN
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    found = mapped or found
    return str(ipaddress.ip_network(f"{found}/{_BITS[found.version]}", strict=False))


@implements("TRUSTWORKS:STRANGERS-CONDENSED")
def check_few(failures: int) -> None:
    """`Rejected` (roles.too-many-failures) for a network that failed too often in this minute."""
    if failures > MOST_A_MINUTE:
        raise Rejected(
            TOO_MANY,
            f"{failures} sign-ins failed from your network within a minute. Wait a minute; who signs in with "
            "a registered key is let in all the same.",
        )


@dataclass(slots=True)
class _Minute:
    """What came from one network since `since`; `told` says that its first failure is in the log."""

    since: datetime
    seen: int = 0
    untold: Counter[str] = field(default_factory=Counter)


class Strangers:
    """Counts them, and tells the log. Threads share it.

    `kind` is the events' type, `subject` what they are about. The first failure of a network is told at once,
    the rest of its minute by one event when the minute is over, or when the process ends (`close`).
    """

    def __init__(
        self,
        kind: str,
        subject: dict[str, Any],
        *,
        recorder: Recorder,
        now: Callable[[], datetime],
        by_itself: bool = True,
    ) -> None:
        self._kind = kind
        self._subject = subject
        self._recorder = recorder
        self._now = now
        self._by_itself = by_itself
        self._lock = threading.Lock()
        self._minutes: dict[str, _Minute] = {}
        self._timer: threading.Timer | None = None

    def failed(self, address: str | None, rule: str) -> None:
        """Take note of a failure by this rule. Raises `Rejected` (roles.too-many-failures) after many."""
        check_few(self.note(address, rule))

    def note(self, address: str | None, rule: str) -> int:
        """Take note of a failure by this rule; answer how many came from its network within the minute."""
        now, network = self._now(), network_of(address)
        with self._lock:
            events = self._over(now)
            if network not in self._minutes and len(self._minutes) >= _MOST_NETWORKS:
                network = OTHERS
            minute = self._minutes.setdefault(network, _Minute(now))
            minute.seen += 1
            seen = minute.seen
            if seen == 1:
                events.append(self._event(network, Counter({rule: 1}), now))
            else:
                minute.untold[rule] += 1
                self._tell_later()
        self._tell(events)
        return seen

    def flush(self) -> None:
        """Tell what was not told of minutes that are over."""
        with self._lock:
            self._timer = None
            events = self._over(self._now())
            if any(one.untold for one in self._minutes.values()):
                self._tell_later()
        self._tell(events)

    def close(self) -> None:
        """Tell what was not told yet, at the end of the process."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            events = self._over(self._now(), every=True)
        self._tell(events)

    def _over(self, now: datetime, *, every: bool = False) -> list[Event]:
        """Forget the minutes that are over, or `every` one, and answer the events about them, of now."""
        over = [
            name
            for name, one in self._minutes.items()
            if every or not one.since <= now < one.since + A_MINUTE
        ]
        gone = [(name, self._minutes.pop(name)) for name in over]
        return [self._event(name, one.untold, now) for name, one in gone if one.untold]

    def _event(self, network: str, rules: Counter[str], now: datetime) -> Event:
        return Event(
            type=self._kind,
            outcome="refused",
            actor=UNKNOWN,
            subject=self._subject,
            detail={"network": network, "times": rules.total(), "rules": dict(sorted(rules.items()))},
            time=now,
        )

    def _tell_later(self) -> None:
        if self._timer is None and self._by_itself:
            self._timer = threading.Timer(A_MINUTE.total_seconds() + 1, self.flush)
            self._timer.daemon = True
            self._timer.start()

    def _tell(self, events: list[Event]) -> None:
        for event in events:
            try:
                self._recorder.record(event)
            except Unavailable as error:  # refused they are all the same
                logger.warning("sign-ins of strangers are not in the log (%s): %s", error.code, event.detail)
