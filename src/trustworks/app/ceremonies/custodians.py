"""Custodians of a rehearsal, and the backups that its plan expects to be there."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from trustworks.core.durable import put
from trustworks.core.keys import custody
from trustworks.core.module import KeyAlgorithm, Module, Pkcs11Uri, documents, initialise_token
from trustworks.core.module.custodians import Custodian, make_custodian
from trustworks.core.module.events import destroy_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.app.ceremonies.room import Room
    from trustworks.app.wiring import Wiring
    from trustworks.core.ceremony.model import Plan
    from trustworks.core.module.backup import Backup

_BITS: Final = 3072  # they protect nothing
_ELSEWHERE: Final = "audit"  # the scratch token of what the plan has on no token of its own


def _cards(step: Any) -> Iterator[Any]:
    """The cards that a step is given: of custodians, and of those for whom PINs are sealed."""
    if step.kind == "generate-key" and step.backup is not None:
        yield from step.backup.custodians
    elif step.kind == "initialise-token":
        for sealing in filter(None, (step.sealed_pin, step.sealed_so_pin)):
            yield from sealing.operators


class StandIns:
    """Custodians with scratch tokens, under the names that the plan has for them."""

    def __init__(self, scratch: Wiring, plan: Plan) -> None:
        self._scratch = scratch
        self._plan = plan
        self._uris: dict[str, Pkcs11Uri] = {}
        self._cards: dict[str, Custodian] = {}
        for step in plan.steps:
            for card in _cards(step):
                file = scratch.base / card.card
                file.parent.mkdir(parents=True, exist_ok=True)
                put(file, documents.write(self._card(card.name)))

    @contextmanager
    def open(self, name: str, backup: Backup) -> Iterator[Module]:
        """The token of one of them."""
        del backup
        with self._open(name) as module:
            yield module

    def _open(self, name: str) -> Module:
        settings, base = self._scratch.config.module, self._scratch.base
        return Module.open(self._uris[name], settings=settings, base=base, read_write=True)

    def _card(self, name: str) -> Custodian:
        if name not in self._cards:
            folder, label = self._scratch.base, f"custodian {len(self._cards) + 1}"
            pin, so_pin = (secrets.token_urlsafe(18) for _ in range(2))
            file = folder / "secrets" / f"{label}.pin"
            put(file, f"{pin}\n", mode=0o600)
            settings = self._scratch.config.module
            initialise_token(label=label, so_pin=so_pin, user_pin=pin, settings=settings, base=folder)
            self._uris[name] = Pkcs11Uri(token=label, pin_source=f"file:{quote(str(file))}")
            with self._open(name) as module:
                self._cards[name] = make_custodian(module, name, bits=_BITS)
        return self._cards[name]

    def back_up(self, room: Room) -> None:
        """Make the keys and backups that the plan needs and does not make itself."""
        there: set[str] = set()
        destroyed = {one.label: one.token for one in self._plan.steps if one.kind == "destroy-key"}
        for step in self._plan.steps:
            if step.kind == "generate-key" and step.backup is not None:
                there.add(step.label)
            elif step.kind in {"drill-backup", "restore-key", "transfer-key"} and step.label not in there:
                there.add(step.label)
                self._back_up(room, step, step.token, step.custodians)
            elif step.kind == "destroy-backup" and step.label not in there:
                there.add(step.label)
                self._back_up(room, step, destroyed.get(step.label, _ELSEWHERE), ("first", "second"))

    def _back_up(self, room: Room, step: Any, token: str, names: tuple[str, ...]) -> None:
        cards = [self._card(name) for name in names]

        def keep(backup: Backup) -> None:
            if step.file is not None:
                file = room.base / step.file
                file.parent.mkdir(parents=True, exist_ok=True)
                put(file, documents.write(backup))

        key, _ = custody.make_key_with_backup(
            room.register,
            room.on_event,
            room.module(token),
            label=step.label,
            algorithm=KeyAlgorithm.P256,
            custodians=cards,
            threshold=len(cards),
            keep=keep,
        )
        if step.kind in {"restore-key", "transfer-key"}:
            destroy_key(room.on_event, room.module(token), key, reason="it is lost in this rehearsal")
