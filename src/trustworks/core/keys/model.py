"""What the register of keys tells."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.module.states import KeyState


class Act(enum.Enum):
    """What was done with a key; the value is its name in records and events."""

    ENTERED = "entered"
    STATE = "state-changed"
    IN_USE = "in-use"  # a service's file has its certificate from now on, and had another key's before
    BACKED_UP = "backed-up"
    DRILLED = "drilled"
    RESTORED = "restored"
    TRANSFERRED = "transferred"
    REMOVED = "removed"  # from one token, while a copy is left on another or in a backup
    BACKUP_DESTROYED = "backup-destroyed"
    REMOVAL_ORDERED = "removal-ordered"  # it is about to go from a token: that copy counts no more
    BACKUP_END_ORDERED = "backup-end-ordered"  # the same of a backup
    DESTROYED = "destroyed"


# After these a key is on the token that the entry names.
PLACING = frozenset({Act.ENTERED, Act.RESTORED, Act.TRANSFERRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEntry:
    """A key of the register; `state` is the present one."""

    spki_sha256: str
    label: str
    key_id: str
    algorithm: str
    entered_at: datetime
    state: KeyState


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One act: its number in the key's history, the state after it, and where, by whom and why."""

    spki_sha256: str
    number: int
    act: Act
    state: KeyState
    token: str
    serial: str
    backup: str
    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupEntry:
    """A backup that was made; its name is the SHA-256 of the file."""

    backup: str
    spki_sha256: str
    threshold: int
    custodians: tuple[str, ...]
    made_at: datetime


def places(history: Sequence[HistoryEntry]) -> dict[str, str]:
    """On which tokens the key is by its history: serial number -> label."""
    found: dict[str, str] = {}
    for one in history:
        if one.act in PLACING and one.serial:
            found[one.serial] = one.token
        elif one.act in {Act.REMOVED, Act.DESTROYED}:
            found.pop(one.serial, None)
    return found


def living_backups(history: Sequence[HistoryEntry]) -> list[str]:
    """The backups that were made and not destroyed, in their order."""
    found: dict[str, None] = {}
    for one in history:
        if one.act is Act.BACKED_UP:
            found[one.backup] = None
        elif one.act is Act.BACKUP_DESTROYED:
            found.pop(one.backup, None)
    return list(found)


def remaining_copies(
    history: Sequence[HistoryEntry], *, token: str | None = None, backup: str | None = None
) -> tuple[frozenset[str], frozenset[str]]:
    """The serial numbers of tokens and the backups on which a key can count when these two are gone.

    A copy whose destruction was ordered is none, whatever came of the order: two acts at once would each
    count on the copy that the other destroys. It is one again when it was shown to be there: a token by the
    key's return to it, a backup by a drill or a return.
    """
    tokens, backups = set(places(history)), set(living_backups(history))
    doomed: dict[tuple[str, str], bool] = {}
    for one in history:
        if one.act in {Act.REMOVAL_ORDERED, *PLACING} and one.serial:
            doomed["token", one.serial] = one.act is Act.REMOVAL_ORDERED
        if one.act in {Act.BACKUP_END_ORDERED, Act.DRILLED, Act.RESTORED, Act.TRANSFERRED} and one.backup:
            doomed["backup", one.backup] = one.act is Act.BACKUP_END_ORDERED
    gone = {name for name, ordered in doomed.items() if ordered}
    return (
        frozenset(one for one in tokens - {token} if ("token", one) not in gone),
        frozenset(one for one in backups - {backup} if ("backup", one) not in gone),
    )


class LossCheck(Protocol):
    """What objects to the loss of a key's copy, in the transaction that orders it: by raising."""

    def __call__(
        self, connection: Connection, spki_sha256: str, *, token: str | None = None, backup: str | None = None
    ) -> None:
        """Look whether the copy on the `token` with this serial number, or this `backup`, may go."""


def nothing_against(
    connection: Connection, spki_sha256: str, *, token: str | None = None, backup: str | None = None
) -> None:
    """The `LossCheck` of who has no keys that others need."""
    del connection, spki_sha256, token, backup


def last_use(history: Sequence[HistoryEntry], backup: str) -> HistoryEntry | None:
    """The last drill or restore by which the backup was shown to work."""
    shown = {Act.DRILLED, Act.RESTORED, Act.TRANSFERRED}
    return next((one for one in reversed(history) if one.backup == backup and one.act in shown), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Succession:
    """A generation of a use: the label of its key, or an authority's name, and from when on it is used.

    A use is what keys follow one another in: ``authority/issuing``, ``ocsp``, ``tsu/NAME``.
    """

    use: str
    generation: int
    name: str
    spki_sha256: str
    from_at: datetime
    decided_at: datetime
    decided_by: str


def name_at(found: Sequence[Succession], first: str, moment: datetime) -> str:
    """The name of the generation that is used at a moment; `first` before any other's time has come."""
    return next((one.name for one in reversed(found) if one.from_at <= moment), first)
