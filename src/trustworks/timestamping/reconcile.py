"""Compares the record of tokens with the audit log, for `trustworks audit verify`.

The event of a token binds its row by a hash over all columns, and the events are under the signed
checkpoints: a row that was changed, removed or added beside the log shows.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, select, type_coerce

from trustworks.core.audit.rows import row_digest
from trustworks.core.store.types import UtcDateTime
from trustworks.core.trace import implements
from trustworks.timestamping.records import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection, Row

_BATCH: Final = 500

# Moments as they are stored: what somebody put there by hand need be none.
_ROW: Final = select(
    *(type_coerce(one, BigInteger) if isinstance(one.type, UtcDateTime) else one for one in tokens.columns)
)


@implements("TRUSTWORKS:TSA-RECORD-BOUND", disabled=None)
def objection(value: Mapping[str, Any], row: Row[Any] | None) -> str | None:
    """What is wrong with the row of a token, by the token's event."""
    serial = value["subject"].get("serial")
    if row is None:
        return f"The record of the token {serial} is gone."
    if value["detail"].get("row") != row_digest(tuple(row)).hex():
        return f"The record of the token {serial} was altered: it is not what was logged of it."
    return None


@implements("TRUSTWORKS:TSA-RECORD-BOUND", disabled=None)
def stranger(serial: str, logged: frozenset[bytes] | set[bytes]) -> str | None:
    """What is wrong with a row that no event is about."""
    if _short(serial) in logged:
        return None
    return f"There is no event of the token {serial}: its record was added by hand, or its event removed."


class TokenRecords:
    """The `RecordChecker` of the record of tokens. It keeps some 100 octets in memory for each token."""

    types: Final = frozenset({"timestamp.issued"})

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: dict[str, Mapping[str, Any]] = {}
        self._logged: set[bytes] = set()
        self._found: list[str] = []

    def event(self, value: Mapping[str, Any]) -> str | None:
        """Take note of the event; what is wrong with its record is told by `rest`, for many at a time."""
        try:
            serial = value["subject"]["serial"]
            _ = value["detail"].get, value["stream"]
            short = _short(serial)
        except (KeyError, TypeError, AttributeError):
            return "The event does not name a token."
        if short in self._logged:
            return f"The token {serial} has two events."
        self._logged.add(short)
        self._waiting[serial] = value
        if len(self._waiting) == _BATCH:
            self._compare()
        return None

    def rest(self) -> Iterator[str]:
        """What is wrong with records, first those with an event, then those without."""
        self._compare()
        yield from self._found
        query = select(tokens.c.serial).execution_options(yield_per=1000)
        for serial in self._connection.scalars(query):
            wrong = stranger(serial, self._logged)
            if wrong is not None:
                yield wrong

    def _compare(self) -> None:
        query = _ROW.where(tokens.c.serial.in_(list(self._waiting)))
        rows = {row.serial: row for row in self._connection.execute(query)}
        for serial, value in self._waiting.items():
            wrong = objection(value, rows.get(serial))
            if wrong is not None:
                self._found.append(wrong)
        self._waiting.clear()


def _short(serial: str) -> bytes:
    return sha256(serial.encode()).digest()[:16]
