"""The checks behind `/healthz`: one function for each resource that the services stand on."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from trustworks.app.configuration.laboratory import is_software
from trustworks.app.health import heartbeat
from trustworks.app.health import supervised as told
from trustworks.app.health.findings import Well
from trustworks.app.web import terms
from trustworks.core.errors import Unavailable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustworks.app.configuration.config import Config
    from trustworks.app.opening import Opening
    from trustworks.app.web.services import Services
    from trustworks.core.module import Module
    from trustworks.core.time import Clock

LEAST_FREE = 64 << 20  # octets on the disk of the state; below, the next record may be the last

LABORATORY = (
    "Laboratory",
    "Nothing that is issued here has any legal effect. Every name says TEST, and the territory is fictional.",
)
TEST_MODULE = (
    "Test module",
    "The keys are in a software module that protects them against nobody who can read this machine's disk.",
)
LAB_CLOCK = (
    "Unchecked clock",
    "Nobody proves that this clock is right. Time-stamps carry a laboratory policy, and none is qualified.",
)
CLOCK_CODES = "clock."  # what every code of a clock that gives no time begins with
FAILURES_IN_A_ROW = 10
FAILING_FOR = timedelta(minutes=1)
CLOCK_TASK = "clock"  # the task that collects the clock's reasons


@implements("TRUSTWORKS:APP-BANNER", disabled=())
def banners(config: Config) -> tuple[tuple[str, str], ...]:
    """What every reader must be told first."""
    found = [LABORATORY] if config.provider.lab else []
    if is_software(config.provider, config.module):
        found.append(TEST_MODULE)
    if config.time.mode == "lab":
        found.append(LAB_CLOCK)
    return tuple(found)


def of(services: Services) -> dict[str, Callable[[], Well]]:
    """The checks of a worker, by the name of the resource."""
    config = services.wiring.config
    found: dict[str, Callable[[], Well]] = {
        "clock": partial(clock, services.clock),
        "store": partial(store, services),
        "audit": partial(audit, services),
        "disk": partial(disk, services),
        "certificates": partial(terms.standing, services),
        "keys": partial(terms.keys_due, services),
        "jobs": partial(jobs, services),
        "processes": partial(processes, services),
        "roles": partial(terms.roles, services),
    }
    if config.integrity.manifest is not None:
        found["integrity"] = partial(integrity, services)
    if config.timestamping is not None or config.issuance is not None:
        found["statements"] = partial(statements, services)
    if config.timestamping is not None:
        found["module.tsu"] = partial(module, services.tsu)
        found["timestamping"] = partial(pointing, partial(timestamping, services))
    if services.seals or config.issuance is not None:
        found["module.services"] = partial(module, services.ocsp_token)
    found |= _of_signatures(services)
    if services.has_console:
        found["console"] = partial(console, services)
    if config.issuance is not None:
        found["ocsp"] = partial(pointing, partial(ocsp, services))
        found["crl"] = partial(pointing, partial(crl, services))
        if services.issues:
            found["module.issuing"] = partial(module, services.issuing)
        found["key-lists"] = partial(key_lists, services)
        if config.issuance.protocols:
            found["enrolment"] = partial(enrolment, services)
    return found


def _of_signatures(services: Services) -> dict[str, Callable[[], Well]]:
    """The checks of validation and of signing."""
    config = services.wiring.config
    found: dict[str, Callable[[], Well]] = {}
    if config.validation is not None:
        found["validation"] = partial(validation, services)
        if config.validation.lists is not None:
            found["trusted-lists"] = partial(trusted_lists, services)
    if config.signing is not None:
        found["signing"] = partial(signing, services)
    return found


@implements("TRUSTWORKS:ASSURANCE-INTEGRITY-WATCHED", disabled=Well(sentence="Not looked at."))
def integrity(services: Services) -> Well:
    """Whether what is installed was what was signed when it was last looked at."""
    from trustworks.assurance.integrity.standing import read  # noqa: PLC0415 - where it is configured

    found = read(services.wiring.run_dir)
    if not found.ok:
        raise Unavailable("integrity.differs", found.sentence)
    return Well(
        sentence=found.sentence,
        detail={"manifest": found.manifest, "version": found.version, "build": found.build, "at": found.at},
    )


def pointing(check: Callable[[], Well]) -> Well:
    """What a check finds of a service that dates; a clock that gives no time is told at `clock` alone.

    Its reasons are long, and stand in nobody's way when they are told once.
    """
    try:
        return check()
    except Unavailable as error:
        if error.code.startswith(CLOCK_CODES):
            raise Unavailable(error.code, "The clock gives no time: see clock.") from None
        raise


def clock(given: Clock) -> Well:
    """Whether the clock gives time."""
    status = given.status()
    if not status.ok:
        raise Unavailable(status.code, status.reason)
    detail = {"mode": status.mode, "bound_us": status.bound_us, "lease": status.lease}
    return Well(sentence=status.reason, detail={k: v for k, v in detail.items() if v is not None})


def module(opening: Opening[Module]) -> Well:
    """Whether the token signs, and verifies what it signed."""
    opened = opening.get()
    found = opened.health()
    if not found.ok:
        raise Unavailable("module.unwell", "; ".join(found.findings))
    latency = round(found.latency_us or 0)
    sentence, detail = f"Signed and verified in {latency} µs.", {"latency_us": latency}
    if opened.attended is False:
        return Well(sentence=f"{sentence} It starts unattended.", detail=detail | {"unattended": True})
    return Well(sentence=sentence, detail=detail)


def store(services: Services) -> Well:
    """Whether the database answers with the schema of this version, and keeps what it acknowledges."""
    database = services.log.get().database
    database.ping()
    database.check_durable()  # a server's settings may change while it runs
    return Well(sentence=f"The database ({database.dialect}) answers and has the schema of this version.")


def audit(services: Services) -> Well:
    """Whether this worker's audit stream can be written."""
    recorder = services.log.get().recorder
    recorder.ping()
    return Well(sentence=f"Events go to the stream {recorder.stream}.", detail={"stream": recorder.stream})


def disk(services: Services) -> Well:
    """Whether there is room for records."""
    folder = services.wiring.base
    try:
        found = os.statvfs(folder)
    except OSError as error:
        raise Unavailable("disk.unreadable", f"{folder} cannot be looked at: {error.strerror}.") from None
    free = found.f_bavail * found.f_frsize
    check_room(folder, free)
    return Well(sentence=f"{free >> 30} GiB free.", detail={"free_bytes": free})


@implements("EN319411-1:OVR-6.5.6-02")
def check_room(folder: Path, free: int) -> None:
    """Refuse a disk on which the next record may be the last. Raises `Unavailable` (disk.full)."""
    if free < LEAST_FREE:
        raise Unavailable(
            "disk.full",
            f"The disk of {folder} has {free >> 20} MiB left. Make room before records cannot be written.",
        )


def timestamping(services: Services) -> Well:
    """Whether every time-stamping unit may issue, whose key ends soon, and which failed when last asked."""
    authority = services.timestamping.get().service
    authority.ping()
    status = authority.status()
    ends = {one["name"]: datetime.fromisoformat(one["key_ends"]) for one in status["units"]}
    soon = [
        f" The key of {name} may be used until {end:%Y-%m-%d}; prepare a new one."
        for name, end in ends.items()
        if end - datetime.now(UTC) < terms.EXPIRY_WARNING
    ]
    # One that failed is no reason to be unwell, nor are many for long: it takes a request to show that it is
    # over, and a balancer sends none to who is unwell.
    failures = {one["name"]: one["last_failure"] for one in status["units"] if one["last_failure"]}
    told = [
        f" {name} failed {one['in_a_row']} time(s) in a row, last at {one['time']} ({one['code']})"
        for name, one in failures.items()
    ]
    if any(_is_failing(one) for one in failures.values()):
        raise Unavailable(
            "timestamping.failing",
            f"Time-stamps fail:{';'.join(told)}. See the events of its type in `trustworks audit list`; in "
            "a minute a request may show whether that is over.",
        )
    failed = [f"{one}; the next request shows whether that is over." for one in told]
    return Well(sentence=f"Can issue: {', '.join(ends)}.{''.join(soon + failed)}", detail=status)


def _is_failing(failure: dict[str, Any]) -> bool:
    since = datetime.now(UTC) - datetime.fromisoformat(failure["time"])
    return failure["in_a_row"] >= FAILURES_IN_A_ROW and since < FAILING_FOR


def ocsp(services: Services) -> Well:
    """Whether the OCSP signer may sign."""
    services.status.get().responder.ping()
    return Well(sentence="The OCSP signer may sign.")


MOST_LISTS: Final = 100  # that are told one by one: there may be thousands of authorities


def crl(services: Services) -> Well:
    """Whether every authority's newest list may still be used."""
    from trustworks.issuance.status.crl import check_fresh, crl_states  # noqa: PLC0415

    lists = crl_states(
        services.wiring.issuance_settings, services.log.get().database, services.clock.now().utc
    )
    check_fresh(lists)
    due = "".join(
        f" A newer list of {one.scope.words} is due: trustworks crl publish --authority {one.authority}."
        for one in lists
        if one.overdue
    )
    whole = [one for one in lists if one.shard is None and not one.delta]
    shards = "" if len(lists) == len(whole) else f", and {len(lists) - len(whole)} lists of parts"
    told = ", ".join(f"{one.authority} {one.number}" for one in whole[:MOST_LISTS])
    more = f", and {len(whole) - MOST_LISTS} more" if len(whole) > MOST_LISTS else ""
    return Well(
        sentence=f"Fresh: {told}{more}{shards}.{due}",
        detail={one.scope.words: one.as_dict() for one in lists[:MOST_LISTS]},
    )


def key_lists(services: Services) -> Well:
    """How many weak and published keys are known by imported lists, and how old these are.

    None is no reason to serve nobody: which lists there are to have is for the operator to know.
    """
    from trustworks.issuance.records.key_lists import all_key_lists  # noqa: PLC0415

    with services.log.get().database.read() as connection:
        used = [one for one in all_key_lists(connection) if one.retired_at is None]
    if not used:
        return Well(sentence="No list of weak keys was imported: `trustworks certificate blocked import`.")
    newest, keys = max(one.dated_at for one in used), sum(one.entries for one in used)
    return Well(
        sentence=f"{keys} weak or published keys are known by {len(used)} list(s), the newest of "
        f"{newest:%Y-%m-%d}.",
        detail={one.id[:16]: f"{one.entries} of {one.dated_at:%Y-%m-%d}" for one in used[:MOST_LISTS]},
    )


def statements(services: Services) -> Well:
    """Which statements are published, and which say something else than the configuration.

    That is for the operator to see to, and no reason to serve nobody.
    """
    found = services.statements.get()
    return Well(sentence=" ".join(found) or "All are published as the configuration says.")


def enrolment(services: Services) -> Well:
    """Whether requests for certificates can be taken."""
    authority = services.enrolment.get()
    return Well(sentence=f"Takes requests by {', '.join(authority.settings.protocols)}.")


def validation(services: Services) -> Well:
    """Whether policies and trust anchors of the validation of signatures can be read."""
    desk = services.validation.get()
    trusted = desk.offer.trusted()
    if not trusted.trust.anchors:
        return Well(
            sentence="Nobody is trusted: no signature can pass. Set trust or lists in [validation].",
            detail={"policies": list(desk.offer.policies)},
        )
    return Well(
        sentence=f"Validates under {', '.join(desk.offer.policies)}.",
        detail={"policies": list(desk.offer.policies)},
    )


def signing(services: Services) -> Well:
    """Whether signatures can be made for clients, and with which seals."""
    settings = services.signing.get().settings
    seals = [one.name for one in settings.seals]
    return Well(
        sentence=f"Clients: {len(settings.clients)}; seals: {', '.join(seals) or 'none'}.",
        detail={"seals": seals},
    )


def trusted_lists(services: Services) -> Well:
    """Whether the trusted lists were renewed of late, and the list of lists is believed."""
    from trustworks.app.health.lists import check_lists  # noqa: PLC0415 - where it is configured

    settings = services.wiring.validation_settings.lists
    assert settings is not None  # noqa: S101 - asked for where there are lists
    return check_lists(settings, datetime.now(UTC))


def console(services: Services) -> Well:
    """Whether operators find their console."""
    services.console.get()
    return Well(sentence=f"Operators sign in at {services.wiring.config.roles.console_origin}/console.")


def jobs(services: Services) -> Well:
    """Whether the jobs process lives, and all its tasks are well."""
    found = heartbeat.read(services.wiring.run_dir)
    unwell = {name: state for name, state in found.tasks.items() if not state.ok}
    if unwell:
        waiting = [name for name, state in unwell.items() if waits_for_the_clock(name, state.code)]
        told = [f"{name}: {state.sentence}" for name, state in unwell.items() if name not in waiting]
        if waiting:
            told.append(f"Waiting for the clock (see clock): {', '.join(waiting)}.")
        raise Unavailable("jobs.unwell", " ".join(told))
    return Well(
        sentence=f"{len(found.tasks)} tasks, all well.",
        detail={name: state.sentence for name, state in found.tasks.items()},
    )


def waits_for_the_clock(task: str, code: str) -> bool:
    """Whether a task fails for want of time alone; what the clock's own task fails from is told there."""
    return task != CLOCK_TASK and code.startswith(CLOCK_CODES)


def processes(services: Services) -> Well:
    """Whether every process is up, and every listener takes connections."""
    states = told.read(services.wiring.run_dir)
    told.check(states)
    told.check_listeners(services.wiring.config.http)
    return Well(
        sentence=f"{len(states)} processes, all up.",
        detail={one.name: {"ready": one.ready, "deaths": one.deaths} for one in states},
    )
