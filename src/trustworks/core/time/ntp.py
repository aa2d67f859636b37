"""Own queries to a set of NTP servers, whose agreement gives a bound that no single server can move."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.time.config import smears, split_server
from trustworks.core.time.estimate import Estimate, Leap
from trustworks.core.time.ntp_wire import make_request, parse_answer
from trustworks.core.time.quorum import agree
from trustworks.core.time.readings import SystemReadings
from trustworks.core.time.resolver import Resolver

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.core.time.config import TimeSettings
    from trustworks.core.time.ntp_wire import Answer
    from trustworks.core.time.readings import ClockReadings, Moment
    from trustworks.core.time.resolver import Address

_DATAGRAM = 1024
# After this many polls without a quorum the last agreement is too old to stand on.
_POLLS_KEPT = 3
_NEVER_AGAIN = frozenset({"DENY", "RSTR"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One server's word: UTC - MONOTONIC_RAW is from `low` to `high` nanoseconds at reading `raw` of that.

    Nobody steers MONOTONIC_RAW, so a sample stays true whatever is done to the system clock.
    """

    raw: int
    low: int
    high: int
    leap: Leap
    stratum: int


def sample(answer: Answer, sent: Moment, arrived: Moment, oscillator_ppm: float) -> Sample:
    """What an answer says, given the moments of the request's sending and the answer's arrival.

    The server's receiving lies after our sending, its sending before our arrival; that alone bounds the
    difference, and the server's own root distance widens it. Source: RFC 5905, 8 and 11.2.

    Raises:
        Rejected: ``times``, when the server took longer than the whole round trip.
    """
    drift = round((arrived.raw - sent.raw) * oscillator_ppm / 1e6) + sent.gap + arrived.gap
    spread = answer.root_distance_ns + drift
    low = answer.sent_ns - arrived.raw - spread
    high = answer.received_ns - sent.raw + spread
    if low > high:
        raise Rejected("times", "The server claims to have worked longer than the whole round trip took.")
    return Sample(raw=arrived.raw, low=low, high=high, leap=answer.leap, stratum=answer.stratum)


@dataclass(slots=True)
class _Server:
    name: str
    host: str
    port: int
    banned: str | None = None
    skip: int = 0
    backoff: int = 0
    sample: Sample | None = None
    heard_from: tuple[str, int] | None = None
    turn: int = 0
    problem: str = "not yet asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A request under way."""

    server: _Server
    link: socket.socket
    address: Address
    nonce: int
    moment: Moment


class NtpSource:
    """Asks all configured servers every `ntp-poll` seconds in a thread of its own; `poll` is one round."""

    name = "ntp"

    def __init__(self, settings: TimeSettings, readings: ClockReadings | None = None) -> None:
        self._settings = settings
        self._readings = readings or SystemReadings()
        self._servers = [_Server(name, *split_server(name)) for name in settings.ntp_servers]
        self._resolver = Resolver()
        self._lock = threading.Lock()
        self._failure: Exception | None = None  # of the last round

    def run(self, stop: threading.Event) -> None:
        """Poll until `stop` is set, whatever a round ends in: that is told where an estimate is asked for."""
        while not stop.is_set():
            try:
                self.poll()
            except Exception as error:  # noqa: BLE001 - `estimate` tells it
                self._failure = error
            else:
                self._failure = None
            stop.wait(self._settings.ntp_poll)

    def poll(self) -> None:
        """One round: look all names up, ask all servers at once, wait for their answers.

        Names are waited for `ntp-timeout` seconds at most, before anything is sent, and answers as long.
        """
        turns = [server for server in self._servers if self._is_due(server)]
        patience = self._settings.ntp_timeout
        self._resolver.look_up([(server.host, server.port) for server in turns], patience)
        taken: dict[tuple[str, int], str] = {}
        with selectors.DefaultSelector() as selector, ExitStack() as links:
            for server in turns:
                asked = self._ask(server, taken)
                if asked is not None:
                    links.callback(asked.link.close)
                    selector.register(asked.link, selectors.EVENT_READ, asked)
            deadline = time.monotonic() + patience
            while selector.get_map():
                left = deadline - time.monotonic()
                ready = selector.select(left) if left > 0 else []
                if not ready:
                    break
                for key, _ in ready:
                    if self._hear(key.data):
                        selector.unregister(key.fileobj)
            for key in selector.get_map().values():
                key.data.server.turn += 1  # silent: another of its addresses next time

    def _is_due(self, server: _Server) -> bool:
        """Whether a server is asked in this round."""
        if server.banned is not None:
            return False
        if server.skip > 0:
            server.skip -= 1
            return False
        return True

    def _ask(self, server: _Server, taken: dict[tuple[str, int], str]) -> _Asked | None:
        """Ask the first address that can be reached, serves UTC, and is no other server's in this round."""
        addresses = self._resolver.addresses(server.host, server.port)
        if not addresses:
            server.problem = f"cannot be asked ({self._resolver.problem(server.host, server.port)})"
            return None
        first = server.turn % len(addresses)
        for address in (*addresses[first:], *addresses[:first]):
            if smears(address.identity[0]):  # which its name did not tell when the settings were read
                server.problem = f"leads to {address.identity[0]}, which smears leap seconds; name another"
                continue
            other = taken.get(address.identity)
            if other is not None:
                server.problem = f"has the address of {other}; name an independent one"
                continue
            asked = self._send(server, address)
            if asked is not None:
                taken[address.identity] = server.name
                server.problem = "no answer"
                return asked
        return None

    def _send(self, server: _Server, address: Address) -> _Asked | None:
        link: socket.socket | None = None
        try:
            link = socket.socket(address.family, socket.SOCK_DGRAM)
            link.setblocking(False)  # noqa: FBT003 - the socket's own interface
            # A connected socket hears that one server only.
            link.connect(address.place)
            request, nonce = make_request()
            moment = self._readings.moment()
            link.send(request)
        except OSError as error:
            server.problem = f"cannot be asked ({error.strerror or error})"
            if link is not None:
                link.close()
            return None
        return _Asked(server=server, link=link, address=address, nonce=nonce, moment=moment)

    def _hear(self, asked: _Asked) -> bool:
        """Take one datagram; True when this server's turn is over, False to wait for a better one."""
        server = asked.server
        try:
            data = asked.link.recv(_DATAGRAM)
        except OSError as error:
            server.problem = f"cannot be asked ({error.strerror or error})"
            server.turn += 1
            return True
        arrived = self._readings.moment()
        try:
            answer = parse_answer(data, asked.nonce, arrived.realtime, self._settings.max_stratum)
            taken = sample(answer, asked.moment, arrived, self._settings.oscillator_ppm)
        except Malformed as error:
            server.problem = str(error)
            return False
        except Rejected as error:
            server.problem = str(error)
            if error.code == "origin":
                return False  # anybody can send such; the true answer may still come
            self._obey(server, error.code)
            return True
        server.backoff = 0
        server.problem = ""
        with self._lock:
            server.sample, server.heard_from = taken, asked.address.identity
        return True

    def _obey(self, server: _Server, code: str) -> None:
        """A kiss-o'-death is obeyed: DENY and RSTR for good, RATE by asking less often (RFC 5905, 7.4)."""
        with self._lock:
            server.sample = None
        if code in _NEVER_AGAIN:
            server.banned = code
        elif code == "RATE":
            server.backoff = min(server.backoff * 2 + 1, 15)
            server.skip = server.backoff

    def samples(self, moment: Moment) -> dict[str, Sample]:
        """The servers' samples that are not too old, one for each address that was heard: the newest."""
        oldest = moment.raw - round(_POLLS_KEPT * self._settings.ntp_poll * 1e9)
        found: dict[tuple[str, int] | None, tuple[str, Sample]] = {}
        with self._lock:
            for server in self._servers:
                if server.sample is None or server.sample.raw < oldest:
                    continue
                present = found.get(server.heard_from)
                if present is None or present[1].raw < server.sample.raw:
                    found[server.heard_from] = (server.name, server.sample)
        return dict(found.values())

    def estimate(self, moment: Moment) -> Estimate:
        """The interval that a quorum of servers shares, as the system clock's error now."""
        samples = self.samples(moment)
        intervals = error_intervals(samples, moment, self._settings.oscillator_ppm)
        agreement = agree(intervals, len(self._servers), self._settings.ntp_quorum)
        if agreement is None and (failure := self._failure) is not None:
            raise Unavailable(
                "clock.ntp",
                f"The NTP servers cannot be asked ({getattr(failure, 'strerror', None) or repr(failure)}). "
                "Look at the machine: its open files, its threads, its memory.",
            )
        if agreement is None:
            silent = "; ".join(
                f"{server.name}: {server.problem}" for server in self._servers if server.name not in samples
            )
            needed = max(self._settings.ntp_quorum, len(self._servers) // 2 + 1)
            raise Unavailable(
                "clock.ntp",
                f"No {needed} of the {len(self._servers)} NTP servers agree ({len(samples)} usable"
                f"{'; ' + silent if silent else ''}); see [time] ntp-servers.",
            )
        low, high = agreement.low, agreement.high
        return Estimate(
            name="ntp",
            ids=tuple(f"ntp:{name}" for name in agreement.members),
            bound_ns=max(abs(low), abs(high)),
            at_least_ns=0 if low <= 0 <= high else min(abs(low), abs(high)),
            leap=majority_leap([samples[name].leap for name in agreement.members]),
            detail={
                "members": list(agreement.members),
                "outsiders": list(agreement.outsiders),
                "error_from_ns": low,
                "error_to_ns": high,
            },
        )


def error_intervals(
    samples: Mapping[str, Sample], moment: Moment, oscillator_ppm: float
) -> dict[str, tuple[int, int]]:
    """The error of the system clock at `moment` by each sample, widened by the drift since then."""
    intervals = {}
    for name, taken in samples.items():
        age = moment.raw - taken.raw
        drift = round(abs(age) * oscillator_ppm / 1e6) + moment.gap
        at = moment.realtime - moment.raw
        intervals[name] = (at - taken.high - drift, at - taken.low + drift)
    return intervals


def majority_leap(leaps: list[Leap]) -> Leap:
    """What more than half of the agreeing servers announce; a minority's announcement counts for nothing."""
    return next((leap for leap in ("insert", "delete") if 2 * leaps.count(leap) > len(leaps)), "none")
