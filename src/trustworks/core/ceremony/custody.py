"""What is done at the steps by which keys are backed up, brought back and moved, by their custodians.

The mechanism is `core.module`'s, the register `core.keys`'; here they become steps of a script, which go on
after an interruption. Source: EN 319 411-1, GEN-6.5.2-05 and -06.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from trustworks.core.ceremony.actions import (
    Bench,
    Generating,
    algorithm_named,
    check_is_meant,
    inventory,
    remaining,
)
from trustworks.core.ceremony.cards import cards, read_file
from trustworks.core.ceremony.executor import Action, Facts
from trustworks.core.durable import put_new
from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.keys import Act, custody
from trustworks.core.keys.model import living_backups, places
from trustworks.core.module import documents, transfer
from trustworks.core.module.backup import read_backup
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from trustworks.core.ceremony import steps
    from trustworks.core.keys import HistoryEntry, KeyEntry, KeyRegister
    from trustworks.core.module import Module
    from trustworks.core.module.backup import Backup
    from trustworks.core.module.openings import Opening, Purpose, Request


class Vault(Bench, Protocol):
    """A bench with the register of keys, and with custodians who open."""

    @property
    def register(self) -> KeyRegister:
        """What the register is told."""

    def collect(self, request: Request, backup: Backup) -> Opening:
        """Have the custodians of the request open, one after another, each with the token of their own."""


def backup_in(bench: Bench, name: str) -> Backup:
    """The backup in a file of the plan. Raises `Malformed`."""
    return read_backup(read_file(bench.base / name), f"The backup {name}")


class GeneratingWithBackup(Generating):
    """generate-key, with the backup that a key can get while it is made and never afterwards."""

    def __init__(self, bench: Vault) -> None:
        super().__init__(bench)
        self._vault = bench

    def prepare(self, step: steps.GenerateKey) -> Facts:
        """As without; and look at the custodians' cards, and that nothing is in the place of the backup."""
        if step.backup is not None:
            cards(self._vault, step.backup.custodians)
            if (self._vault.base / step.backup.file).exists():
                raise Rejected(
                    "output.exists",
                    f"{step.backup.file} exists already, and may be a key's last copy. Plan another file.",
                )
        return super().prepare(step)

    def look(self, step: steps.GenerateKey, prepared: Facts) -> Facts | None:
        """The key with the identifier that was drawn; what the register does not know of it is entered."""
        facts = super().look(step, prepared)
        if facts is None or step.backup is None:
            return facts
        backup = backup_in(self._vault, step.backup.file)
        key = self._vault.module(step.token).key(key_id=bytes.fromhex(prepared["id"]))
        check_is_meant(step.label, backup.key.spki_sha256, key.spki_sha256.hex())
        self._vault.register.enter(key, backup=backup)
        return facts | self._told(step.backup, backup)

    def perform(self, step: steps.GenerateKey, prepared: Facts) -> Facts:
        """Make the key, and its backup before the key has its place."""
        if step.backup is None:
            return super().perform(step, prepared)
        planned, key_id = step.backup, bytes.fromhex(prepared["id"])
        file = self._vault.base / planned.file
        module = self._vault.module(step.token)
        # Of a run that was broken off: a public half, and the backup of a key that never was.
        module.destroy_id(key_id)
        if file.exists() and backup_in(self._vault, planned.file).key.key_id == key_id:
            file.unlink()
        key, backup = custody.make_key_with_backup(
            self._vault.register,
            self._vault.on_event,
            module,
            label=step.label,
            algorithm=algorithm_named(step.algorithm),
            custodians=cards(self._vault, planned.custodians),
            threshold=planned.threshold,
            keep=lambda made: _keep(file, made),
            key_id=key_id,
        )
        return inventory(key) | self._told(planned, backup)

    @staticmethod
    def _told(planned: steps.KeyBackup, backup: Backup) -> Facts:
        return {
            "backup": backup.digest,
            "backup_file": planned.file,
            "threshold": backup.threshold,
            "custodians": [one.name for one in backup.custodians],
            "cards": {one.name: one.fingerprint for one in planned.custodians},
        }


def _keep(file: Path, backup: Backup) -> None:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        put_new(file, (documents.write(backup),), mode=0o600)
    except OSError as error:
        raise Unavailable(
            "output.unwritable",
            f"{file} cannot be written: {error.strerror}. There is no key; make its folder.",
        ) from None


_PURPOSE: Final[dict[str, Purpose]] = {
    "drill-backup": "drill",
    "restore-key": "restore",
    "transfer-key": "transfer",
}
_SHOWN: Final = {"restore-key": Act.RESTORED, "transfer-key": Act.TRANSFERRED}


class Bringing(Action):
    """drill-backup, restore-key and transfer-key: custodians open, and the key comes to the token."""

    def __init__(self, bench: Vault) -> None:
        self._vault = bench

    def prepare(self, step: steps.DrillBackup | steps.RestoreKey | steps.TransferKey) -> Facts:
        """Hold backup, group and token against the plan, and count what the register knows by then."""
        backup = self._backup(step)
        backup.package(step.custodians)
        token = self._vault.module(step.token).token_uri
        expected = None if self._vault.stands_in else getattr(step, "serial", None)
        if expected is not None and expected != token.serial:
            raise Rejected(
                "ceremony.token",
                f"The token {step.token} has the serial number {token.serial}, and the plan expects "
                f"{expected}. Insert the token that is meant, or have a new plan approved.",
            )
        return {
            "label": step.label,
            "spki_sha256": backup.key.spki_sha256,
            "backup": backup.digest,
            "acts": len(self._history(backup)),
        }

    def look(
        self, step: steps.DrillBackup | steps.RestoreKey | steps.TransferKey, prepared: Facts
    ) -> Facts | None:
        """The key that is there by this step; a drill that was broken off is done again."""
        backup, module = self._backup(step), self._vault.module(step.token)
        entered = [
            one
            for one in self._history(backup)[prepared["acts"] :]
            if one.act is _SHOWN.get(step.kind)
            and one.backup == backup.digest
            and one.serial == module.token_uri.serial
        ]
        if not entered or not module.has(key_id=backup.key.key_id):
            return None
        return self._told(module, step, backup)

    def perform(
        self, step: steps.DrillBackup | steps.RestoreKey | steps.TransferKey, prepared: Facts
    ) -> Facts:
        """Make the transport key, have the custodians open, and bring the key to its place."""
        del prepared
        vault, backup = self._vault, self._backup(step)
        request = transfer.begin(
            vault.module(step.token),
            backup,
            custodians=step.custodians,
            purpose=_PURPOSE[step.kind],
            bits=step.transport_bits,
        )
        opening = vault.collect(request, backup)
        module = vault.module(step.token)  # the custodians' tokens may have closed it
        if step.kind == "drill-backup":
            shown = custody.drill(vault.register, module, request, backup, opening)
            return {
                **_backed_up(backup),
                "backup": backup.digest,
                "custodians": list(opening.opened_by),
                "request": request.fingerprint,
                "nonce": shown.nonce.hex(),
                "signature": shown.signature.hex(),
                "kept": "nothing",
            }
        custody.finish(vault.register, module, request, backup, opening)
        return self._told(module, step, backup) | {"request": request.fingerprint}

    def _backup(self, step: steps.DrillBackup | steps.RestoreKey | steps.TransferKey) -> Backup:
        backup = backup_in(self._vault, step.file)
        if self._vault.stands_in:
            return backup
        check_is_backup(backup.digest, step.backup, step.file)
        check_is_meant(step.label, backup.key.spki_sha256, getattr(step, "spki_sha256", None))
        if backup.key.label != step.label:
            raise Rejected(
                "keys.other-backup",
                f"{step.file} is the backup of the key {backup.key.label!r}, and the plan is about "
                f"{step.label!r}. Plan the file that is meant.",
            )
        return backup

    def _history(self, backup: Backup) -> list[HistoryEntry]:
        for entry, history in self._vault.registered(backup.key.label):
            if entry.spki_sha256 == backup.key.spki_sha256:
                return history
        return []

    def _told(
        self,
        module: Module,
        step: steps.DrillBackup | steps.RestoreKey | steps.TransferKey,
        backup: Backup,
    ) -> Facts:
        history = self._history(backup)
        return {
            **inventory(module.key(key_id=backup.key.key_id)),
            "backup": backup.digest,
            "custodians": list(step.custodians),
            "token_serial": module.token_uri.serial,
            "state": history[-1].state.value,
            "on_tokens": sorted(places(history).values()),
        }


def _backed_up(backup: Backup) -> Facts:
    """What is told of a key that has no place on a token."""
    key = backup.key
    return {
        "label": key.label,
        "id": key.key_id.hex(),
        "algorithm": key.algorithm.value,
        "bits": key.algorithm.bits,
        "spki_sha256": key.spki_sha256,
    }


@implements("EN319411-1:GEN-6.5.1-13B")
def check_is_backup(found: str, expected: str | None, name: str) -> None:
    """Refuse a file that is not the backup that was approved, by its hash."""
    if expected is not None and found != expected:
        raise Refused(
            "EN319411-1:GEN-6.5.1-13B",
            f"The backup in {name} is {found}, and the plan is about {expected}. Put the file that is meant "
            "in its place, or find out who changed it.",
        )


class DestroyingBackup(Action):
    """destroy-backup: it is ordered, people confirm that no copy is left, and the register is told."""

    def __init__(self, bench: Vault) -> None:
        self._vault = bench

    def prepare(self, step: steps.DestroyBackup) -> Facts:
        """Look for the backup in the register."""
        entry, backup = self._meant(step)
        return {"label": entry.label, "spki_sha256": entry.spki_sha256, "backup": backup}

    def look(self, step: steps.DestroyBackup, prepared: Facts) -> Facts | None:
        """Whether the register says that it is destroyed."""
        del step
        for entry, history in self._vault.registered(prepared["label"]):
            if entry.spki_sha256 == prepared["spki_sha256"] and _is_destroyed(history, prepared["backup"]):
                return _after(prepared, history)
        return None

    def perform(self, step: steps.DestroyBackup, prepared: Facts) -> Facts:
        """Ask, remove the file that is here, tell the register."""
        backup = prepared["backup"]
        self._check_file(step.file, backup)
        # Before anything goes: nobody else counts on this copy from now on.
        self._vault.register.order_backup_end(prepared["spki_sha256"], backup, reason=step.reason)
        said = self._vault.confirm(
            f"All copies of the backup {backup[:16]} of the key {step.label} are destroyed, but for the file "
            "that is removed now, if the plan names one."
        )
        self._remove(step.file, backup)
        self._vault.register.backup_destroyed(prepared["spki_sha256"], backup, reason=step.reason)
        history = next(
            history
            for entry, history in self._vault.registered(step.label)
            if entry.spki_sha256 == prepared["spki_sha256"]
        )
        return _after(prepared, history) | {"reason": step.reason, **said}

    def _check_file(self, name: str | None, backup: str) -> Path | None:
        """The file that is to go, where it is there still, and is that backup."""
        if name is None or not (self._vault.base / name).exists():
            return None  # removed by a run that was broken off, or by the people before
        check_is_backup(backup_in(self._vault, name).digest, backup, name)
        return self._vault.base / name

    def _remove(self, name: str | None, backup: str) -> None:
        file = self._check_file(name, backup)
        if file is None:
            return
        try:
            file.unlink()
        except OSError as error:
            raise Unavailable(
                "output.unwritable", f"{file} cannot be removed: {error.strerror}. Let this account do it."
            ) from None

    def _meant(self, step: steps.DestroyBackup) -> tuple[KeyEntry, str]:
        for entry, history in self._vault.registered(step.label):
            living = living_backups(history)
            if self._vault.stands_in and living:
                return entry, living[0]
            if entry.spki_sha256 == step.spki_sha256 and step.backup in living:
                return entry, step.backup
        raise Rejected(
            "keys.unknown-backup",
            f"The key {step.label!r} with that hash has no backup {step.backup[:16]} that is not destroyed. "
            "`trustworks keys backup list` shows those that there are.",
        )


def _is_destroyed(history: Sequence[HistoryEntry], backup: str) -> bool:
    return any(one.act is Act.BACKUP_DESTROYED and one.backup == backup for one in history)


def _after(prepared: Facts, history: Sequence[HistoryEntry]) -> Facts:
    return {**prepared, "state": history[-1].state.value, "remaining": remaining(history)}


def custody_actions(vault: Vault) -> dict[str, Action]:
    """The actions of this file, by the kind of step."""
    made: dict[str, Callable[[Vault], Action]] = {
        "generate-key": GeneratingWithBackup,
        **dict.fromkeys(_PURPOSE, Bringing),
        "destroy-backup": DestroyingBackup,
    }
    return {kind: make(vault) for kind, make in made.items()}
