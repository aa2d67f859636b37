"""The tasks of the jobs process: what each does in one round, and how often."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from trustworks.app.health.heartbeat import TaskState
from trustworks.app.opening import Opening
from trustworks.app.processes.jobs import Task
from trustworks.app.web.checks import CLOCK_TASK
from trustworks.core.errors import Unavailable
from trustworks.core.troubles import Troubles

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from trustworks.app.wiring import Wiring
    from trustworks.core.audit import Sequencer
    from trustworks.core.module import Module

    Round = Callable[[], str | TaskState]

CRL_LOOK = (
    5.0  # seconds between two looks whether a list is due; a revocation is on a list after about this time
)
PROBE_EVERY = 60.0
SETTLE_EVERY = 60.0
REGISTRATION_EVERY = 600.0  # seconds between two looks at applications that wait, or whose time is over
VALIDATE_EVERY = 0.5  # seconds between two looks whether a challenge of ACME waits for its validation
START_PATIENCE = 60.0  # seconds after the start until workers that do not answer yet are told of
ROLLOVER_EVERY = 30.0  # seconds between two steps of a key's replacement
REQUESTS_EVERY = 10.0  # seconds between two looks at requests for revocation
NOTICES_EVERY = 1.0  # seconds between two looks whether somebody is to be told something
ENDING_EVERY = 60.0  # seconds between two looks for certificates that end soon
STAMP_AFTER = 5.0  # seconds after the start until the first time-stamp is asked for
STAMP_AGAIN = 15.0  # seconds between two tries of an authority that does not answer
STAMP_PATIENCE = 60.0  # seconds without a time-stamp until `/healthz` complains

log = structlog.get_logger(__name__)


def tasks(wiring: Wiring, stop: threading.Event) -> list[Task]:
    """The tasks that the configuration asks for."""
    config = wiring.config
    found: list[Task] = []
    tokens = Tokens(wiring)
    if config.time.mode == "enforce":
        found.append(Task(CLOCK_TASK, 1.0, partial(_collect, wiring, stop)))
    if config.tokens.audit is not None:
        found.append(_checkpoints(wiring, tokens))
    if config.issuance is not None and config.tokens.issuing is not None:
        found.append(
            _each("crl", CRL_LOOK, partial(_publisher, wiring, tokens), watch=tokens.watch("issuing"))
        )
    if config.issuance is not None:
        found.append(_each("issuance", SETTLE_EVERY, partial(_settler, wiring, tokens)))
        found.append(_each("registration", REGISTRATION_EVERY, partial(registrar, wiring, tokens)))
        found.append(_each("revocation", REQUESTS_EVERY, partial(_revoker, wiring, tokens)))
        found.append(_each("notices", NOTICES_EVERY, partial(_notifier, wiring)))
    if config.issuance is not None and "ocsp" in config.rollover.unattended:
        found.append(_each("rollover", ROLLOVER_EVERY, partial(_roller, wiring, tokens)))
    if config.issuance is not None and config.issuance.acme is not None:
        found.append(_each("acme", VALIDATE_EVERY, partial(_validator, wiring)))
    if config.alarms.command:
        found.append(_each("alarms", config.alarms.look_every, partial(_alarms, wiring)))
    probed = [name for name in ("issuing", "audit") if getattr(config.tokens, name) is not None]
    found += [
        _each(f"module.{token}", PROBE_EVERY, partial(_prober, tokens, token), watch=tokens.watch(token))
        for token in probed
    ]
    return found


class Tokens:
    """The tokens of the jobs process: each is opened once and used by all tasks.

    So a PIN that is wrong is tried once, and again only when its file was changed.
    """

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._lock = threading.Lock()
        self._openings: dict[str, Opening[Module]] = {}

    def get(self, token: str) -> Module:
        """The module on a token; it stays open until the process ends. Raises what opening it raised."""
        with self._lock:
            if token not in self._openings:
                self._openings[token] = Opening(
                    f"module.{token}",
                    lambda stack: stack.enter_context(self._wiring.open_module(token)),
                    watch=self.watch(token),
                )
            opening = self._openings[token]
            opening.attempt()
            return opening.get()

    def watch(self, token: str) -> Callable[[], object]:
        """A function whose answer changes when the PIN file of the token was written anew."""
        return partial(self._wiring.pin_state, token)


def _each(
    name: str,
    every: float,
    make: Callable[[ExitStack], Round],
    finish: Callable[[], None] | None = None,
    watch: Callable[[], object] | None = None,
) -> Task:
    """A task whose first round opens what it needs and whose further rounds use it."""
    rounds: list[tuple[ExitStack, Round]] = []

    def work(stack: ExitStack) -> str | TaskState:
        if not rounds or rounds[0][0] is not stack:
            rounds[:] = [(stack, make(stack))]
        return rounds[0][1]()

    return Task(name, every, work, finish, watch)


def _collect(wiring: Wiring, stop: threading.Event, stack: ExitStack) -> str:
    """Runs the clock's collector until the stop; answers only then."""
    from trustworks.core.audit.clock import clock_events  # noqa: PLC0415
    from trustworks.core.time import Collector  # noqa: PLC0415

    record = clock_events(stack.enter_context(wiring.open_recorder("clock")))

    def on_event(kind: str, detail: dict[str, Any]) -> None:
        record(kind, detail)
        log.info(kind, **{key: detail[key] for key in ("code", "reason") if key in detail})

    Collector(wiring.config.time, wiring.state_dir, on_event).run(stop)
    return "The collector was stopped."


def _checkpoints(wiring: Wiring, tokens: Tokens) -> Task:
    """Appends what all streams have written, and signs; at the end, also what they wrote as they closed."""
    opened: list[Checkpoints] = []

    def make(stack: ExitStack) -> Round:
        opened[:] = [_sequencer(wiring, tokens, stack)]
        return opened[0]

    def finish() -> None:
        opened[0].finish()

    return _each("audit", wiring.config.audit.sequence_every, make, finish, tokens.watch("audit"))


def _sequencer(wiring: Wiring, tokens: Tokens, stack: ExitStack) -> Checkpoints:
    from trustworks.app.certificates import read_one  # noqa: PLC0415
    from trustworks.app.stamper import HttpStamper  # noqa: PLC0415
    from trustworks.core.audit import Sequencer  # noqa: PLC0415

    settings = wiring.config.audit
    module = tokens.get("audit")
    database = stack.enter_context(wiring.open_database())
    url = settings.time_stamp_url
    key = module.key(settings.key)
    certificate = None if settings.certificate is None else read_one(settings.certificate)

    def sequencer(stamper: HttpStamper | None) -> Sequencer:
        return Sequencer(
            database,
            key,
            certificate,
            stamper,
            checkpoint_every=settings.checkpoint_every,
            time_stamp_every=settings.time_stamp_every,
        )

    signing = sequencer(None)
    stamping = signing if url is None else sequencer(HttpStamper(url))
    return Checkpoints(signing, stamping)


class Checkpoints:
    """Appends to the log and signs it; asks for time-stamps, and spares an authority that is in trouble.

    At first none is asked for, and then none complained about: our own authority may be starting beside us,
    and a busy machine takes its time.
    """

    def __init__(self, signing: Sequencer, stamping: Sequencer) -> None:
        self._signing = signing
        self._stamping = stamping
        self._began = time.monotonic()
        self._quiet_until = self._began + STAMP_AFTER
        self._trouble: tuple[float, str] | None = None
        self._told = Troubles(log, begun="audit.not-time-stamped", over="audit.time-stamped-again")

    def __call__(self) -> TaskState:
        """One round; it is unwell (audit.not-time-stamped) when there was no time-stamp for too long."""
        now = time.monotonic()
        progress = (self._signing if now < self._quiet_until else self._stamping).run_once()
        if progress.stamped:
            self._trouble = None
            self._told.ended("checkpoints")
        elif progress.problem is not None:
            self._quiet_until = now + STAMP_AGAIN
            self._trouble = (now if self._trouble is None else self._trouble[0], progress.problem)
            if now - self._began > START_PATIENCE:
                self._told.failed("checkpoints", progress.problem, reason=progress.problem)
        if self._trouble is not None and now - self._trouble[0] > STAMP_PATIENCE:
            return TaskState(
                code="audit.not-time-stamped",
                sentence=f"Checkpoints are signed, but not time-stamped. {self._trouble[1]}",
            )
        return TaskState(code="ok", sentence=f"{progress.size} events are in the tree.")

    def finish(self) -> None:
        """The last events and a checkpoint over all; our own authority has stopped, so it is only signed."""
        self._signing.run_once(checkpoint=True)


def _publisher(wiring: Wiring, tokens: Tokens, stack: ExitStack) -> Round:
    tokens.get("issuing")  # first, so that the task tells of a token that cannot be opened
    database = stack.enter_context(wiring.open_database())
    recorder = stack.enter_context(wiring.open_recorder("jobs-crl", database=database))
    publisher = wiring.crl_publisher(
        database=database, recorder=recorder, clock=wiring.open_clock(), tokens=tokens.get
    )

    def look() -> str:
        publisher.publish_due(actor="jobs")
        return "Revocation lists are published when they are due."

    return look


def registrar(wiring: Wiring, tokens: Tokens, stack: ExitStack) -> Round:
    """Issues what was approved and not issued, and ends applications whose time is over."""
    desk = stack.enter_context(wiring.open_registration("jobs-registration", module=tokens.get))

    def look() -> str:
        finished = desk.finish_all()
        withdrawn, erased = desk.tidy(by="jobs")
        return (
            f"{len(finished)} approved applications were finished, {len(withdrawn)} withdrawn that nobody "
            f"decided on, {len(erased)} erased whose time was over."
        )

    return look


def _settler(wiring: Wiring, tokens: Tokens, stack: ExitStack) -> Round:
    database = stack.enter_context(wiring.open_database())
    recorder = stack.enter_context(wiring.open_recorder("jobs-issuance", database=database))
    issuance = stack.enter_context(
        wiring.open_issuance(database=database, recorder=recorder, module=tokens.get)
    )

    clock = wiring.open_clock()

    def settle() -> str:
        from trustworks.issuance.enrolment.cmp import confirmations  # noqa: PLC0415 - as above

        closed = issuance.settle(by="jobs")
        expired = confirmations.expire(issuance, database, recorder, clock.now().utc, by="jobs")
        return (
            f"{len(closed)} issuances that a crash left open were closed, {len(expired)} certificates that "
            "were not confirmed in time were revoked."
        )

    return settle


def _validator(wiring: Wiring, stack: ExitStack) -> Round:
    database = stack.enter_context(wiring.open_database())
    recorder = stack.enter_context(wiring.open_recorder("jobs-acme", database=database))
    queue = stack.enter_context(wiring.open_validation(database=database, recorder=recorder))

    def validate() -> str:
        queue.round()
        return "Challenges of ACME are validated when clients are ready."

    return validate


def _revoker(wiring: Wiring, tokens: Tokens, stack: ExitStack) -> Round:
    from datetime import UTC, datetime  # noqa: PLC0415

    from trustworks.issuance.rules.revocation_requests import is_overdue  # noqa: PLC0415

    issuance = stack.enter_context(wiring.open_issuance("jobs-revocation", module=tokens.get))
    told = Troubles(log, begun="revocation.overdue", over="revocation.in-time-again")

    def look() -> str | TaskState:
        try:
            done = issuance.requests.carry_out_due()
        finally:  # what one request fails for is told by the exception, and holds up nothing else
            issuance.lost_keys.finish()
        waiting = issuance.requests.list(state="pending")
        overdue = [one.id for one in waiting if is_overdue(one, datetime.now(UTC))]
        if overdue:
            told.failed("requests", ",".join(overdue), requests=overdue)
        else:
            told.ended("requests")
        late = f" {len(overdue)} are overdue: trustworks revocation list." if overdue else ""
        return f"{len(done)} requests carried out, {len(waiting)} wait.{late}"

    return look


def _alarms(wiring: Wiring, stack: ExitStack) -> Round:
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415

    from trustworks.app.health import alarms  # noqa: PLC0415
    from trustworks.core.handover import hand_over  # noqa: PLC0415

    settings = wiring.config.alarms
    database = stack.enter_context(wiring.open_database())
    attempts = alarms.Attempts()
    began = time.monotonic()
    told = alarms.Alarms(
        wiring.state_dir / "alarms.json",
        partial(hand_over, settings.command),
        provider=wiring.config.provider.name,
        again=timedelta(hours=settings.again_hours),
    )

    def look() -> str | TaskState:
        now = datetime.now(UTC)
        found = alarms.unwell(wiring.config.http)
        if time.monotonic() - began < START_PATIENCE:
            found.pop("workers", None)  # they are starting as we are
        with database.read() as connection:
            refused = attempts.types(connection, now)
        if (access := alarms.irregular(refused, limit=settings.refusals)) is not None:
            found["access"] = access
        problem = told.look(found, now=now)
        if problem is not None:
            return TaskState(code="alarms.not-told", sentence=f"Nobody is told of alarms: {problem}.")
        return f"Raised: {', '.join(told.raised)}." if told.raised else "No alarm."

    return look


def _roller(wiring: Wiring, tokens: Tokens, stack: ExitStack) -> Round:
    from trustworks.app.rollover.responder import ResponderRollover  # noqa: PLC0415 - loads the services
    from trustworks.core.time import any_time  # noqa: PLC0415 - as above

    settings = wiring.issuance_settings
    if settings.ocsp.certificate is None:
        raise Unavailable(
            "ocsp.no-signer", "[issuance.ocsp] certificate names no file, so nothing is replaced."
        )
    database = stack.enter_context(wiring.open_database())
    recorder = stack.enter_context(wiring.open_recorder("jobs-rollover", database=database))
    rollover = ResponderRollover(
        wiring.config.rollover,
        settings,
        file=wiring.base / settings.ocsp.certificate,
        issuance=stack.enter_context(
            wiring.open_issuance(database=database, recorder=recorder, module=tokens.get)
        ),
        module=stack.enter_context(wiring.open_module("services", read_write=True, any_state=True)),
        database=database,
        recorder=recorder,
    )
    clock = wiring.open_clock()
    return lambda: rollover.round(any_time(clock).utc)


def _notifier(wiring: Wiring, stack: ExitStack) -> Round:
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415

    from trustworks.issuance.notices.ending import tell_of_ending  # noqa: PLC0415 - as above
    from trustworks.issuance.records import notices as records  # noqa: PLC0415

    database = stack.enter_context(wiring.open_database())
    recorder = stack.enter_context(wiring.open_recorder("jobs-notices", database=database))
    delivery = stack.enter_context(wiring.open_delivery(database=database, recorder=recorder))
    api = wiring.issuance_settings.api
    looked = [-ENDING_EVERY]

    def tell() -> str | TaskState:
        if api is not None and time.monotonic() - looked[0] >= ENDING_EVERY:
            now = datetime.now(UTC)
            while tell_of_ending(database, now, days=api.webhooks.expiring_days):
                pass
            with database.begin() as connection:
                records.forget_notices(connection, now - timedelta(days=api.webhooks.kept_days))
            looked[0] = time.monotonic()
        delivery.round()
        problem = delivery.problem
        if problem is not None:
            return TaskState(
                code="notices.subjects", sentence=f"Subjects are not told of changes of status: {problem}."
            )
        return "Subjects and webhooks are told what happens."

    return tell


def _prober(tokens: Tokens, token: str, stack: ExitStack) -> Round:
    del stack
    module = tokens.get(token)

    def probe() -> str:
        found = module.health()
        if not found.ok:
            raise Unavailable("module.unwell", "; ".join(found.findings))
        return f"The token {token} signed and verified in {round(found.latency_us or 0)} µs."

    return probe
