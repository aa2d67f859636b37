"""Which keys there are and where, and how their copies were made, moved and tried."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from trustworks.assurance.evidence.model import Item, Kind, judged
from trustworks.core.keys.model import Act, last_use, living_backups, places
from trustworks.core.module.health import PROBE_LABEL
from trustworks.core.module.states import KeyState
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from trustworks.assurance.model import Product
    from trustworks.core.keys.model import BackupEntry, HistoryEntry, KeyEntry

INVENTORY: Final = "TRUSTWORKS:ASSURANCE-EVIDENCE-INVENTORY"
MOVED: Final = "TRUSTWORKS:ASSURANCE-EVIDENCE-TRANSFERS"
DRILLED: Final = "TRUSTWORKS:ASSURANCE-EVIDENCE-DRILLS"
DRILL_EVERY: Final = timedelta(days=366)
_CAME: Final = frozenset({Act.RESTORED, Act.TRANSFERRED})
_ENDED: Final = frozenset({KeyState.DESTROYED})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """A key of the register with its history and its backups."""

    entry: KeyEntry
    history: tuple[HistoryEntry, ...]
    backups: tuple[BackupEntry, ...] = ()


@implements("TRUSTWORKS:ASSURANCE-EVIDENCE-INVENTORY", disabled=())
def nowhere(keys: Sequence[KeyRecord]) -> tuple[str, ...]:
    """The keys that are operational and on no token, as sentences: the register is not what there is."""
    return tuple(
        f"the key {one.entry.label} is operational and on no token"
        for one in keys
        if one.entry.state is KeyState.OPERATIONAL and not places(one.history)
    )


def inventory_item(keys: Sequence[KeyRecord], at: datetime) -> Item:
    """The inventory: label, kind, state and places of each key."""
    rows = [
        {
            "label": one.entry.label,
            "algorithm": one.entry.algorithm,
            "spki_sha256": one.entry.spki_sha256,
            "state": one.entry.state.value,
            "tokens": dict(sorted(places(one.history).items())),
            "backups": len(living_backups(one.history)),
            "probe": one.entry.label == PROBE_LABEL,
        }
        for one in sorted(keys, key=lambda one: (one.entry.label, one.entry.spki_sha256))
    ]
    return judged(
        Kind.INVENTORY,
        "register",
        at,
        findings=nowhere(keys),
        well=f"{len(rows)} keys are in the register.",
        values={"keys": rows},
        requirements=(INVENTORY,),
    )


@implements("TRUSTWORKS:ASSURANCE-EVIDENCE-TRANSFERS", disabled=())
def less_protected(source: Product | None, target: Product | None, serial: str) -> tuple[str, ...]:
    """Why the module that a key came to may protect it less than the one that it was on, as sentences."""
    if target is None:
        return (f"the module with the serial number {serial}, to which it came, is not in the register",)
    if _is_software(target) and source is not None and not _is_software(source):
        return (f"it came from the device {source.id} to {target.id}, which is software",)
    return ()


def _is_software(product: Product) -> bool:
    """Whether it is known to be software; what nobody knows is told by the verdicts."""
    return bool(product.test_module)


@implements("TRUSTWORKS:ASSURANCE-EVIDENCE-DRILLS", disabled=())
def undrilled(record: KeyRecord, at: datetime) -> tuple[str, ...]:
    """The backups of a key that were never shown to bring it back, or not within a year, as sentences."""
    found = []
    for name in living_backups(record.history):
        shown = last_use(record.history, name)
        if shown is None:
            found.append(f"the backup {name[:16]} was never shown to bring the key back")
        elif at - shown.at > DRILL_EVERY:
            found.append(f"the backup {name[:16]} was shown to bring it back last on {shown.at:%Y-%m-%d}")
    return tuple(found)


def custody_items(
    keys: Sequence[KeyRecord], products: Mapping[str, Product], at: datetime
) -> tuple[Item, ...]:
    """One item for each key that has a backup, or came from one; `products` by tokens' serial numbers."""
    return tuple(
        _custody(one, products, at)
        for one in keys
        if one.entry.state not in _ENDED and (one.backups or any(done.act in _CAME for done in one.history))
    )


def _custody(record: KeyRecord, products: Mapping[str, Product], at: datetime) -> Item:
    findings = list(undrilled(record, at))
    moves = []
    for done in record.history:
        if done.act not in _CAME:
            continue
        source = _source(record, done)
        objections = less_protected(products.get(source), products.get(done.serial), done.serial)
        findings += objections
        moves.append(
            {
                "act": done.act.value,
                "at": done.at.isoformat(),
                "backup": done.backup,
                "source": {"serial": source, "product": _id(products.get(source))},
                "target": {"serial": done.serial, "product": _id(products.get(done.serial))},
                "protected_alike": not objections,
            }
        )
    living = set(living_backups(record.history))
    backups = []
    for backup in record.backups:
        shown = last_use(record.history, backup.backup)
        backups.append(
            {
                "backup": backup.backup,
                "made_at": backup.made_at.isoformat(),
                "threshold": backup.threshold,
                "custodians": len(backup.custodians),
                "destroyed": backup.backup not in living,
                "drilled_at": None if shown is None else shown.at.isoformat(),
            }
        )
    return judged(
        Kind.CUSTODY,
        record.entry.label,
        at,
        findings=findings,
        well=f"{len(living)} backup(s), each shown within a year to bring it back; {len(moves)} return(s).",
        values={"spki_sha256": record.entry.spki_sha256, "backups": backups, "moves": moves},
        requirements=(MOVED, DRILLED),
    )


def _source(record: KeyRecord, done: HistoryEntry) -> str:
    """The serial number of the token on which the key was when the backup was made that it came from."""
    made = next(
        (one for one in record.history if one.act is Act.BACKED_UP and one.backup == done.backup), None
    )
    return "" if made is None else made.serial


def _id(product: Product | None) -> str | None:
    return None if product is None else product.id
