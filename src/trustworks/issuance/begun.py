"""Orders between the steps that are taken for several at once, and what is asked before each is recorded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from trustworks.core.errors import TrustworksError
from trustworks.issuance import records
from trustworks.issuance.model import KeyUse, serial_hex
from trustworks.issuance.rules.authorities import (
    check_authority_usable,
    check_list_goes_on,
    check_not_terminated,
)
from trustworks.issuance.rules.keys import (
    check_key_has_one_use,
    check_key_not_blocked,
    check_key_not_compromised,
    check_key_not_listed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection

    from trustworks.core.module import Key
    from trustworks.issuance.ct import Logged
    from trustworks.issuance.model.requests import Template
    from trustworks.issuance.preparation import Prepared


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be released: a certificate by `template`, signed with the authority's `key`.

    `also` writes what belongs to it in the transaction that records it, and may object. `chain` are the
    authorities' certificates above it, nearest first.
    """

    template: Template
    key: Key
    by: str
    also: Callable[[Connection, bytes], None] | None = None
    chain: tuple[bytes, ...] = ()


class Begun:
    """An order between its steps; `failure` is why no certificate leaves."""

    __slots__ = ("der", "failure", "intended", "order", "prepared", "serial", "spki_sha256", "subject")

    def __init__(self, order: Order) -> None:
        self.order = order
        self.serial = serial_hex(order.template.serial)
        self.spki_sha256 = hashlib.sha256(order.template.spki).digest()
        self.intended = False
        self.failure: Exception | None = None
        self.subject: str
        self.prepared: Prepared | Logged
        self.der: bytes


def take_each(begun: Iterable[Begun], step: Callable[[Begun], None]) -> None:
    """Take each a step further against which nothing stands."""
    for one in begun:
        if one.failure is None:
            try:
                step(one)
            except Exception as error:  # noqa: BLE001 - it is raised to who asked for this one
                one.failure = error


def groups_by_authority(begun: Iterable[Begun]) -> list[list[Begun]]:
    """What goes into a transaction together: by authority, whose row is locked there and no other's.

    So that two processes never wait for each other, each with what the other needs.
    """

    def authority(one: Begun) -> str:
        return one.order.template.authority

    going = sorted((one for one in begun if one.failure is None), key=authority)
    return [list(group) for _, group in groupby(going, authority)]


def write_together(write: Callable[[Sequence[Begun]], None], begun: Sequence[Begun]) -> None:
    """Write a group in one transaction; where one of them spoils it, each by itself."""
    try:
        write(begun)
    except TrustworksError as error:  # of the log or the database: it is no single one's
        for one in begun:
            one.failure = one.failure or error
    except Exception as error:  # noqa: BLE001 - it is raised to who asked for this one
        left = [one for one in begun if one.failure is None]
        if len(begun) == 1:
            begun[0].failure = begun[0].failure or error
        else:
            for one in left:
                write_together(write, [one])


def write_also(connection: Connection, begun: Begun) -> None:
    """Let an order's `also` write; what it writes is undone when it objects."""
    if begun.order.also is not None:
        try:
            with connection.begin_nested():
                begun.order.also(connection, begun.der)
        except TrustworksError as error:
            begun.failure = error


def still_allowed(connection: Connection, begun: Sequence[Begun]) -> list[Begun]:
    """Those of one authority against which nothing stands that may change while a certificate is made.

    The authorities, their lists, what the keys are used for: asked inside the transactions that write the
    intents and the certificates, so that nothing crosses them.
    """
    serials = []
    authority = begun[0].order.template.authority
    name: str | None = authority
    while name is not None and (found := records.lock_authority(connection, name=name)) is not None:
        serials.append(found.serial)
        name = found.parent
    # Read after the locks, as a statement of its own: one that waited for a lock may show what was before.
    chain = records.statuses(connection, serials)
    head = next(iter(records.crl_heads(connection, authority)), None)
    plan = records.terminated_by_plan(connection, authority)
    digests = list({one.spki_sha256 for one in begun})
    keys, blocked = records.uses_of_keys(connection, digests), records.blocked_keys(connection, digests)
    listed = records.listed_keys(connection, {one.order.template.spki for one in begun})
    together: dict[bytes, list[KeyUse]] = {}  # what those before it in this transaction are for

    def check(one: Begun) -> None:
        check_authority_usable(chain)
        check_list_goes_on(head)
        check_not_terminated(authority, plan)
        known = keys.get(one.spki_sha256)
        check_key_not_compromised(None if known is None else known.lost)
        check_key_not_blocked(one.spki_sha256, blocked)
        check_key_not_listed(listed.get(one.order.template.spki))
        use = KeyUse(one.serial, one.order.template.profile.name, one.subject)
        others = together.setdefault(one.spki_sha256, [])
        check_key_has_one_use(use.profile, use.subject, [*(() if known is None else known.uses), *others])
        others.append(use)

    take_each(begun, check)
    return [one for one in begun if one.failure is None]
