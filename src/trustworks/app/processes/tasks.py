"""The tasks of the jobs process: what each does in one round, and how often."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from trustworks.app.health.heartbeat import TaskState
from trustworks.app.processes import dossiers, evidence, rolling
from trustworks.app.processes.checkpoints import checkpoints
from trustworks.app.processes.jobs import Task
from trustworks.app.processes.rounds import Tokens, each
from trustworks.app.web.checks import CLOCK_TASK
from trustworks.core.errors import Unavailable
from trustworks.core.troubles import Troubles

if TYPE_CHECKING:
    import threading
    from contextlib import ExitStack

    from trustworks.app.processes.rounds import Round
    from trustworks.app.wiring import Wiring

CRL_LOOK = (
    5.0  # seconds between two looks whether a list is due; a revocation is on a list after about this time
)
PROBE_EVERY = 60.0
SETTLE_EVERY = 60.0
DEVICES_EVERY = 600.0  # seconds between two looks at the certification of devices
REGISTRATION_EVERY = 600.0  # seconds between two looks at applications that wait, or whose time is over
VALIDATE_EVERY = 0.5  # seconds between two looks whether a challenge of ACME waits for its validation
PERSPECTIVES_EVERY = 60.0
START_PATIENCE = 60.0  # seconds after the start until workers that do not answer yet are told of
REQUESTS_EVERY = 10.0  # seconds between two looks at requests for revocation
NOTICES_EVERY = 1.0  # seconds between two looks whether somebody is to be told something
LISTS_LOOK = 60.0  # seconds between two looks whether the trusted lists are due
TIDY_EVERY = 600.0  # seconds between two looks at the size of the cache of evidence
ENDING_EVERY = 60.0  # seconds between two looks for certificates that end soon
OWN_LIST_EVERY = 60.0  # seconds between two looks whether our own trusted list is due

log = structlog.get_logger(__name__)


def tasks(wiring: Wiring, stop: threading.Event) -> list[Task]:
    """The tasks that the configuration asks for."""
    config = wiring.config
    found: list[Task] = []
    tokens = Tokens(wiring)
    if config.time.mode == "enforce":
        found.append(Task(CLOCK_TASK, 1.0, partial(_collect, wiring, stop)))
    if config.tokens.audit is not None:
        found.append(checkpoints(wiring, tokens))
    if config.issuance is not None and config.tokens.issuing is not None:
        found.append(
            each("crl", CRL_LOOK, partial(_publisher, wiring, tokens), watch=tokens.watch("issuing"))
        )
    if config.issuance is not None:
        found.append(each("issuance", SETTLE_EVERY, partial(_settler, wiring, tokens)))
        found.append(each("registration", REGISTRATION_EVERY, partial(registrar, wiring, tokens)))
        found.append(each("devices", DEVICES_EVERY, partial(devices, wiring)))
        found.append(each("revocation", REQUESTS_EVERY, partial(_revoker, wiring, tokens)))
        found.append(each("notices", NOTICES_EVERY, partial(_notifier, wiring)))
    if config.issuance is not None and config.issuance.trusted_list is not None:
        found.append(
            each(
                "trusted-list",
                OWN_LIST_EVERY,
                partial(_lister, wiring, tokens),
                watch=tokens.watch("services"),
            )
        )
    found += _rollovers(wiring, tokens)
    if config.issuance is not None and config.issuance.acme is not None:
        found.append(each("acme", VALIDATE_EVERY, partial(_validator, wiring)))
    if config.issuance is not None and config.issuance.perspectives:
        found.append(each("perspectives", PERSPECTIVES_EVERY, partial(perspectives, wiring)))
    if config.validation is not None:
        found += _validations(wiring)
    found += _watching(wiring)
    found += [
        each(
            f"module.{token}",
            min(PROBE_EVERY, config.module.look_every),
            partial(_prober, tokens, token),
            watch=tokens.watch(token),
        )
        for token in probed(wiring)
    ]
    return found


def probed(wiring: Wiring) -> list[str]:
    """The tokens that the jobs sign with, by their names."""
    config = wiring.config
    used = {"issuing": True, "audit": True, "services": False, "tsu": False}
    used["services"] = config.issuance is not None and (
        "ocsp" in config.rollover.unattended or config.issuance.trusted_list is not None
    )
    used["tsu"] = config.timestamping is not None and "tsu" in config.rollover.unattended
    return [name for name, signs in used.items() if signs and getattr(config.tokens, name) is not None]


def _rollovers(wiring: Wiring, tokens: Tokens) -> list[Task]:
    """Those that replace keys; an authority's next generation is prepared wherever there is one."""
    config = wiring.config
    every = config.rollover.look_every
    found = []
    if config.issuance is not None and "ocsp" in config.rollover.unattended:
        found.append(each("rollover", every, partial(rolling.responder, wiring, tokens)))
    if config.timestamping is not None and "tsu" in config.rollover.unattended:
        found.append(each("rollover.tsu", every, partial(rolling.units, wiring, tokens)))
    if config.issuance is not None and config.tokens.issuing is not None:
        found.append(each("rollover.authority", every, partial(rolling.authority, wiring, tokens)))
    return found


def _watching(wiring: Wiring) -> list[Task]:
    """Those that look after the installation, and tell people."""
    config = wiring.config
    found = []
    if config.integrity.manifest is not None:
        found.append(each("integrity", config.integrity.look_every, partial(_integrity, wiring)))
    if config.alarms.command:
        found.append(each("alarms", config.alarms.look_every, partial(_alarms, wiring)))
    found.append(each("dossier", dossiers.LOOK, partial(dossiers.maker, wiring)))
    found.append(
        each(
            "evidence",
            min(evidence.LOOK, config.assurance.evidence_every),
            partial(evidence.collector, wiring),
        )
    )
    return found


def _validations(wiring: Wiring) -> list[Task]:
    """Those of the validation of signatures."""
    from trustworks.app.processes import lists  # noqa: PLC0415 - where it is configured

    settings = wiring.validation_settings
    found = [each("evidence-cache", TIDY_EVERY, partial(lists.tidier, wiring))]
    if settings.lists is not None:
        found.append(each("trusted-lists", LISTS_LOOK, partial(lists.refresher, wiring)))
    return found


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


def _lister(wiring: Wiring, tokens: Tokens, stack: ExitStack) -> Round:
    """Issues our own trusted list and list of lists when something changed or a next update comes near."""
    database = stack.enter_context(wiring.open_database())
    recorder = stack.enter_context(wiring.open_recorder("jobs-trusted-list", database=database))
    lists = wiring.trusted_lists(database=database, clock=wiring.open_clock(), recorder=recorder)
    settings = wiring.trusted_list_settings

    def look() -> str:
        due = lists.due()
        if due is not None:
            lists.issue(lists.signer(tokens.get("services").key(settings.key)), by="jobs")
        found = lists.newest()
        if found is None:
            return "No trusted list was published yet."
        return (
            f"Trusted list {found[0].number} is in force; the next is due before "
            f"{found[0].next_update:%Y-%m-%d %H:%M} UTC."
        )

    return look


def registrar(wiring: Wiring, tokens: Tokens, stack: ExitStack) -> Round:
    """Issues what was approved and not issued, and ends applications whose time is over."""
    desk = stack.enter_context(wiring.open_registration("jobs-registration", module=tokens.get))

    def look() -> str:
        try:
            finished = desk.finish_all()
        finally:  # what one application fails for is told by the exception, and keeps no personal data
            withdrawn, erased = desk.tidy(by="jobs")
        return (
            f"{len(finished)} approved applications were finished, {len(withdrawn)} withdrawn that nobody "
            f"decided on, {len(erased)} erased whose time was over."
        )

    return look


def devices(wiring: Wiring, stack: ExitStack) -> Round:
    """Tells of devices whose certification is over or ends soon while valid certificates stand on it."""
    from trustworks.issuance.registration.products import watched  # noqa: PLC0415 - as above

    database = stack.enter_context(wiring.open_database())
    clock = wiring.open_clock()

    def look() -> str | TaskState:
        with database.read() as connection:
            found = watched(connection, wiring.issuance_settings.registration, clock.now().utc)
        if found.ended:
            return TaskState(code="devices.uncertified", sentence=" ".join((*found.ended, *found.soon)))
        return " ".join(found.soon) or "Every device that certificates stand on is certified for a while."

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


def perspectives(wiring: Wiring, stack: ExitStack) -> Round:
    """Asks the remote perspectives whether they answer: with too few nothing is issued for web sites."""
    from datetime import UTC, datetime  # noqa: PLC0415

    from trustworks.core.errors import Refused  # noqa: PLC0415
    from trustworks.issuance.enrolment.perspectives.client import corroboration_of  # noqa: PLC0415

    del stack
    asked = corroboration_of(wiring.issuance_settings.perspectives, lab=wiring.lab)

    def look() -> str | TaskState:
        seen = asked.answering()
        away = [f"{one.name}: {one.objection}" for one in seen if one.objection is not None]
        told = f"{len(seen) - len(away)} of {len(seen)} perspectives answer.{' '.join(['', *away])}"
        try:
            asked.check_answering(seen, datetime.now(UTC).date())
        except Refused:
            return TaskState(code="perspectives.away", sentence=f"Too few for domains of web sites: {told}")
        except Unavailable as error:
            return TaskState(code=error.code, sentence=str(error))
        return told

    return look


def _alarms(wiring: Wiring, stack: ExitStack) -> Round:
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415

    from trustworks.app.health import alarms  # noqa: PLC0415
    from trustworks.app.rollover import due  # noqa: PLC0415
    from trustworks.app.rollover.due import FOLDER  # noqa: PLC0415
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
            scheduled = due.schedule(wiring.config, connection, due_at=now)
        requests = due.waiting_requests(wiring.state_dir / FOLDER)
        if (keys := due.left_to_people(scheduled, now, requests)) is not None:
            found["keys"] = alarms.Finding(code="keys.due", sentence=keys)
        if (access := alarms.irregular(refused, limit=settings.refusals)) is not None:
            found["access"] = access
        problem = told.look(found, now=now)
        if problem is not None:
            return TaskState(code="alarms.not-told", sentence=f"Nobody is told of alarms: {problem}.")
        return f"Raised: {', '.join(told.raised)}." if told.raised else "No alarm."

    return look


def _notifier(wiring: Wiring, stack: ExitStack) -> Round:
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415

    from trustworks.issuance.notices.ending import tell_of_ending  # noqa: PLC0415 - as above
    from trustworks.issuance.records import notices as records  # noqa: PLC0415
    from trustworks.issuance.records.clients import forget_requests  # noqa: PLC0415 - as above

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
                forget_requests(connection, now - timedelta(hours=api.idempotency_hours))
            looked[0] = time.monotonic()
        delivery.round()
        problem = delivery.problem
        if problem is not None:
            return TaskState(
                code="notices.subjects", sentence=f"Subjects are not told of changes of status: {problem}."
            )
        return "Subjects and webhooks are told what happens."

    return tell


def _integrity(wiring: Wiring, stack: ExitStack) -> Round:
    """Compares what is installed with what was signed; the supervisor did so at the start.

    What differs is told by the check `integrity`, and so raises its alarm; this task is well all the same.
    """
    from trustworks.app.wiring.installed import examine  # noqa: PLC0415 - where it is configured
    from trustworks.assurance.integrity import standing as module  # noqa: PLC0415 - as above

    recorder = stack.enter_context(wiring.open_recorder("jobs-integrity"))
    begun: list[module.Standing] = []

    def look() -> str:
        found = examine(wiring) if begun else module.read(wiring.run_dir)
        if found is None:
            raise Unavailable("integrity.unknown", "No manifest is named any more.")
        begun[:] = [found]
        module.write(wiring.run_dir, found)
        recorder.record(module.event_of(found, actor="jobs"))
        if not found.ok:
            log.error("integrity.differs", reason=found.sentence)
        return "What is installed is compared with what was signed."

    return look


def _prober(tokens: Tokens, token: str, stack: ExitStack) -> Round:
    del stack
    module = tokens.get(token)

    def probe() -> str:
        found = module.health()
        if not found.ok:
            raise Unavailable("module.unwell", "; ".join(found.findings))
        return f"The token {token} signed and verified in {round(found.latency_us or 0)} µs."

    return probe
