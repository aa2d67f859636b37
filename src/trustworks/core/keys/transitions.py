"""What may be done with a key by its history, and the state that it has afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.keys.model import Act, HistoryEntry, KeyEntry, living_backups, places
from trustworks.core.module.states import KeyState
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustworks.core.module import Pkcs11Uri


def check_has_backup(entry: KeyEntry, history: Sequence[HistoryEntry], backup: str) -> None:
    """`Rejected` (keys.unknown-backup) for a backup that the key does not have, or not any more."""
    if backup not in living_backups(history):
        raise Rejected(
            "keys.unknown-backup",
            f"The key {entry.label!r} has no backup {backup[:16]} that is not destroyed. `trustworks keys "
            "backup list` shows those that there are.",
        )


@implements("TRUSTWORKS:KEYS-NO-RETURN", "EN319411-1:GEN-6.5.2-13", "EN319411-1:GEN-6.5.3-06")
def check_returnable(entry: KeyEntry) -> None:
    """Refuse to bring a key back whose life has ended. Source: EN 319 411-1, GEN-6.5.2-13."""
    if entry.state in {KeyState.DEACTIVATED, KeyState.DESTROYED}:
        raise Rejected(
            "keys.state",
            f"The key {entry.label!r} is {entry.state.value}, and does not come back. Make a new one.",
        )


@implements("TRUSTWORKS:KEYS-NO-RETURN", "EN319411-1:GEN-6.5.2-13")
def check_backup_lives(history: Sequence[HistoryEntry], backup: str) -> None:
    """Refuse a file of which the register says that no copy is left: it was kept against that."""
    if any(one.act is Act.BACKUP_DESTROYED and one.backup == backup for one in history):
        raise Rejected(
            "keys.backup-destroyed",
            f"The backup {backup[:16]} was entered as destroyed, and this copy of it was kept all the same. "
            "Find out by whom, and whether there are more; bring the key back by another backup.",
        )


def unchanged(entry: KeyEntry, history: Sequence[HistoryEntry]) -> KeyState:
    """The state stays."""
    del history
    return entry.state


def after_return(entry: KeyEntry, history: Sequence[HistoryEntry]) -> KeyState:
    """The state before the loss, where nothing but the loss suspended the key."""
    if entry.state is not KeyState.SUSPENDED:
        return entry.state
    for number in range(len(history) - 1, 0, -1):
        one, before = history[number], history[number - 1]
        if one.act is Act.REMOVED and before.state is not KeyState.SUSPENDED:
            return before.state
        if one.act is Act.STATE:
            break
    return entry.state


def after_removal(token: Pkcs11Uri) -> Callable[[KeyEntry, Sequence[HistoryEntry]], KeyState]:
    """The state after the copy on `token` went: destroyed where no copy and no backup is left.

    What is answered raises `Unavailable` (keys.not-there) where the register has no copy on that token.
    """

    def after(entry: KeyEntry, history: Sequence[HistoryEntry]) -> KeyState:
        here = token.serial or ""
        if here and here not in places(history):
            raise Unavailable(
                "keys.not-there",
                f"The register does not have the key {entry.label!r} on {token}; `trustworks keys states "
                "list --history` shows where it was.",
            )
        elsewhere = {serial for serial in places(history) if serial != here}
        if elsewhere:
            return entry.state
        if not living_backups(history):
            return KeyState.DESTROYED
        return entry.state if entry.state is KeyState.DEACTIVATED else KeyState.SUSPENDED

    return after
