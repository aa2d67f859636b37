"""What the jobs do for validation: trusted lists renewed by the clock, the cache of evidence kept small."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

from trustworks.app.health.heartbeat import TaskState
from trustworks.core.pki.trusted_lists.authenticate import EU
from trustworks.core.pki.trusted_lists.refresh import Result, refresh
from trustworks.core.pki.trusted_lists.store import read_state
from trustworks.validation import events
from trustworks.validation.gathering import lists as gathering

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import ExitStack

    from trustworks.app.processes.rounds import Round
    from trustworks.app.wiring import Wiring
    from trustworks.app.wiring.own_lists import OwnLists
    from trustworks.core.audit import Event, Recorder
    from trustworks.core.pki.trusted_lists.authenticate import Fetch, OfficialJournal
    from trustworks.core.pki.trusted_lists.refresh import Outcome
    from trustworks.core.pki.trusted_lists.store import State
    from trustworks.core.store import Database
    from trustworks.validation.config import ListsSettings, ValidationSettings

_AGAIN: Final = timedelta(minutes=15)
"""After a look that failed, the next one comes sooner than others."""


def refresher(wiring: Wiring, stack: ExitStack) -> Round:
    """Renews the trusted lists; each change and each failure that is new is an event."""
    settings = wiring.validation_settings
    lists = settings.lists
    assert lists is not None  # noqa: S101 - the task is there where there are lists
    database = stack.enter_context(wiring.open_database())
    recorder = stack.enter_context(wiring.open_recorder("jobs-trusted-lists", database=database))
    own = _own_lists(wiring, lists, database)
    fetch = fetch_of(settings, lists) if own is None else own

    last: list[str | TaskState] = ["The trusted lists are looked at when they are due."]

    def look() -> str | TaskState:
        before, _ = read_state(lists.store)
        if is_due(before, lists, datetime.now(UTC)) or (own is not None and own.have_changed(before)):
            last[0] = told(_renew(lists, fetch, recorder))
        return last[0]

    return look


def take_own(wiring: Wiring, database: Database, recorder: Recorder) -> None:
    """Let our own validator have the provider's own lists in force, where [validation.lists] names them.

    Raises `Malformed` for anchors or a store that cannot be read, `Unavailable` where it cannot be written.
    """
    lists = None if wiring.config.validation is None else wiring.validation_settings.lists
    own = None if lists is None else _own_lists(wiring, lists, database)
    if lists is not None and own is not None and own.have_changed(read_state(lists.store)[0]):
        _renew(lists, own, recorder)


def _own_lists(wiring: Wiring, lists: ListsSettings, database: Database) -> OwnLists | None:
    """The provider's own lists, where it is those that [validation.lists] names."""
    issuance = None if lists.source is not None else wiring.config.issuance
    if issuance is None or issuance.trusted_list is None:
        return None
    from trustworks.app.wiring.own_lists import OwnLists  # noqa: PLC0415 - where it is configured

    own = OwnLists(database, wiring.public_url, issuance.country)
    return own if lists.url == own.location else None


def _renew(lists: ListsSettings, fetch: Fetch, recorder: Recorder) -> tuple[Outcome, ...]:
    """Fetch the lists, keep what is good, and tell the audit log what changed."""
    before, _ = read_state(lists.store)
    outcomes = refresh(lists.store, journal_of(lists), fetch, datetime.now(UTC))
    after, _ = read_state(lists.store)
    for event in events_of(before, after, outcomes):
        recorder.record(event)
    return outcomes


def is_due(state: State, lists: ListsSettings, now: datetime) -> bool:
    """Whether the lists are to be looked at: their time has come, they failed, or others are configured."""
    if lists.anchors and state.location != lists.url and not gathering.is_kept(state):
        return True
    return gathering.is_due(state, now, every=timedelta(hours=lists.every_hours), again=_AGAIN)


def tidier(wiring: Wiring, stack: ExitStack) -> Round:
    """Keeps the cache of evidence within its limit."""
    from trustworks.validation.gathering.fetching import Cache  # noqa: PLC0415 - where it is configured

    del stack
    fetch = wiring.validation_settings.fetch

    def look() -> str:
        if fetch.cache is None:
            return "No evidence is kept."
        removed = Cache(fetch.cache, fetch.cache_octets).tidy()
        return f"{removed} answers were removed that no longer count, or for which there was no room."

    return look


def journal_of(lists: ListsSettings) -> OfficialJournal | None:
    """Whom the list of lists is believed by, where the configuration says it; else the store knows.

    Raises `Malformed` for files that hold no certificate.
    """
    return gathering.journal(lists.anchors, lists.url, lists.publication) if lists.anchors else None


def fetch_of(settings: ValidationSettings, lists: ListsSettings) -> Fetch:
    """Where lists come from: a folder, or the network within the same bounds as evidence."""
    networks = [ip_network(one) for one in settings.fetch.networks]
    pairs = (one.partition("=") for one in settings.fetch.hosts)
    hosts = {name.lower(): address for name, _, address in pairs}
    return gathering.fetch_from(lists.source, networks, hosts)


def events_of(before: State, after: State, outcomes: Iterable[Outcome]) -> Iterator[Event]:
    """What the audit log is told: a list that changed, one that fails for a new reason, one well again."""
    for outcome in outcomes:
        old, new = before.entry(outcome.territory), after.entry(outcome.territory)
        failed_before = "" if old is None else old.problem
        if outcome.result is Result.NEW and new is not None:
            yield events.list_changed(
                outcome.territory, sequence_number=new.sequence_number, sha256=new.sha256
            )
        if outcome.result in {Result.KEPT, Result.MISSING}:
            if outcome.words != failed_before or old is None:
                yield events.list_failed(outcome.territory, reason=outcome.words)
        elif failed_before:
            yield events.list_well(outcome.territory)


def told(outcomes: Iterable[Outcome]) -> str | TaskState:
    """What the heartbeat tells. Only a list of lists that is not to be believed is a failure."""
    found = list(outcomes)
    bad = [one for one in found if one.result in {Result.KEPT, Result.MISSING}]
    first = next((one for one in bad if one.territory == EU), None)
    if first is not None:
        return TaskState(code="lists.failed", sentence=f"The list of lists was not renewed: {first.words}")
    failing = f" Not renewed: {', '.join(one.territory for one in bad)}." if bad else ""
    changed = [one.territory for one in found if one.result is Result.NEW]
    return f"{len(found)} trusted lists looked at, {len(changed)} of them changed.{failing}"
