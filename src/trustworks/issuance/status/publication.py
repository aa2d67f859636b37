"""What relying parties fetch: the newest list of each authority, and the authorities' certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Unavailable
from trustworks.issuance import records
from trustworks.issuance.status.states import Scope, head_of

if TYPE_CHECKING:
    from trustworks.core.store import Database
    from trustworks.issuance.model import AuthorityRecord, CrlRecord


class Publication:
    """Reads published objects from the database; a list is read once and kept until its successor comes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lists: dict[Scope, CrlRecord] = {}

    def crl(self, name: str, *, shard: int | None = None, delta: bool = False) -> CrlRecord | None:
        """The newest list of a scope, whichever process published it; None when there is none.

        While the database is stopped it is the newest that was seen: a list is signed and dated, and relying
        parties see themselves when it has run out.
        """
        scope = Scope(name, shard, delta)
        kept = self._lists.get(scope)
        try:
            found = self._newest(scope, kept)
        except Unavailable:
            if kept is None:
                raise
            return kept
        if found is not None:
            self._lists[scope] = found
        return found

    def _newest(self, scope: Scope, kept: CrlRecord | None) -> CrlRecord | None:
        with self._database.read() as connection:
            head = head_of(connection, scope)
            if head is None:
                return None
            if kept is not None and kept.number == head.number:
                return kept
            return records.crl(connection, scope.authority, head.number)

    def chain(self, name: str) -> list[AuthorityRecord]:
        """An authority, the one above it, and so on to the root; empty when there is no such authority."""
        found: list[AuthorityRecord] = []
        above: str | None = name
        with self._database.read() as connection:
            while above is not None:
                record = records.authority(connection, above)
                if record is None:
                    return []
                found.append(record)
                above = record.parent
        return found
