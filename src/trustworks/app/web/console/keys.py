"""The register of keys: where each is, in which state, how it is backed up. It only reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from trustworks.app.web.console.certificates import status_of
from trustworks.app.web.console.edge import Page, nothing_here
from trustworks.core.keys import records as keys
from trustworks.core.keys.model import last_use, living_backups, places
from trustworks.core.module.states import FOLLOWING, KeyState
from trustworks.core.roles.model import Act
from trustworks.issuance import records

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from trustworks.app.web.console.edge import Edge, Visit
    from trustworks.core.http import RawResponse
    from trustworks.core.keys.model import BackupEntry, HistoryEntry, KeyEntry

ROOT: Final = "/console/keys"


class BackupRow(NamedTuple):
    """A backup that was not destroyed, and the last time that it was shown to work."""

    made: BackupEntry
    used: HistoryEntry | None


class KeyRow(NamedTuple):
    """A key, the tokens that it is on, and its living backups."""

    key: KeyEntry
    tokens: list[str]
    backups: list[BackupRow]
    history: list[HistoryEntry]

    @property
    def drilled(self) -> HistoryEntry | None:
        """The last time that any of the backups was shown to work."""
        used = [one.used for one in self.backups if one.used is not None]
        return max(used, key=lambda one: one.at, default=None)


class Keys:
    """The handlers. They only read."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    def pages(self) -> list[Page]:
        """The pages."""
        return [
            Page(path=ROOT, act=Act.READ_RECORDS, answer=self.show_all),
            Page(path=f"{ROOT}/{{}}", act=Act.READ_RECORDS, answer=self.show),
        ]

    def show_all(self, visit: Visit) -> RawResponse:
        """The register."""
        with self._edge.roles.office.database.read() as connection:
            rows = [_row(connection, one) for one in keys.keys_with(connection)]
        return self._edge.page("keys.html", visit=visit, rows=rows)

    def show(self, visit: Visit) -> RawResponse:
        """The page of a key."""
        now = self._edge.roles.office.now().utc
        with self._edge.roles.office.database.read() as connection:
            found = keys.key(connection, visit.parts[0])
            if found is None:
                raise nothing_here()
            row = _row(connection, found)
            certificates = records.search_certificates(
                connection, now=now, spki_sha256=bytes.fromhex(found.spki_sha256)
            )
        return self._edge.page(
            "key.html",
            visit=visit,
            row=row,
            key=found,
            certificates=[(one, status_of(one, now)) for one in certificates],
            following=[one.value for one in KeyState if one in FOLLOWING[found.state] - {KeyState.DESTROYED}],
        )


def _row(connection: Connection, key: KeyEntry) -> KeyRow:
    history = keys.history_of(connection, key.spki_sha256)
    living = living_backups(history)
    return KeyRow(
        key=key,
        tokens=sorted(places(history).values()),
        backups=[
            BackupRow(one, last_use(history, one.backup))
            for one in keys.backups_of(connection, key.spki_sha256)
            if one.backup in living
        ],
        history=history,
    )
