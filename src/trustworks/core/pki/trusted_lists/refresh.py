"""Renews the lists of a store: each new one is checked whole, and replaces the kept copy, or not."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from trustworks.core.durable import put
from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.pki.trusted_lists.authenticate import (
    EU,
    LOTL_FAILED,
    LOTL_OVERDUE,
    Authenticated,
    OfficialJournal,
    authenticate_list_of_lists,
    authenticate_trusted_list,
    is_list_of_lists,
    overdue,
    pointer_to,
)
from trustworks.core.pki.trusted_lists.markup import DEFAULT_LIMITS, Limits
from trustworks.core.pki.trusted_lists.store import (
    Entry,
    State,
    kept_list,
    list_file,
    put_list,
    read_state,
    write_state,
)
from trustworks.core.pki.trusted_lists.uris import XML_LIST
from trustworks.core.trace import implements
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from trustworks.core.pki.trusted_lists.authenticate import Fetch
    from trustworks.core.pki.trusted_lists.model import TrustedList

_NotHad = Unavailable | Rejected | Malformed

NOT_REPLACED: Final = "LIST_NOT_REPLACED"

_TERRITORY: Final = re.compile("[A-Z]{2}")  # names a file, too
_AT_ONCE: Final = 8  # lists that are fetched at the same time, from as many countries


class Result(StrEnum):
    """What a refresh did with one list."""

    NEW = "new"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    """The new one is bad, or could not be had; the good copy stays."""
    MISSING = "missing"
    """There is no good copy, and none came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one list, and why, in words."""

    territory: str
    result: Result
    sequence_number: int = 0
    sub_status: tuple[str, ...] = ()
    words: str = ""


def refresh(
    directory: Path,
    journal: OfficialJournal | None,
    fetch: Fetch,
    at: datetime,
    *,
    progress: Callable[[str, int], None] = lambda territory, total: None,  # noqa: ARG005
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[Outcome, ...]:
    """Fetch all lists, check each, and keep what is good. The outcomes, the list of lists first.

    `journal` is what the operator configures; without it the store's own is used, which a list of lists may
    have brought up to date. `progress` is told each territory and how many there are. Raises `Malformed`
    where neither is given, or the store is damaged; `Unavailable` where it cannot be written.

    One refresh of a store runs at a time, another waits. One that ends early has changed nothing.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        held = os.open(directory, os.O_RDONLY)
    except OSError as error:
        raise Unavailable("trust.store", f"{directory} cannot be made: {error.strerror}.") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        return _refreshed(directory, journal, fetch, at, progress=progress, limits=limits)
    finally:
        os.close(held)


def _refreshed(
    directory: Path,
    journal: OfficialJournal | None,
    fetch: Fetch,
    at: datetime,
    *,
    progress: Callable[[str, int], None],
    limits: Limits,
) -> tuple[Outcome, ...]:
    state, _ = read_state(directory)
    configured = journal or state.journal
    if configured is None:
        raise Malformed(
            "The store does not know whom to believe. Name the certificates that the Official Journal "
            "publishes for the list of lists with --anchor."
        )
    lists: dict[str, TrustedList] = {}
    entries: list[Entry] = []
    outcomes: list[Outcome] = []

    def take(
        location: str, territory: str, found: Authenticated, by: TrustedList | None = None
    ) -> Authenticated:
        before = _kept(directory, state.entry(territory), by, limits)
        entry, outcome, used = _taken(directory, before, (territory, location), found, at)
        entries.append(entry)
        outcomes.append(outcome)
        if used.list is not None:
            lists[territory] = used.list
        return used

    progress(EU, 0)
    lotl = take(configured.location, EU, authenticate_list_of_lists(configured, fetch, at, limits))
    if lotl.list is not None and overdue(lotl.list.scheme, at):
        # The copy that is kept has grown too old in the meantime (PRO-4.1.4-13).
        lotl = Authenticated(status=LOTL_FAILED, sub_status=(LOTL_OVERDUE,), words=lotl.words)
    renewed = lotl.journal or configured
    countries = _countries(lotl, state)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        coming = {
            one: threads.submit(_fetched, fetch, location) for one, location in countries.items() if location
        }
        for country, location in countries.items():
            progress(country, len(countries))
            got = coming[country].result() if country in coming else None
            take(
                location,
                country,
                authenticate_trusted_list(country, lotl, _given(got), at, limits),
                lotl.list,
            )
    write_state(
        directory,
        State(
            publication=renewed.publication,
            location=renewed.location,
            certificates=tuple(one.hex() for one in renewed.certificates),
            entries=tuple(entries),
        ),
        lists,
    )
    return tuple(outcomes)


def _countries(lotl: Authenticated, state: State) -> dict[str, str]:
    """The territories that the list of lists points to, with their addresses; else those of the store."""
    if lotl.list is None:
        return {one.territory: "" for one in state.entries if one.territory != EU}
    found = {
        one.territory: one.location
        for one in reversed(lotl.list.scheme.pointers)
        if one.mime_type == XML_LIST
        and one.territory != EU
        and not is_list_of_lists(one.type)
        and _TERRITORY.fullmatch(one.territory)
    }
    return dict(sorted(found.items()))


def _fetched(fetch: Fetch, location: str) -> bytes | _NotHad:
    try:
        return fetch(location)
    except (Unavailable, Rejected, Malformed) as error:
        return error


def _given(got: bytes | _NotHad | None) -> Fetch:
    def give(address: str) -> bytes:
        if got is None:
            raise Unavailable("trust.list", f"{address} was not asked for.")
        if isinstance(got, bytes):
            return got
        raise got

    return give


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """The good copy of a list with its entry, or why there is none."""

    entry: Entry | None = None
    list: TrustedList | None = None
    problem: str = ""


def _kept(directory: Path, entry: Entry | None, by: TrustedList | None, limits: Limits) -> _Kept:
    if entry is None or not entry.kept:
        return _Kept()
    if by is not None and not still_pinned(by, entry):
        return _Kept(problem="The list of lists no longer names who signed the copy that was kept.")
    try:
        return _Kept(entry=entry, list=kept_list(directory, entry, limits)[0])
    except Malformed as error:
        return _Kept(problem=str(error))


def _taken(
    directory: Path, kept: _Kept, place: tuple[str, str], found: Authenticated, at: datetime
) -> tuple[Entry, Outcome, Authenticated]:
    """What is kept of one list from now on, and what is used of it."""
    territory, location = place
    words = " ".join(found.words)
    if found.list is not None:
        words = replaces(found.list, kept.list, at)
        if not words:
            unchanged = kept.list is not None and kept.list.sha256 == found.list.sha256
            if not unchanged:
                _keep(directory, territory, found)
            fetched = kept.entry.fetched if unchanged and kept.entry is not None else at
            entry = _entry(location, territory, found, found.list, at).model_copy(update={"fetched": fetched})
            return entry, _outcome(entry, Result.UNCHANGED if unchanged else Result.NEW), found
    sub_status = found.sub_status or (NOT_REPLACED,)
    if kept.list is None or kept.entry is None:
        entry = Entry(
            territory=territory,
            location=location,
            tried=at,
            sub_status=sub_status,
            problem=" ".join(one for one in (words, kept.problem) if one),
        )
        return entry, _outcome(entry, Result.MISSING), found
    entry = kept.entry.model_copy(update={"tried": at, "sub_status": sub_status, "problem": words})
    used = replace(found, sub_status=sub_status, list=kept.list, words=(words,))
    return entry, _outcome(entry, Result.KEPT), used


def _entry(location: str, territory: str, found: Authenticated, read: TrustedList, at: datetime) -> Entry:
    return Entry(
        territory=territory,
        location=location,
        sha256=read.sha256.hex(),
        size=read.size,
        sequence_number=read.scheme.sequence_number,
        issued=read.scheme.issued,
        next_update=read.scheme.next_update,
        signer_sha256=hashlib.sha256(found.signer).hexdigest(),
        seen=at,
        tried=at,
        sub_status=found.sub_status,
    )


def _outcome(entry: Entry, result: Result) -> Outcome:
    return Outcome(
        territory=entry.territory,
        result=result,
        sequence_number=entry.sequence_number,
        sub_status=entry.sub_status,
        words=entry.problem,
    )


@implements("TS119612:5.3.2", "TS119612:5.3.15", disabled="")
def replaces(new: TrustedList, kept: TrustedList | None, at: datetime) -> str:
    """Why a new list must not replace the one that is kept; empty where it may (TS 119 612, 5.3.2, 5.3.15).

    Sequence numbers only grow. A list whose next update is overdue is no better than a kept one that is not:
    who shows an old one again must not win by it.
    """
    if kept is None or new.sha256 == kept.sha256:
        return ""
    if new.scheme.sequence_number < kept.scheme.sequence_number:
        return (
            f"The new list has sequence number {new.scheme.sequence_number}, before the "
            f"{kept.scheme.sequence_number} of the one that is kept."
        )
    if new.scheme.issued < kept.scheme.issued:
        return f"The new list was issued on {new.scheme.issued:%Y-%m-%d %H:%M}, before the one that is kept."
    if overdue(new.scheme, at) and not overdue(kept.scheme, at):
        return (
            f"The next update of the new list was due on {new.scheme.next_update:%Y-%m-%d}, "
            "while the one that is kept still holds."
        )
    return ""


def _keep(directory: Path, territory: str, found: Authenticated) -> None:
    try:
        put_list(directory, territory, found.octets)
        for place, pivot in enumerate(found.pivots, 1):
            put(list_file(directory, f"{territory}-pivot-{place}"), pivot)
    except OSError as error:
        raise Unavailable("trust.store", f"{directory} cannot be written: {error.strerror}.") from error


@implements("TS119615:PRO-4.2.4-05", disabled=True)
def still_pinned(lotl: TrustedList, entry: Entry) -> bool:
    """Whether the signer of a kept list is still among those that the list of lists names."""
    pointer = pointer_to(lotl.scheme.pointers, entry.territory)
    return pointer is not None and any(
        hashlib.sha256(one.der).hexdigest() == entry.signer_sha256 for one in pointer.certificates
    )
