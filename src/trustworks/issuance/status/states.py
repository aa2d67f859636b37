"""Which revocation lists an authority publishes, and whether the newest of each may still be used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from trustworks.core.errors import Unavailable
from trustworks.issuance import records
from trustworks.issuance.model import NEVER, crl_path
from trustworks.issuance.status import crl_rules as rules

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.store import Database
    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.model import AuthorityRecord, CrlHead


SPREAD: Final = "issuing"
"""The one authority whose certificates may be spread over shards, and whose changes told in delta lists."""


class Scope(NamedTuple):
    """What a list is about: all certificates of an authority, or one shard; complete, or what changed."""

    authority: str
    shard: int | None = None
    delta: bool = False

    @property
    def path(self) -> str:
        """Where it is published."""
        return crl_path(self.authority, self.shard, delta=self.delta)

    @property
    def words(self) -> str:
        """As messages and pages name it."""
        shard = "" if self.shard is None else f" shard {self.shard}"
        return f"{self.authority}{shard}{' (delta)' if self.delta else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CrlState:
    """The newest list of a scope, and whether relying parties may still use it.

    `late`: the services had to publish a newer one a minute ago, and did not. `overdue` is said of every
    list, the root's among them, after ten minutes.
    """

    authority: str
    fresh: bool
    due: bool
    overdue: bool = False
    late: bool = False
    shard: int | None = None
    delta: bool = False
    number: int | None = None
    this_update: datetime | None = None
    next_update: datetime | None = None
    entries: int | None = None

    @property
    def scope(self) -> Scope:
        """What the list is about."""
        return Scope(self.authority, self.shard, self.delta)

    def as_dict(self) -> dict[str, object]:
        """The state as JSON values."""
        return {
            "authority": self.authority,
            "shard": self.shard,
            "delta": self.delta,
            "path": self.scope.path,
            "fresh": self.fresh,
            "due": self.due,
            "overdue": self.overdue,
            "late": self.late,
            "number": self.number,
            "this_update": None if self.this_update is None else self.this_update.isoformat(),
            "next_update": None if self.next_update is None else self.next_update.isoformat(),
            "entries": self.entries,
        }


class Hours(NamedTuple):
    """Hours from thisUpdate to nextUpdate of an authority's lists, and between two publications."""

    validity: float
    every: float


def hours_of(settings: IssuanceSettings, authority: AuthorityRecord | records.Published) -> Hours:
    """An authority's own hours where a ceremony gave it some; else the configured ones.

    Those of the root are for every authority without a parent, whose key no service holds.
    """
    configured = settings.root if authority.parent is None else settings.issuing
    return Hours(
        authority.crl_validity_hours or configured.crl_validity_hours,
        authority.crl_every_hours or configured.crl_every_hours,
    )


def shards_of(settings: IssuanceSettings, name: str) -> int:
    """How many shards an authority's new certificates are spread over; 1: one list, as the root's."""
    return settings.issuing.crl_shards if name == SPREAD else 1


def delta_of(settings: IssuanceSettings, name: str) -> bool:
    """Whether an authority tells changes in delta lists."""
    return name == SPREAD and settings.issuing.crl_delta


def scopes(settings: IssuanceSettings, connection: Connection, name: str) -> list[Scope]:
    """All scopes that an authority publishes lists for, the complete list's first.

    A shard that certificates were once issued for keeps its list, whatever is configured since: their
    certificates name it.
    """
    wanted = shards_of(settings, name)
    shards = max(wanted if wanted > 1 else 0, records.last_shard(connection, name))
    numbers: list[int | None] = [None, *range(1, shards + 1)]
    deltas = (False, True) if delta_of(settings, name) else (False,)
    return [Scope(name, number, delta) for number in numbers for delta in deltas]


def crl_states(settings: IssuanceSettings, database: Database, now: datetime) -> list[CrlState]:
    """The newest list of every scope of every authority, whether its key is open here or not."""
    with database.read() as connection:
        found = []
        for one in records.published(connection):
            if one.name == SPREAD:
                wanted = scopes(settings, connection, one.name)
                found += [_state(connection, scope, one, settings, now) for scope in wanted]
            else:
                found.append(_state_of_one(one, settings, now))
    return [one for one in found if one is not None]


def _state_of_one(authority: records.Published, settings: IssuanceSettings, now: datetime) -> CrlState:
    """The state of the one list of an authority that has no shards and no deltas; asks the database nothing.

    There may be thousands of such authorities, and their lists are looked at every few seconds.
    """
    last, every = authority.head, timedelta(hours=hours_of(settings, authority).every)
    changes = authority.changes
    lacking = last is not None and rules.lacks_a_change(last, changes)
    since = authority.pending_since if lacking else None
    late = rules.is_overdue(last, now, every, changes=changes, since=since, patience=rules.LATE_AFTER)
    return CrlState(
        authority=authority.name,
        fresh=rules.is_fresh(last, now),
        due=rules.is_due(last, now, every, changes=changes),
        overdue=rules.is_overdue(last, now, every, changes=changes, since=since),
        late=late and authority.parent is not None,
        number=None if last is None else last.number,
        this_update=None if last is None else last.this_update,
        next_update=None if last is None else last.next_update,
        entries=None if last is None else last.entries,
    )


def head_of(connection: Connection, scope: Scope) -> CrlHead | None:
    """The newest list of a scope."""
    found = records.crl_heads(connection, scope.authority, shard=scope.shard, delta=scope.delta)
    return found[0] if found else None


def _state(
    connection: Connection,
    scope: Scope,
    authority: records.Published,
    settings: IssuanceSettings,
    now: datetime,
) -> CrlState | None:
    """The state of a list; None for a delta list with no complete list that it could go on from."""
    last = head_of(connection, scope)
    base = head_of(connection, scope._replace(delta=False)) if scope.delta else None
    if scope.delta and (base is None or base.next_update == NEVER):
        return None
    moved = base is not None and (last is None or last.base != base.number)
    changes = _changes(connection, scope, last)
    if last is not None and delta_of(settings, scope.authority) and not scope.delta:
        changes = last.changes  # the delta list tells of changes, this one comes by the clock
    every, since = timedelta(hours=hours_of(settings, authority).every), None
    if last is not None and rules.lacks_a_change(last, changes):
        since = records.changed_since(connection, scope.authority, scope.shard, after=last.changes)
        since = since or records.pending_since(connection, scope.authority)
    late = rules.is_overdue(last, now, every, changes=changes, since=since, patience=rules.LATE_AFTER)
    return CrlState(
        authority=scope.authority,
        shard=scope.shard,
        delta=scope.delta,
        fresh=rules.is_fresh(last or base, now),
        due=moved or rules.is_due(last, now, every, changes=changes),
        overdue=rules.is_overdue(last, now, every, changes=changes, since=since),
        late=late and authority.parent is not None,  # the services hold its key, and not a root's
        number=None if last is None else last.number,
        this_update=None if last is None else last.this_update,
        next_update=None if last is None else last.next_update,
        entries=None if last is None else last.entries,
    )


def _changes(connection: Connection, scope: Scope, last: CrlHead | None) -> int:
    """The count of changes that the newest list of a scope is compared with (`rules.lacks_a_change`).

    While an authority has one list, that is the authority's count. Otherwise a change concerns the list that
    its certificate names, and every other keeps the count that it has.
    """
    if last is None or (scope.shard is None and not records.last_shard(connection, scope.authority)):
        return records.changes(connection, scope.authority)
    return records.newest_change(connection, scope.authority, scope.shard, after=last.changes)


def check_fresh(states: Iterable[CrlState]) -> None:
    """Raise `Unavailable` when a newest list is missing or has run out (crl.stale), or comes late (crl.late).

    Late is a list that the services had to publish a minute ago: a revocation is not seen in time.
    """
    states = list(states)
    stale = [state for state in states if not state.fresh]
    if stale:
        names = ", ".join(state.scope.words for state in stale)
        raise Unavailable(
            "crl.stale",
            f"The revocation list of {names} is missing or has run out; relying parties cannot check "
            f"certificates. Publish it: trustworks crl publish --authority {stale[0].authority}.",
        )
    late = [state for state in states if state.late]
    if late:
        names = ", ".join(state.scope.words for state in late)
        raise Unavailable(
            "crl.late",
            f"A newer revocation list of {names} had to be published a minute ago: revocations are not seen. "
            f"The log of the jobs says why it was not; try trustworks crl publish --authority "
            f"{late[0].authority}.",
        )
