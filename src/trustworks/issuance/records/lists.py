"""All SQL on the revocation lists: which are published, and what their scopes have to hold.

A scope is one shard of an authority's certificates, or (shard None) all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime  # noqa: TC003 - dataclasses read it
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Integer,
    and_,
    bindparam,
    func,
    or_,
    select,
    type_coerce,
)

from trustworks.core.store.prepared import PreparedSelect
from trustworks.issuance.model import CrlHead, CrlRecord
from trustworks.issuance.records.tables import authorities, certificates, crls

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import ColumnElement, Connection, Select

_HEAD = tuple(crls.c[field.name] for field in fields(CrlHead))

# Serial, state, revoked at, reason, invalid since; the times in microseconds as they are stored.
RevokedRow: TypeAlias = tuple[str, str, int | None, int | None, int | None]


def _published(
    authority: str | BindParameter[Any], shard: int | None, *, delta: bool
) -> tuple[ColumnElement[bool], ...]:
    return (
        crls.c.authority == authority,
        crls.c.shard.is_(None) if shard is None else crls.c.shard == shard,
        crls.c.base.is_not(None) if delta else crls.c.base.is_(None),
    )


def _heads(shard: int | None, *, delta: bool) -> Select[Any]:
    wanted: BindParameter[Any] = bindparam("authority")
    query = select(*_HEAD).where(*_published(wanted, shard, delta=delta))
    return query.order_by(crls.c.number.desc()).limit(bindparam("limit", type_=Integer))


# Made once: each issuance asks for the newest complete list.
_HEADS = PreparedSelect(_heads(None, delta=False))


def last_number(connection: Connection, authority: str) -> int:
    """The number of the authority's newest list of any scope; 0 when there is none."""
    return (
        connection.execute(select(func.max(crls.c.number)).where(crls.c.authority == authority)).scalar_one()
        or 0
    )


def last_update(connection: Connection, authority: str) -> datetime | None:
    """The thisUpdate of the authority's newest list of any scope; None when there is none."""
    query = select(crls.c.this_update).where(crls.c.authority == authority)
    return connection.execute(query.order_by(crls.c.number.desc()).limit(1)).scalar()


def crl_heads(
    connection: Connection, authority: str, *, shard: int | None = None, delta: bool = False, limit: int = 1
) -> list[CrlHead]:
    """The newest lists of a scope without their octets, newest first."""
    query = _HEADS if shard is None and not delta else PreparedSelect(_heads(shard, delta=delta))
    return [CrlHead(**query.mapping(row)) for row in query.all(connection, authority=authority, limit=limit)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """An authority and its newest complete list, without octets; None where none was published."""

    name: str
    parent: str | None
    crl_validity_hours: int | None
    crl_every_hours: int | None
    changes: int
    pending_since: datetime | None
    head: CrlHead | None


_LISTS = crls.alias()
_NEWEST = (
    select(func.max(_LISTS.c.number))
    .where(_LISTS.c.authority == authorities.c.name, _LISTS.c.shard.is_(None), _LISTS.c.base.is_(None))
    .scalar_subquery()
)
_OF_AUTHORITY = tuple(authorities.c[field.name] for field in fields(Published) if field.name != "head")
_PUBLISHED = PreparedSelect(
    select(*_OF_AUTHORITY, *(column.label(f"crl_{column.name}") for column in _HEAD))
    .select_from(
        authorities.outerjoin(crls, and_(crls.c.authority == authorities.c.name, crls.c.number == _NEWEST))
    )
    .order_by(authorities.c.name)
)


def published(connection: Connection) -> list[Published]:
    """All authorities with their newest complete lists, by name; one query, as there may be thousands."""
    own, wanted = len(_OF_AUTHORITY), [field.name for field in fields(CrlHead)]
    found = []
    for row in _PUBLISHED.all(connection):
        head = dict(zip(wanted, row[own:], strict=True))
        values = {column.name: value for column, value in zip(_OF_AUTHORITY, row[:own], strict=True)}
        found.append(Published(**values, head=None if head["number"] is None else CrlHead(**head)))
    return found


def last_crl(
    connection: Connection, authority: str, *, shard: int | None = None, delta: bool = False
) -> CrlRecord | None:
    """The newest list of a scope, or None."""
    query = select(crls).where(*_published(authority, shard, delta=delta))
    row = connection.execute(query.order_by(crls.c.number.desc()).limit(1)).one_or_none()
    return None if row is None else CrlRecord(**row._mapping)  # noqa: SLF001


def crl(connection: Connection, authority: str, number: int) -> CrlRecord | None:
    """One list of an authority, or None."""
    row = connection.execute(
        select(crls).where(crls.c.authority == authority, crls.c.number == number)
    ).one_or_none()
    return None if row is None else CrlRecord(**row._mapping)  # noqa: SLF001


def crl_values(record: CrlRecord) -> dict[str, Any]:
    """The values of a row of `crls`."""
    return {column.name: getattr(record, column.name) for column in crls.columns}


def last_shard(connection: Connection, authority: str) -> int:
    """The highest shard that a list was published for or a status was changed in; 0 when there is none."""
    listed = select(func.max(crls.c.shard)).where(crls.c.authority == authority)
    changed = select(func.max(certificates.c.crl_shard)).where(
        certificates.c.authority == authority, certificates.c.change_number.is_not(None)
    )
    return max(connection.execute(one).scalar_one() or 0 for one in (listed, changed))


def _changed(authority: str, shards: Iterable[int | None], after: int) -> tuple[ColumnElement[bool], ...]:
    c = certificates.c
    wanted = [c.crl_shard.is_(None) if one is None else c.crl_shard == one for one in shards]
    return (c.authority == authority, or_(*wanted), c.change_number > after)


def newest_change(connection: Connection, authority: str, shard: int | None, *, after: int) -> int:
    """The number of the newest change of status among the certificates that name this list, or `after`.

    For the complete list those without a shard: the others name the list of their shard.
    """
    query = select(func.max(certificates.c.change_number)).where(*_changed(authority, [shard], after))
    return connection.execute(query).scalar_one() or after


def changed_since(
    connection: Connection, authority: str, shard: int | None, *, after: int
) -> datetime | None:
    """When the oldest change was recorded that a list up to the change `after` lacks; None if not known."""
    query = select(func.min(certificates.c.changed_at)).where(*_changed(authority, [shard], after))
    found: datetime | None = connection.execute(query).scalar_one()
    return found


def changed_serials(connection: Connection, authority: str, *, after: int, limit: int) -> list[str]:
    """The serials whose status was changed after the change `after`; at most `limit` of them."""
    query = (
        select(certificates.c.serial)
        .where(certificates.c.authority == authority, certificates.c.change_number > after)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def revoked_rows(
    connection: Connection, authority: str, shard: int | None, *, changed_after: int | None = None
) -> Any:
    """A cursor of the driver over `RevokedRow`s by serial, for `fetchmany`.

    All revoked or held certificates of one shard (None: those without one); with `changed_after` those whose
    status changed after that change, the released ones among them (`revoked_at` and reason are None then).
    Straight from the driver: a list may have a million entries, and row objects cost more than those.
    """
    c = certificates.c
    since = c.revoked_at.is_not(None) if changed_after is None else c.change_number > changed_after
    query = (
        select(
            c.serial,
            c.state,
            type_coerce(c.revoked_at, BigInteger),
            c.revocation_reason,
            type_coerce(c.invalidity_date, BigInteger),
        )
        .where(
            c.authority == authority,
            c.crl_shard.is_(None) if shard is None else c.crl_shard == shard,
            since,
        )
        .order_by(c.serial)
    )
    return connection.execute(query).cursor


def count_revoked(connection: Connection, authority: str) -> dict[int | None, int]:
    """How many certificates of an authority are revoked or held, by shard.

    The state is not asked: none but an issued certificate is ever revoked (`set_revocation`).
    """
    c = certificates.c
    query = (
        select(c.crl_shard, func.count())
        .where(c.authority == authority, c.revoked_at.is_not(None))
        .group_by(c.crl_shard)
    )
    return {shard: int(count) for shard, count in connection.execute(query)}


def revoked_places(connection: Connection, authority: str) -> Iterator[tuple[str, int | None, int | None]]:
    """Serial, shard and last change of every certificate that is revoked or held; streamed."""
    c = certificates.c
    query = select(c.serial, c.crl_shard, c.change_number).where(
        c.authority == authority, c.revoked_at.is_not(None)
    )
    for row in connection.execute(query.execution_options(yield_per=1000)):
        yield row.serial, row.crl_shard, row.change_number
