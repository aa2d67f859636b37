"""Three custodians with a token each, as long as the test run, and the steps of a recovery by some of
them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustworks.core.module import Module, openings, transfer
from trustworks.core.module.custodians import Custodian, make_custodian

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from trustworks.core.module import Key, Pkcs11Uri
    from trustworks.core.module.backup import Backup
    from trustworks.core.module.openings import Opening, Purpose, Request

BITS = 3072


@dataclass(frozen=True, slots=True)
class Custodians:
    """Their cards and tokens, by name."""

    library: Path
    uris: dict[str, Pkcs11Uri]
    cards: tuple[Custodian, ...]

    def open(self, name: str) -> Module:
        return Module.open(self.uris[name], library=self.library, read_write=True, lab=True)

    def ask(
        self, target: Module, backup: Backup, names: Sequence[str], purpose: Purpose = "restore"
    ) -> Request:
        return transfer.begin(target, backup, custodians=names, purpose=purpose, bits=BITS)

    def step(self, request: Request, backup: Backup, opening: Opening | None = None) -> Opening:
        """One custodian opens."""
        name = openings.whose_turn(request, opening)
        assert name
        with self.open(name) as module:
            return transfer.open_next(module, request, backup, opening, fingerprint=request.fingerprint)

    def opened(self, request: Request, backup: Backup) -> Opening:
        """All of the group open, one after another."""
        opening = self.step(request, backup)
        while openings.whose_turn(request, opening):
            opening = self.step(request, backup, opening)
        return opening

    def restore(self, target: Module, backup: Backup, names: Sequence[str]) -> Key:
        request = self.ask(target, backup, names)
        key = transfer.finish(target, request, backup, self.opened(request, backup))
        transfer.abandon(target, request)
        return key


def make_custodians(
    library: Path, make_token: Callable[..., Pkcs11Uri], names: Sequence[str] = ("anna", "boris", "clara")
) -> Custodians:
    """A token and a card for each name."""
    uris, cards = {}, []
    for name in names:
        uris[name] = make_token()
        with Module.open(uris[name], library=library, read_write=True, lab=True) as module:
            cards.append(make_custodian(module, name, bits=BITS))
    return Custodians(library, uris, tuple(cards))
