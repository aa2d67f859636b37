"""What a process that ends in the middle of a step leaves on a token, and what the next one makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from key_custodians import BITS, Custodians, make_custodians

from trustworks.core.audit import Recorder
from trustworks.core.ceremony import steps
from trustworks.core.ceremony.actions import Destroying
from trustworks.core.ceremony.custody import Bringing, DestroyingBackup, GeneratingWithBackup
from trustworks.core.errors import Refused, Rejected
from trustworks.core.keys import KeyRegister, records, registered_events
from trustworks.core.module import KeyAlgorithm, documents
from trustworks.core.module import backup as backups
from trustworks.core.module.backup import read_backup
from trustworks.core.module.events import destroy_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trustworks.core.keys import HistoryEntry, KeyEntry
    from trustworks.core.module import Module, Pkcs11Uri
    from trustworks.core.module.backup import Backup
    from trustworks.core.module.events import OnEvent
    from trustworks.core.module.openings import Opening, Request
    from trustworks.core.module.tokens import TokenState
    from trustworks.core.store import Database

WHO: Any = {"phase": "x", "by": ("anna", "boris")}


class _KilledError(BaseException):
    """Stands for the end of the process."""


@dataclass
class Bench:
    """A folder, a token, a database, custodians."""

    base: Path
    token: Module
    database: Database
    recorder: Recorder
    custodians: Custodians
    stands_in: bool = False

    @property
    def on_event(self) -> OnEvent:
        return registered_events(self.recorder)

    @property
    def register(self) -> KeyRegister:
        return KeyRegister(self.recorder, by="ceremony")

    def module(self, token: str) -> Module:
        assert token == "issuing"
        return self.token

    def registered(self, label: str) -> list[tuple[KeyEntry, list[HistoryEntry]]]:
        with self.database.read() as connection:
            return [
                (one, records.history_of(connection, one.spki_sha256))
                for one in records.keys_with(connection, label=label)
            ]

    def acts(self, label: str) -> list[str]:
        return [one.act.value for _, history in self.registered(label) for one in history]

    def confirm(self, what: str) -> dict[str, Any]:
        assert "are destroyed" in what
        return {"confirmed": "yes"}

    def collect(self, request: Request, backup: Backup) -> Opening:
        return self.custodians.opened(request, backup)

    def token_labels(self) -> frozenset[str]:
        raise NotImplementedError

    def initialise(
        self, label: str, *, so_pin: str, user_pin: str, keep: Callable[[str], None] | None = None
    ) -> None:
        raise NotImplementedError

    def open_new(self, uri: Pkcs11Uri, pin: bytes | None = None) -> Module:
        raise NotImplementedError

    def token_state(self, label: str) -> TokenState:
        raise NotImplementedError

    def open_made(self, label: str) -> Module | None:
        raise NotImplementedError

    def is_approved(self, serial: str) -> bool:
        raise NotImplementedError

    def hold(self, label: str, pin: bytes) -> None:
        raise NotImplementedError

    def approve(self, module: Module) -> None:
        raise NotImplementedError

    def note_officer_pin(self, label: str, file: Path) -> None:
        raise NotImplementedError

    @property
    def oaep_sha1(self) -> bool:
        return True


@pytest.fixture(scope="module")
def custodians(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> Custodians:
    return make_custodians(softhsm, make_token, ("anna", "boris"))


@pytest.fixture
def bench(tmp_path: Path, module: Module, database: Database, custodians: Custodians) -> Iterator[Bench]:
    for card in custodians.cards:
        (tmp_path / f"{card.name}.json").write_bytes(documents.write(card))
    with Recorder.open(database, "ceremony") as recorder:
        yield Bench(tmp_path, module, database, recorder, custodians)


def generate(bench: Bench, *, backup: bool) -> steps.GenerateKey:
    cards = tuple(
        steps.Card(name=one.name, card=f"{one.name}.json", fingerprint=one.fingerprint)
        for one in bench.custodians.cards
    )
    planned = steps.KeyBackup(file="backups/ca.json", threshold=2, custodians=cards) if backup else None
    return steps.GenerateKey(
        **WHO, kind="generate-key", token="issuing", label="ca", algorithm="P-256", backup=planned
    )


def test_a_key_that_was_made_before_it_was_told_of_is_told_of_and_entered(bench: Bench) -> None:
    action, step = GeneratingWithBackup(bench), generate(bench, backup=False)
    prepared = action.prepare(step)
    # As after a kill between the making of the key and the event.
    bench.token.generate_key_pair(
        label="ca", algorithm=KeyAlgorithm.P256, key_id=bytes.fromhex(prepared["id"])
    )
    assert bench.registered("ca") == []
    facts = action.look(step, prepared)
    assert facts is not None
    assert action.look(step, prepared) == facts
    assert bench.acts("ca") == ["entered"]
    # And the same at its end.
    destroying = Destroying(bench)
    going = steps.DestroyKey(
        **WHO,
        kind="destroy-key",
        token="issuing",
        label="ca",
        spki_sha256=facts["spki_sha256"],
        reason="its end",
    )
    told = destroying.prepare(going)
    assert destroying.look(going, told) is None
    bench.token.destroy_id(bytes.fromhex(told["id"]))
    gone = destroying.look(going, told)
    assert gone is not None
    assert (gone["state"], gone["remaining"]) == ("destroyed", {"tokens": [], "backups": []})
    assert destroying.look(going, told) == gone
    assert bench.acts("ca") == ["entered", "removed"]


@pytest.mark.req("EN319411-1:GEN-6.5.2-06", "EN319411-1:GEN-6.5.2-13")
def test_a_backup_made_drilled_brought_back_and_destroyed_whatever_ends_the_process(  # noqa: PLR0915 - a life
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    action, step = GeneratingWithBackup(bench), generate(bench, backup=True)
    file = bench.base / "backups" / "ca.json"
    prepared = action.prepare(step)
    # Killed when the backup is kept, and the key has no place yet.
    with monkeypatch.context() as patch:
        patch.setattr(backups, "place_public", _killed)
        with pytest.raises(_KilledError):
            action.perform(step, prepared)
    orphan = read_backup(file.read_bytes())
    assert (action.look(step, prepared), bench.registered("ca")) == (None, [])
    # Killed when the key has its place, and the register does not know of it.
    with monkeypatch.context() as patch:
        patch.setattr(KeyRegister, "enter", _killed)
        patch.setattr(type(bench.token), "destroy", lambda *_: None)
        with pytest.raises(_KilledError):
            action.perform(step, prepared)
    facts = action.look(step, prepared)
    assert facts is not None
    backup = read_backup(file.read_bytes())
    assert backup.digest == facts["backup"] != orphan.digest
    assert file.stat().st_mode & 0o777 == 0o600
    assert (action.look(step, prepared), bench.acts("ca")) == (facts, ["entered", "backed-up"])
    with pytest.raises(Rejected, match="may be a key's last copy"):
        action.prepare(step)

    bringing = Bringing(bench)
    planned: Any = {
        **WHO,
        "token": "issuing",
        "label": "ca",
        "file": "backups/ca.json",
        "custodians": ("anna", "boris"),
        "backup": backup.digest,
        "transport_bits": BITS,
    }
    drilling = steps.DrillBackup(**planned, kind="drill-backup")
    assert bringing.perform(drilling, bringing.prepare(drilling))["kept"] == "nothing"
    spki = facts["spki_sha256"]
    key = bench.token.key("ca")
    destroy_key(bench.on_event, bench.token, key, reason="lost")

    restoring = steps.RestoreKey(**planned, kind="restore-key", spki_sha256=spki)
    told = bringing.prepare(restoring)
    # Killed when the key is back, and the register does not know of it: it is entered, not made anew.
    with monkeypatch.context() as patch:
        patch.setattr(KeyRegister, "restored", _killed)
        with pytest.raises(_KilledError):
            bringing.perform(restoring, told)
    assert bench.token.key("ca").spki_sha256.hex() == spki
    assert bringing.look(restoring, told) is None
    back = bringing.perform(restoring, told)
    assert (back["state"], back["protection"]["extractable"]) == ("operational", False)
    assert bench.acts("ca")[-1] == "restored"
    again = bringing.look(restoring, told)
    assert again == {name: value for name, value in back.items() if name != "request"}
    assert bench.acts("ca").count("restored") == 1

    # A file in its place that is another backup is not removed for it, and the register is told nothing.
    ending = DestroyingBackup(bench)
    end = steps.DestroyBackup(
        **WHO,
        kind="destroy-backup",
        label="ca",
        spki_sha256=spki,
        backup=backup.digest,
        reason="its end",
        file="backups/ca.json",
    )
    told = ending.prepare(end)
    file.write_bytes(documents.write(orphan))
    with pytest.raises(Refused, match="Put the file that is meant in its place"):
        ending.perform(end, told)
    assert bench.acts("ca")[-1] == "restored"
    file.write_bytes(documents.write(backup))
    with monkeypatch.context() as patch:
        patch.setattr(KeyRegister, "backup_destroyed", _killed)
        with pytest.raises(_KilledError):
            ending.perform(end, told)
    assert not file.exists()
    assert bench.acts("ca")[-1] == "backup-end-ordered"  # before the file went
    assert ending.look(end, told) is None
    done = ending.perform(end, told)
    assert done["remaining"]["backups"] == []
    assert ending.look(end, told) == {name: done[name] for name in (*told, "state", "remaining")}


def _killed(*_: Any, **__: Any) -> Any:
    raise _KilledError
