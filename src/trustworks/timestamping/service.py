"""The time-stamping authority: one request in, one answer out, in the order that the standards ask for.

Source: RFC 3161, 2.4; EN 319 421, 7.7; EN 319 422, 4 and 5.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from trustworks.core.errors import Malformed, TrustworksError, Unavailable
from trustworks.core.store.types import microseconds
from trustworks.core.time import TrustedDay
from trustworks.core.trace import implements
from trustworks.timestamping import events, records, template, wire
from trustworks.timestamping.begun import Begun, check_delay, check_own
from trustworks.timestamping.model import Content, IssuedBy, PkiFailureInfo
from trustworks.timestamping.rules import requests, timing
from trustworks.timestamping.standing import Standing, joined, outside_period
from trustworks.timestamping.undertaking import check_authority
from trustworks.timestamping.units import Units

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from trustworks.core.audit import Event, Recorder, Row
    from trustworks.core.module import Key
    from trustworks.core.store import Database
    from trustworks.core.time import Clock, TimeSettings, TrustedTime
    from trustworks.timestamping.config import TimestampingSettings
    from trustworks.timestamping.model import Request
    from trustworks.timestamping.unit import Unit

NO_TIME: Final = "No trusted time is available now. Try again later."
NO_SERVICE: Final = "The time-stamping unit cannot answer now. Try again later."
NOT_A_REQUEST: Final = "The request is not a TimeStampReq in DER."


class Outcome(NamedTuple):
    """What came of a request: an answer, and for a token what must be durable before the answer leaves.

    `event` and `row` are None for a refusal, which may leave at once.
    """

    answer: bytes
    event: Event | None = None
    row: Row | None = None
    failure: PkiFailureInfo | None = None


class TimestampingAuthority:
    """The authority with its units. Threads share it; every worker process has its own.

    A unit that breaks a requirement does not issue, and `status` says why; the others do.
    """

    def __init__(
        self,
        settings: TimestampingSettings,
        *,
        keys: Callable[[str], Key],
        clock: Clock,
        time_settings: TimeSettings,
        recorder: Recorder,
        database: Database,
        lab: bool,
        revoked: Callable[[int], str | None] = lambda _: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take every unit into use that can be, with the key that `keys` answers for its label.

        `revoked` answers for a certificate's serial number since when and why it is revoked; by `monotonic`
        it is known when to ask again. See `Standing`.

        Raises:
            Refused: the authority as a whole breaks a requirement (accuracy, policies).
            Unavailable: the log cannot be written.
        """
        check_authority(settings, time_settings)
        self.settings = settings
        self._clock = clock
        self._recorder = recorder
        self._database = database
        self._serials = records.Serials()
        self._order = threading.Lock()
        self._last: dict[str, int] = {}
        self._issued: dict[str, int] = {}
        self._standing = Standing(recorder, revoked, clock, monotonic=monotonic)
        self._limit = settings.signing_limit_us
        self._accuracy = settings.accuracy_us
        self._resolution = settings.resolution_us
        self._units = Units(
            settings, keys=keys, clock_mode=clock.mode, lab=lab, today=TrustedDay(clock), recorder=recorder
        )

    @property
    def unit_names(self) -> tuple[str, ...]:
        """The names of all units, the first answers where a client names none."""
        return tuple(one.name for one in self.settings.units)

    # One request

    @implements(
        "TRUSTWORKS:TSA-RECORD-FIRST",
        disabled=lambda self, body, unit_name=None: (self.look(), self.issue(body, unit_name).answer)[1],
    )
    def stamp(self, body: bytes, unit_name: str | None = None) -> bytes:
        """Answer a request; the record of a token is durable when this returns."""
        self.look()
        outcome = self.issue(body, unit_name)
        if outcome.event is None or outcome.row is None:
            return outcome.answer
        try:
            self._recorder.record(outcome.event, outcome.row)
        except Exception as error:  # noqa: BLE001 - whatever stands against the record stands against the token
            return self.unrecorded(outcome, error)
        self.recorded(outcome)
        return outcome.answer

    def issue(self, body: bytes, unit_name: str | None = None) -> Outcome:
        """Make the answer to a request. A token in it must not leave before its event and row are durable.

        The caller looks before, where that `is_due`, and says what came of event and row, to `recorded` or
        `unrecorded`.
        """
        (outcome,) = self.issue_all(((body, unit_name),))
        assert outcome is not None  # noqa: S101 - the first is always signed
        return outcome

    def issue_all(self, requested: Sequence[tuple[bytes, str | None]]) -> list[Outcome | None]:
        """Make the answers to several requests, each a body and the name of a unit; as `issue` does each.

        Each step is done for all of them before the next one begins: that is a third less work for the
        processor, which has at hand what the step needs. None instead of an answer: the key turned slow, and
        this request has to be made once more, in a thread.
        """
        begun = [self._begin(body, unit_name) for body, unit_name in requested]
        self._sign([one for one in begun if isinstance(one, Begun)])
        return [one if isinstance(one, Outcome) else self._finish(one) for one in begun]

    def _begin(self, body: bytes, unit_name: str | None) -> Begun | Outcome:
        """Everything before the signature."""
        try:
            request = wire.decode_request(body)
        except Malformed:
            return _refusal(PkiFailureInfo.BAD_DATA_FORMAT, NOT_A_REQUEST)
        chosen = self._units.choose(request.policy, unit_name, self._stands)
        if chosen is None:
            return _refusal(PkiFailureInfo.SYSTEM_FAILURE, NO_SERVICE)
        against = requests.objection(request, chosen.terms)
        if against is not None:
            return _refusal(*against)
        try:
            self._recorder.ping()  # nothing is signed that could not be recorded
            # (1) The time, in order, while the unit may issue (EN 319 421, 7.7.1).
            now, moment = self._ready(chosen)
        except TrustworksError as error:
            return self._stopped(chosen, error, at_signing=False)
        # (2) What the token says (EN 319 422, 5.2.2).
        content = self._content(chosen, request, now)
        tst_info = chosen.template.tst_info(content)
        return Begun(chosen, request, now, moment, content, tst_info, chosen.template.attributes(tst_info))

    def _stands(self, one: Unit) -> bool:
        return self._standing.objection(one) is None

    def _ready(self, chosen: Unit) -> tuple[TrustedTime, int]:
        """The time and its microseconds, when nothing stands against a signature by this unit."""
        against = self._standing.objection(chosen)
        if against is not None:
            raise against.with_traceback(None)
        now, moment = self._time(chosen)
        if not timing.key_may_sign(moment, chosen.begins, chosen.ends):
            over = outside_period(chosen, moment)
            self._standing.found(chosen, over)  # the next request need not wait for the next look
            raise over
        return now, moment

    def _sign(self, begun: list[Begun]) -> None:
        """(3) The signatures; `Key.sign_all` lets none out that the public key does not verify."""
        for chosen in {one.unit.name: one.unit for one in begun}.values():
            mine = [one for one in begun if one.unit is chosen]
            try:
                signatures = chosen.sign_all([one.attributes for one in mine])
            except TrustworksError as error:
                for one in mine:
                    one.failure = error
                continue
            for one, signature in zip(mine, signatures, strict=False):
                one.signature = signature

    def _finish(self, begun: Begun) -> Outcome | None:
        """Everything after the signature; None when there was no time for one."""
        chosen = begun.unit
        try:
            if begun.failure is not None:
                raise begun.failure
            return self._token(begun) if begun.signature else None
        except TrustworksError as error:
            return self._stopped(chosen, error, at_signing=True)

    def recorded(self, outcome: Outcome) -> None:
        """The record of a token is durable, and its answer leaves."""
        assert outcome.event is not None  # noqa: S101 - only tokens have a record
        name = str(outcome.event.subject["unit"])
        self._issued[name] = self._issued.get(name, 0) + 1
        present = self._units.get(name)
        if present is not None and self._standing.objection(present) is None:
            self._standing.resumed(name)  # else the token was begun before what stops the unit now

    def unrecorded(self, outcome: Outcome, error: Exception) -> bytes:
        """The answer instead of a token whose record could not be written."""
        assert outcome.event is not None  # noqa: S101 - only tokens have a record
        self._standing.unrecorded(str(outcome.event.subject["unit"]), error)
        return _refusal(PkiFailureInfo.SYSTEM_FAILURE, NO_SERVICE).answer

    def _token(self, begun: Begun) -> Outcome:
        chosen, request, content = begun.unit, begun.request, begun.content
        # (4) Time went on meanwhile: the token still has to be true.
        after = self._clock.now()
        check_delay(begun, after, self._limit, self._accuracy)
        # (5) The exact bytes that leave, read back.
        answer = template.response(
            chosen.template.token(
                begun.tst_info, begun.attributes, begun.signature, certificates=request.cert_req
            )
        )
        check_own(begun, answer)
        # (6) The record, with the evidence of the time.
        assert request.hash is not None  # noqa: S101 - the rules let only known ones through
        by = IssuedBy(chosen.name, request.hash.name, self._recorder.stream)
        event, row = events.issued(content, by, begun.tst_info, begun.now.evidence, after.utc)
        return Outcome(answer, event, row)

    @implements(
        "RFC3161:2.4.2-SERIAL",
        "EN319422:5.2.2-GENTIME",
        disabled=lambda rule, self, chosen, request, now: rule(self, chosen, request, now)._replace(
            serial=1, gen_time=now.utc
        ),
    )
    def _content(self, chosen: Unit, request: Request, now: TrustedTime) -> Content:
        gen_time = wire.cut(now.utc, self._resolution)
        return Content(
            request.policy or chosen.terms.policies[0],
            request.hash_algorithm,
            request.digest,
            self._serials.next(microseconds(gen_time)),
            gen_time,
            self._accuracy,
            request.nonce,
            chosen.qualified,
        )

    @implements(
        "TRUSTWORKS:TSA-TIME-ORDER",
        disabled=lambda self, _unit: (now := self._clock.now(), microseconds(now.utc)),
    )
    def _time(self, chosen: Unit) -> tuple[TrustedTime, int]:
        """The time and its microseconds, not before any that the unit gave already."""
        with self._order:
            now = self._clock.now()
            moment = microseconds(now.utc)
            if not timing.is_in_order(moment, self._last.get(chosen.name, 0)):
                raise Unavailable(
                    "clock.backwards",
                    "The clock is before a time that the unit gave already; it issues when that has passed.",
                )
            self._last[chosen.name] = moment
        return now, moment

    @implements(
        "RFC3161:2.4.2-TIME-NOT-AVAILABLE",
        "RFC3161:2.4.2-SYSTEM-FAILURE",
        disabled=lambda *_, **__: _refusal(PkiFailureInfo.BAD_REQUEST, NO_SERVICE),
    )
    def _stopped(self, chosen: Unit, error: TrustworksError, *, at_signing: bool) -> Outcome:
        """The answer of a unit that cannot issue now; the reason goes to the log, not to the client."""
        code = self._standing.stopped(chosen.name, error, at_signing=at_signing)
        if isinstance(error, Unavailable) and code.startswith("clock."):
            return _refusal(PkiFailureInfo.TIME_NOT_AVAILABLE, NO_TIME)
        return _refusal(PkiFailureInfo.SYSTEM_FAILURE, NO_SERVICE)

    # How quick the keys are

    def slow_units(self) -> tuple[str, ...]:
        """The units whose signatures are waited for in threads."""
        return self._units.slow()

    def is_slow(self, body: bytes, unit_name: str | None) -> bool:
        """Whether a request's signature takes so long that it is waited for in a thread."""
        return self._units.is_slow(body, unit_name, self._stands)

    def most_together(self, budget_us: float, most: int) -> int:
        """How many signatures of keys that are not slow fit in `budget_us`: at least one, at most `most`."""
        return self._units.quick_together(budget_us, most)

    # Health

    @property
    def is_due(self) -> bool:
        """Whether `look` has to be called before the next request is answered."""
        return self._standing.is_due

    def look(self) -> None:
        """Look at the units' certificates and keys: takes as long as database and module take."""
        self._standing.look(self._units.values())

    def attempt(self) -> None:
        """Try the units again that do not issue; may wait for the module for long."""
        self._units.attempt(lambda one: not self._stands(one), self._standing.admit)

    def ping(self) -> None:
        """Answer when every unit may issue. Raises `Unavailable` or `Refused` with all reasons in one.

        A stop is over when what it came from is found well here.
        """
        self.look()
        self.attempt()
        stops = [(name, self._standing.last_failure(name)) for name in self._units]
        against = self._against()
        for name, stop in stops:
            if stop is not None and name not in against:
                self._standing.passed(name, stop)
        if against:
            raise joined(list(against.values()))

    def _against(self) -> dict[str, TrustworksError]:
        """What stands at this moment against each unit that may not issue, by its name."""
        found = dict(self._units.refused)
        for name, one in self._units.items():
            try:
                self._recorder.ping()
                self._ready(one)
            except TrustworksError as error:
                # What is new and refused did not take the place of what is stopped: both are to be put right.
                found[name] = joined([found[name], error]) if name in found else error
        return found

    def status(self) -> dict[str, Any]:
        """The authority and its units, as JSON values, for the status page and `/healthz`.

        `ok` of a unit: it may issue now. `last_failure`: when it was asked last it did not, and nothing has
        shown yet that what kept it is over: a failed signature, say, which the next token ends.
        """
        self.look()
        against = self._against()
        return {
            "ok": not against,
            "accuracy_us": self._accuracy,
            "clock": self._clock.status().code,
            "units": [self._unit_status(name, against.get(name)) for name in self.unit_names],
        }

    def _unit_status(self, name: str, against: TrustworksError | None) -> dict[str, Any]:
        state: dict[str, Any] = {"name": name, "ok": against is None, "code": "", "reason": ""}
        if against is not None:
            state |= {"code": events.code_of(against), "reason": str(against)}
        stop, present = self._standing.last_failure(name), self._units.get(name)
        state["last_failure"] = stop and {
            "code": stop.code,
            "time": events.text(stop.last),
            "in_a_row": stop.times,
        }
        if present is not None:
            state |= present.status() | {"issued": self._issued.get(name, 0)}
        return state

    def issued(self, since: datetime, until: datetime) -> dict[str, int]:
        """How many tokens each unit issued, in all processes, from `since` until before `until`."""
        return records.count(self._database, since=since, until=until)


def _refusal(failure: PkiFailureInfo, text: str) -> Outcome:
    return Outcome(wire.encode_failure(failure, text), failure=failure)
