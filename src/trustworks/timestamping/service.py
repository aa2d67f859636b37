"""The time-stamping authority: one request in, one answer out, in the order that the standards ask for.

Source: RFC 3161, 2.4; EN 319 421, 7.7; EN 319 422, 4 and 5.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from trustworks.core.errors import Malformed, Refused, TrustworksError, Unavailable
from trustworks.core.store.types import microseconds
from trustworks.core.time import TrustedDay, check_declared_accuracy
from trustworks.core.trace import implements
from trustworks.timestamping import events, records, template, unit, wire
from trustworks.timestamping.begun import Begun, check_own
from trustworks.timestamping.model import Content, IssuedBy, PkiFailureInfo
from trustworks.timestamping.rules import requests, timing, units
from trustworks.timestamping.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
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
    ) -> None:
        """Load every unit, with the key that `keys` answers for its label.

        `revoked` answers for a certificate's serial number since when and why it is revoked, see `Standing`.

        Raises:
            Refused: the authority as a whole breaks a requirement (accuracy, policies).
            Unavailable: the module cannot be used, or the log cannot be written.
        """
        check_authority(settings, time_settings)
        self.settings = settings
        self._clock = clock
        self._recorder = recorder
        self._database = database
        self._units: dict[str, Unit] = {}
        self._refused: dict[str, Refused] = {}
        self._serials = records.Serials()
        self._order = threading.Lock()
        self._last: dict[str, int] = {}
        self._issued: dict[str, int] = {}
        self._standing = Standing(recorder, revoked)
        self._limit = settings.signing_limit_ms * 1000
        self._accuracy = settings.accuracy_us
        self._resolution = settings.resolution_us
        today = TrustedDay(clock)
        for unit_settings in settings.units:
            key = keys(unit_settings.key_label)
            others = [(name, loaded.key.spki) for name, loaded in self._units.items()]
            try:
                loaded = unit.load(
                    unit_settings,
                    settings,
                    key,
                    clock_mode=clock.mode,
                    lab=lab,
                    today=today(),
                    others=others,
                )
            except Refused as error:
                self._refused[unit_settings.name] = error
                recorder.record(events.refused(unit_settings.name, key, error))
            else:
                self._units[loaded.name] = loaded
                recorder.record(events.opened(loaded, settings.accuracy_us, clock.mode))

    @property
    def unit_names(self) -> tuple[str, ...]:
        """The names of all units, the first answers where a client names none."""
        return tuple(one.name for one in self.settings.units)

    # One request

    @implements(
        "TRUSTWORKS:TSA-RECORD-FIRST",
        disabled=lambda self, body, unit_name=None: self.issue(body, unit_name).answer,
    )
    def stamp(self, body: bytes, unit_name: str | None = None) -> bytes:
        """Answer a request; the record of a token is durable when this returns."""
        outcome = self.issue(body, unit_name)
        if outcome.event is None or outcome.row is None:
            return outcome.answer
        try:
            self._recorder.record(outcome.event, outcome.row)
        except Exception as error:  # noqa: BLE001 - whatever stands against the record stands against the token
            return self.unrecorded(outcome, error)
        return outcome.answer

    def issue(self, body: bytes, unit_name: str | None = None) -> Outcome:
        """Make the answer to a request. A token in it must not leave before its event and row are durable."""
        return self.issue_all(((body, unit_name),))[0]

    def issue_all(self, requested: Sequence[tuple[bytes, str | None]]) -> list[Outcome]:
        """Make the answers to several requests, each a body and the name of a unit; as `issue` does each.

        Each step is done for all of them before the next one begins: that is a third less work for the
        processor, which has at hand what the step needs.
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
        chosen = self._units.get(self._choose(request, unit_name))
        if chosen is None:
            return _refusal(PkiFailureInfo.SYSTEM_FAILURE, NO_SERVICE)
        against = requests.objection(request, chosen.terms)
        if against is not None:
            return _refusal(*against)
        try:
            self._recorder.ping()  # nothing is signed that could not be recorded
            self._standing.check_certificate(chosen)
            # (1) The time, in order, while the key may be used (EN 319 421, 7.7.1).
            now, moment = self._time(chosen)
            if not timing.key_may_sign(moment, chosen.begins, chosen.ends):
                raise _key_ended(chosen)
            # (2) What the token says (EN 319 422, 5.2.2).
            content = self._content(chosen, request, now)
        except TrustworksError as error:
            return self._stopped(chosen, error)
        tst_info = chosen.template.tst_info(content)
        return Begun(chosen, request, now, moment, content, tst_info, chosen.template.attributes(tst_info))

    def _sign(self, begun: list[Begun]) -> None:
        """(3) The signatures; `Key.sign_all` lets none out that the public key does not verify."""
        for chosen in {one.unit.name: one.unit for one in begun}.values():
            mine = [one for one in begun if one.unit is chosen]
            try:
                signatures = _signatures(chosen, [one.attributes for one in mine])
            except TrustworksError as error:
                for one in mine:
                    one.failure = error
                continue
            for one, signature in zip(mine, signatures, strict=True):
                one.signature = signature

    def _finish(self, begun: Begun) -> Outcome:
        """Everything after the signature."""
        chosen = begun.unit
        try:
            if begun.failure is not None:
                raise begun.failure
            return self._token(begun)
        except TrustworksError as error:
            return self._stopped(chosen, error)

    def unrecorded(self, outcome: Outcome, error: Exception) -> bytes:
        """The answer instead of a token whose record could not be written."""
        assert outcome.event is not None  # noqa: S101 - only tokens have a record
        self._standing.unrecorded(str(outcome.event.subject["unit"]), error)
        return _refusal(PkiFailureInfo.SYSTEM_FAILURE, NO_SERVICE).answer

    def _choose(self, request: Request, unit_name: str | None) -> str:
        """The unit that the client named, else the first one that has the policy, else the first one."""
        if unit_name is not None:
            return unit_name
        if request.policy is not None:
            for name, one in self._units.items():
                if request.policy in one.terms.policies:
                    return name
        return self.settings.units[0].name

    def _token(self, begun: Begun) -> Outcome:
        chosen, request, content = begun.unit, begun.request, begun.content
        # (4) Time went on meanwhile: the token still has to be true.
        after = self._clock.now()
        self._check_delay(begun.moment, microseconds(content.gen_time), after)
        # (5) The exact bytes that leave, read back.
        token = chosen.template.token(
            begun.tst_info, begun.attributes, begun.signature, certificates=request.cert_req
        )
        check_own(begun, token)
        # (6) The record, with the evidence of the time.
        self._standing.resumed(chosen.name)
        self._issued[chosen.name] = self._issued.get(chosen.name, 0) + 1
        assert request.hash is not None  # noqa: S101 - the rules let only known ones through
        by = IssuedBy(chosen.name, request.hash.name, self._recorder.stream)
        event, row = events.issued(content, by, begun.tst_info, begun.now.evidence, after.utc)
        return Outcome(template.response(token), event, row)

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

    def _check_delay(self, moment: int, gen_time: int, after: TrustedTime) -> None:
        signed = microseconds(after.utc)
        if not timing.was_signed_in_time(moment, signed, self._limit):
            raise Unavailable(
                "clock.signing-too-slow",
                f"The signature took {(signed - moment) // 1000} ms, more than the {self._limit // 1000} ms "
                "of [timestamping] signing-limit-ms; the token was thrown away. See why the module is slow.",
            )
        if not timing.is_within_accuracy(gen_time, signed, after.bound_us, self._accuracy):
            raise Unavailable(
                "clock.accuracy",
                f"When the token was signed its time was {self._accuracy} us off or more; it was dropped.",
            )

    @implements(
        "RFC3161:2.4.2-TIME-NOT-AVAILABLE",
        "RFC3161:2.4.2-SYSTEM-FAILURE",
        disabled=lambda *_: _refusal(PkiFailureInfo.BAD_REQUEST, NO_SERVICE),
    )
    def _stopped(self, chosen: Unit, error: TrustworksError) -> Outcome:
        """The answer of a unit that cannot issue now; the reason goes to the log, not to the client."""
        code = self._standing.stopped(chosen.name, error)
        if isinstance(error, Unavailable) and code.startswith("clock."):
            return _refusal(PkiFailureInfo.TIME_NOT_AVAILABLE, NO_TIME)
        return _refusal(PkiFailureInfo.SYSTEM_FAILURE, NO_SERVICE)

    # Health

    def is_slow(self, body: bytes, unit_name: str | None) -> bool:
        """Whether a request's signature takes so long that it is waited for in a thread."""
        limit = self.settings.inline_below_us
        if unit_name is None and len(self._units) > 1:
            slow = {one.pace.microseconds > limit for one in self._units.values()}
            if len(slow) > 1:  # then it depends on what the client asks for
                try:
                    unit_name = self._choose(wire.decode_request(body), None)
                except Malformed:
                    return False
        chosen = self._units.get(unit_name or self.settings.units[0].name)
        return chosen is not None and chosen.pace.microseconds > limit

    def most_together(self, budget_us: float, most: int) -> int:
        """How many signatures of keys that are not slow fit in `budget_us`: at least one, at most `most`."""
        limit = self.settings.inline_below_us
        quick = [pace for one in self._units.values() if (pace := one.pace.microseconds) <= limit]
        slowest = max(quick, default=0.0)
        return most if slowest * most <= budget_us else max(1, int(budget_us / slowest))

    def ping(self) -> None:
        """Answer when every unit can issue. Raises `Unavailable` or `Refused` with the first reason."""
        for error in self._refused.values():
            raise error
        self._recorder.ping()
        moment = microseconds(self._clock.now().utc)
        for one in self._units.values():
            self._standing.check_certificate(one)
            if not timing.key_may_sign(moment, one.begins, one.ends):
                raise Unavailable(
                    "timestamping.key-expired",
                    f"The private key of the unit {one.name} may not be used now; its use ends at "
                    f"{events.text(one.key_ends)}.",
                )

    def status(self) -> dict[str, Any]:
        """The authority and its units, as JSON values, for the status page and `/healthz`."""
        return {
            "ok": not self._refused and self._standing.well,
            "accuracy_us": self._accuracy,
            "clock": self._clock.status().code,
            "units": [self._unit_status(name) for name in self.unit_names],
        }

    def _unit_status(self, name: str) -> dict[str, Any]:
        refused = self._refused.get(name)
        if refused is not None:
            return {
                "name": name,
                "ok": False,
                "reason": str(refused),
                "requirement": refused.requirement,
            }
        one = self._units[name]
        stop = self._standing.code(name)
        return {
            "name": name,
            "ok": stop is None,
            "reason": stop or "",
            "qualified": one.qualified,
            "policies": list(one.terms.policies),
            "algorithm": one.key.algorithm.value,
            "scheme": one.scheme.name,
            "subject": one.certificate.subject.rfc4514_string(),
            "certificate_ends": events.text(one.certificate.not_valid_after_utc),
            "key_ends": events.text(one.key_ends),
            "signature_wait_us": round(one.pace.microseconds, 1),
            "issued": self._issued.get(name, 0),
        }

    def issued(self, since: datetime, until: datetime) -> dict[str, int]:
        """How many tokens each unit issued, in all processes, from `since` until before `until`."""
        return records.count(self._database, since=since, until=until)


def _signatures(chosen: Unit, attributes: list[bytes]) -> list[bytes]:
    if not chosen.pace.is_due():
        return chosen.key.sign_all(attributes, chosen.scheme)
    began = time.perf_counter_ns()
    found = chosen.key.sign_all(attributes, chosen.scheme)
    chosen.pace.took((time.perf_counter_ns() - began) // len(found))
    return found


def _key_ended(chosen: Unit) -> Refused:
    return Refused(
        "EN319421:TIS-7.7.1-09",
        f"The private key of the unit {chosen.name} may be used until {events.text(chosen.key_ends)}, within "
        "its certificate's validity; take a new key and certificate into use.",
    )


def check_authority(settings: TimestampingSettings, time_settings: TimeSettings) -> None:
    """Refuse to start an authority that could not keep what its tokens say.

    Source: EN 319 421, 7.7.2; EN 319 422, 5.2.2.
    """
    check_declared_accuracy(time_settings, settings.accuracy_us, settings.resolution_us)
    _require(
        "EN319422:5.2.2-GENTIME", units.resolution_findings(settings.accuracy_us, settings.resolution_us)
    )
    if time_settings.mode == "enforce":
        for one in settings.units:
            policies = one.policies or settings.policies
            _require(
                "EN319422:5.2.2-POLICY",
                units.declared_policy_findings(one.name, policies, settings.lab_policy),
            )


def _require(requirement: str, findings: Iterable[str]) -> None:
    text = " ".join(findings)
    if text:
        raise Refused(requirement, text)


def _refusal(failure: PkiFailureInfo, text: str) -> Outcome:
    return Outcome(wire.encode_failure(failure, text), failure=failure)
