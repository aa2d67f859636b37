"""What the register of keys tells."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from trustworks.core.module.states import KeyState


class Act(enum.Enum):
    """What was done with a key; the value is its name in records and events."""

    ENTERED = "entered"
    STATE = "state-changed"
    BACKED_UP = "backed-up"
    DRILLED = "drilled"
    RESTORED = "restored"
    TRANSFERRED = "transferred"
    REMOVED = "removed"  # from one token, while a copy is left on another or in a backup
    BACKUP_DESTROYED = "backup-destroyed"
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
