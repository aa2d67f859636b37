"""What a list of ours must be before it is signed: pure, each refuses with a sentence.

Source: TS 119 612 V2.4.1, 5.3, 5.5 and 5.6; and our own promise that these lists are tests and look like it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Refused
from trustworks.core.pki.trusted_lists.territories import is_nobodys
from trustworks.core.trace import implements
from trustworks.issuance.trusted_list.contents import FOR_EVER, service_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trustworks.core.pki.trusted_lists.model import (
        Provider,
        Scheme,
        Service,
        ServiceState,
        TrustedList,
    )

TERRITORY: Final = "TRUSTWORKS:TRUSTED-LIST-TERRITORY"
TEST_NAMES: Final = "TRUSTWORKS:TRUSTED-LIST-TEST-NAMES"
CLOCK: Final = "TRUSTWORKS:TRUSTED-LIST-CLOCK"
NUMBER: Final = "TS119612:5.3.2-1"
UPDATE: Final = "TS119612:5.3.15-1"
KEPT: Final = "TS119612:5.3.12"
ONCE: Final = "TS119612:5.5.3-1"
ORDER: Final = "TS119612:5.5.10"

_TEST: Final = re.compile(r"\bTEST\b")
_MONTHS: Final = 6


def check_list(scheme: Scheme, providers: Sequence[Provider], before: TrustedList | None) -> None:
    """Refuse a list that breaks one of the rules here; `before` is the one that it replaces."""
    check_territory(scheme.territory)
    check_test_names(scheme, providers)
    check_number(scheme, before)
    check_clock(scheme, before)
    check_next_update(scheme)
    check_once(providers)
    check_order(providers)
    check_kept(scheme, providers, before)


@implements(TERRITORY)
def check_territory(territory: str) -> None:
    """Refuse a code that is a country's, or the Union's."""
    if not is_nobodys(territory):
        raise Refused(
            TERRITORY,
            f"A trusted list of ours is a test, and its territory would be {territory}, which is not ours to "
            "speak for. Set [issuance] country to a code that ISO 3166-1 gives to nobody, such as XX or ZZ.",
        )


@implements(TEST_NAMES)
def check_test_names(scheme: Scheme, providers: Sequence[Provider]) -> None:
    """Refuse a name on the list that does not say TEST, as a word of its own."""
    for name in _names(scheme, providers):
        if not _TEST.search(name):
            raise Refused(
                TEST_NAMES,
                f"The list would name {name!r}, which does not say TEST. Every name on a list of ours does: "
                "change it in the configuration, or in the certificate of the service.",
            )


def _names(scheme: Scheme, providers: Sequence[Provider]) -> Iterator[str]:
    yield from (one.value for one in (*scheme.operators, *scheme.names))
    for provider in providers:
        yield from (one.value for one in provider.names)
        for service in provider.services:
            yield from (one.value for one in service.current.names)


@implements(NUMBER)
def check_number(scheme: Scheme, before: TrustedList | None) -> None:
    """Refuse a sequence number that is not the next one; the first is 1 (5.3.2)."""
    wanted = 1 if before is None else before.scheme.sequence_number + 1
    if scheme.sequence_number != wanted:
        raise Refused(
            NUMBER,
            f"The list would have the sequence number {scheme.sequence_number}, and the next one is "
            f"{wanted}: no number is used twice. Build it again.",
        )


@implements(CLOCK)
def check_clock(scheme: Scheme, before: TrustedList | None) -> None:
    """Refuse a list that would be older than the one that it replaces: the clock went back."""
    if before is not None and scheme.issued <= before.scheme.issued:
        raise Refused(
            CLOCK,
            f"By the clock it is {scheme.issued:%Y-%m-%d %H:%M:%S} UTC, and the list before is of "
            f"{before.scheme.issued:%Y-%m-%d %H:%M:%S} UTC. Put the clock right (`trustworks time status`), "
            "then build the list again.",
        )


@implements(UPDATE)
def check_next_update(scheme: Scheme) -> None:
    """Refuse a next update that is not after the list, or more than six months after it (5.3.15)."""
    update = scheme.next_update
    if update is None or not scheme.issued < update <= months_after(scheme.issued, _MONTHS):
        told = "never" if update is None else f"on {update:%Y-%m-%d}"
        raise Refused(
            UPDATE,
            f"A list of {scheme.issued:%Y-%m-%d} would be followed by another {told}; the next one is due "
            "after it, within six months. Set [issuance.trusted-list] days.",
        )


def months_after(moment: datetime, months: int) -> datetime:
    """The same day of a later month, or the first of the month after where that has no such day."""
    month = moment.month - 1 + months
    year, month = moment.year + month // 12, month % 12 + 1
    try:
        return moment.replace(year=year, month=month)
    except ValueError:
        return datetime(year, month + 1, 1, tzinfo=UTC)


@implements(ONCE)
def check_once(providers: Sequence[Provider]) -> None:
    """Refuse a key that is listed twice for the same type of service, or a service without one (5.5.3)."""
    seen = set()
    for service in _services(providers):
        certificates = service.current.identity.certificates
        if not certificates:
            raise Refused(ONCE, f"The service {_named(service)!r} has no certificate; list it with one.")
        key = service_key(service.current.type, certificates[0].der)
        if key in seen:
            raise Refused(
                ONCE,
                f"The key of {_named(service)!r} is listed twice as a service of the same type. Give each "
                "service a key of its own.",
            )
        seen.add(key)


@implements(ORDER)
def check_order(providers: Sequence[Provider]) -> None:
    """Refuse a history that does not go back in time, state by state (5.5.10)."""
    for service in _services(providers):
        times = [one.since for one in service.states]
        if any(later <= earlier for later, earlier in pairwise(times)):
            raise Refused(
                ORDER,
                f"The states of {_named(service)!r} do not follow each other in time. Put the clock right "
                "(`trustworks time status`), then build the list again.",
            )


@implements(KEPT)
def check_kept(scheme: Scheme, providers: Sequence[Provider], before: TrustedList | None) -> None:
    """Refuse a list that lacks a service or a state that was told before: that is kept for ever (5.3.12)."""
    if scheme.historical_period != FOR_EVER:
        raise Refused(KEPT, f"A list keeps its history for ever: the period is written as {FOR_EVER}.")
    if before is None:
        return
    new = {_key(one): {_told(state) for state in one.states} for one in _services(providers)}
    for one in _services(before.providers):
        if not {_told(state) for state in one.states} <= new.get(_key(one), set()):
            raise Refused(
                KEPT,
                f"The list would no longer tell all that was told of {_named(one)!r}. Nothing leaves a "
                "published list; report this. The list before stays in force.",
            )


def _services(providers: Sequence[Provider]) -> Iterator[Service]:
    for one in providers:
        yield from one.services


def _key(service: Service) -> tuple[str, bytes]:
    return service.current.type, service.current.identity.certificates[0].key


def _told(state: ServiceState) -> tuple[str, datetime]:
    return state.status, state.since


def _named(service: Service) -> str:
    return next((one.value for one in service.current.names), service.current.type)
