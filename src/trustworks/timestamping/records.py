"""The record of every token: which, over what, when, and by which time. All SQL of this service is here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sqlalchemy import Boolean, Column, Index, PrimaryKeyConstraint, String, Table, Text, func, or_, select

from trustworks.core.store.metadata import metadata
from trustworks.core.store.types import BigInt, LargeBinary, UtcDateTime
from trustworks.core.trace import implements
from trustworks.timestamping.model import IssuedToken

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from trustworks.core.store import Database

# Append-only (see the migration's trigger). `serial` is in hexadecimal; the primary key keeps a serial number
# from being used twice, by whichever process and after whatever crash. `tst_info` is the TSTInfo's SHA-256,
# which the audit event of the token carries too; the five `clock_` columns say why its time was believed,
# `stream` which audit stream the event is in.
tokens = Table(
    "timestamp_tokens",
    metadata,
    Column("serial", String(40), nullable=False),
    Column("unit", String(32), nullable=False),
    Column("policy", String(255), nullable=False),
    Column("qualified", Boolean, nullable=False),
    Column("imprint_hash", String(16), nullable=False),
    Column("imprint", LargeBinary, nullable=False),
    Column("gen_time", UtcDateTime, nullable=False),
    Column("tst_info", LargeBinary, nullable=False),
    Column("clock_mode", String(16), nullable=False),
    Column("clock_lease", String(120), nullable=False),
    Column("clock_sources", Text, nullable=False),
    Column("clock_bound_us", BigInt, nullable=True),
    Column("clock_leap", String(16), nullable=False),
    Column("stream", String(80), nullable=False),
    PrimaryKeyConstraint("serial"),
    Index(None, "gen_time"),
)

_BATCH = 1000
_CHANCE_OCTETS = 9
_DRAWN_TOGETHER = 128


class Serials:
    """Serial numbers that no other process has, nor this one after a crash: 16 octets, the time, then chance.

    The time comes first so that the record's primary key grows at its end; 72 bits of chance keep apart what
    is issued at the same time. Threads share it. See docs/adr/0015.
    """

    def __init__(self) -> None:
        self._chance: list[bytes] = []

    def next(self, moment: int) -> int:
        """The serial number of a token with this genTime, in microseconds since 1970."""
        try:
            chance = self._chance.pop()
        except IndexError:
            # Drawn for many at once: each call of the system lets another thread take the interpreter.
            drawn = os.urandom(_CHANCE_OCTETS * _DRAWN_TOGETHER)
            self._chance += [
                drawn[start : start + _CHANCE_OCTETS] for start in range(0, len(drawn), _CHANCE_OCTETS)
            ]
            return self.next(moment)
        return 1 << 126 | moment << 8 * _CHANCE_OCTETS | int.from_bytes(chance, "big")


@implements("EN319421:OVR-7.13-05", disabled=lambda *_, **__: iter(()))
def issued(
    database: Database, *, since: datetime, until: datetime, unit: str | None = None
) -> Iterator[IssuedToken]:
    """The tokens with a genTime from `since` until before `until`: those that a compromise affects.

    They are read in parts, so that no transaction is open, and no old state kept, while the reader is slow.
    """
    query = (
        select(tokens)
        .where(tokens.c.gen_time < until)
        .order_by(tokens.c.gen_time, tokens.c.serial)
        .limit(_BATCH)
    )
    if unit is not None:
        query = query.where(tokens.c.unit == unit)
    after = ""  # of the tokens at `since`, those with a greater serial number
    while True:
        with database.read() as connection:
            rows = connection.execute(
                query.where(
                    tokens.c.gen_time >= since, or_(tokens.c.gen_time > since, tokens.c.serial > after)
                )
            )
            part = [IssuedToken(**row) for row in rows.mappings()]
        yield from part
        if len(part) < _BATCH:
            return
        since, after = part[-1].gen_time, part[-1].serial


def count(database: Database, *, since: datetime, until: datetime) -> dict[str, int]:
    """How many tokens each unit issued with a genTime from `since` until before `until`."""
    query = (
        select(tokens.c.unit, func.count())
        .where(tokens.c.gen_time >= since, tokens.c.gen_time < until)
        .group_by(tokens.c.unit)
    )
    with database.read() as connection:
        return {str(unit): int(number) for unit, number in connection.execute(query)}


def find(database: Database, serial: str) -> IssuedToken | None:
    """The token with this serial number, in hexadecimal."""
    with database.read() as connection:
        row = connection.execute(select(tokens).where(tokens.c.serial == serial)).mappings().first()
    return None if row is None else IssuedToken(**row)
