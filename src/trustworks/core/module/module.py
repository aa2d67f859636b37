"""The cryptographic module, opened on one token: finds, makes and destroys keys."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.module import library as libraries
from trustworks.core.module import objects, probe
from trustworks.core.module.agreed import check_key_algorithm
from trustworks.core.module.constants import Attribute, ObjectClass
from trustworks.core.module.key import Key
from trustworks.core.module.pin import check_pin, read_pin
from trustworks.core.module.pkcs11 import Cryptoki, text
from trustworks.core.module.sessions import Connection
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from trustworks.core.module.algorithms import KeyAlgorithm
    from trustworks.core.module.config import ModuleSettings
    from trustworks.core.module.probe import Approval, ModuleHealth, ModuleInfo
    from trustworks.core.module.uri import Pkcs11Uri


def today_utc() -> date:
    """The day by the system clock; services hand in their trusted clock's."""
    return datetime.now(UTC).date()


class Module:
    """An open token of the cryptographic module; made by `Module.open`, closed by `close` or the with statement.

    Threads share it. A forked child process is refused (module.forked): workers are spawned.
    """

    def __init__(self, connection: Connection, *, lab: bool, today: Callable[[], date]) -> None:
        self.connection = connection
        self.cryptoki = connection.cryptoki
        self.uri = connection.uri
        self.lab = lab
        self.today = today
        self.mechanisms = frozenset(self.cryptoki.mechanisms(connection.slot))
        info = self.cryptoki.token_info(connection.slot)
        self.token_uri = replace(
            self.uri,
            token=text(info.label),
            serial=text(info.serialNumber),
            manufacturer=text(info.manufacturerID),
            model=text(info.model),
            slot_id=None,
            pin_source=None,
            module_name=None,
            module_path=None,
        )

    @classmethod
    def open(
        cls,
        uri: Pkcs11Uri,
        *,
        library: Path | Cryptoki | None = None,
        read_write: bool = False,
        lab: bool = False,
        base: Path | None = None,
        today: Callable[[], date] = today_utc,
        settings: ModuleSettings | None = None,
    ) -> Module:
        """Open the token that `uri` names, with the PIN from its pin-source (a relative file is meant from `base`).

        Raises `Unavailable` (module.library-absent, module.token-absent, module.pin-wrong, module.pin-locked, ...)
        and `Refused` (TRUSTWORKS:MODULE-PIN-*), each with one sentence that says what to do.
        """
        pin = read_pin(uri, base=base)
        lab = lab or (settings is not None and settings.lab)
        check_pin(pin, whose=str(uri), lab=lab)
        cryptoki, lock_file = _library(uri, library, settings, base)
        connection = Connection(cryptoki, uri, pin, read_write=read_write, lock_file=lock_file)
        with libraries.start_lock(cryptoki.path, lock_file), cryptoki.lock:
            try:
                connection.open()
            except Unavailable as error:
                if error.code != "module.token-absent" or cryptoki.users:
                    raise
                libraries.start_afresh(cryptoki)  # it may have appeared since the library listed the slots
                connection.open()
            cryptoki.users += 1
        try:
            return cls(connection, lab=lab, today=today)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Close the sessions and log out; further use answers module.closed."""
        if not self.connection.closed:
            self.connection.close()
            self.cryptoki.users -= 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # Keys

    def generate_key_pair(self, *, label: str, algorithm: KeyAlgorithm, key_id: bytes | None = None) -> Key:
        """Make a key pair in the module whose private key can never leave it; the module must be open read_write.

        `Refused` where the algorithm is not agreed today (ECCG-ACM:KEYS) or the module does not protect the new key
        as asked (TRUSTWORKS:MODULE-KEY-INSIDE; the key is destroyed). `Rejected` (module.key-exists) for a label in use.
        """
        check_key_algorithm(algorithm, self.today(), lab=self.lab)
        identity = key_id or self.random(20)
        if self._find(label=label) or self._find(key_id=identity):
            raise Rejected(
                "module.key-exists",
                f"A key with the label {label!r} or that id is on the token already; use another.",
            )
        self.connection.run(
            lambda session: objects.generate(
                self.cryptoki, session, self.mechanisms, algorithm, label, identity
            )
        )
        key = self.key(key_id=identity)
        try:
            check_protection(key.attributes(), label)
        except Refused:
            self.destroy(key)
            raise
        return key

    def key(self, label: str | None = None, key_id: bytes | None = None) -> Key:
        """The one private key with this label or id (or both)."""
        found = self._find(label=label, key_id=key_id)
        if len(found) == 1:
            return self._key(found[0])
        name = f"with the label {label!r}" if label is not None else f"with the id {(key_id or b'').hex()}"
        if found:
            raise Unavailable(
                "module.key-ambiguous",
                f"{len(found)} keys {name} are on {self.token_uri}; name one by its id.",
            )
        raise Unavailable(
            "module.key-absent",
            f"No private key {name} is on {self.token_uri}. `trustworks module keys` lists those that are there.",
        )

    def keys(self) -> list[Key]:
        """All private keys of the token that Trustworks can use, by label."""
        found = []
        for handle in self._find():
            try:
                found.append(self._key(handle))
            except (Unavailable, Rejected):
                continue  # a key of another kind, or without its public key
        return sorted(found, key=lambda key: (key.label, key.key_id))

    def destroy(self, key: Key) -> None:
        """Destroy the private and the public key object; there is no way back."""
        self.connection.run(lambda session: objects.destroy(self.cryptoki, session, key.key_id))

    def random(self, length: int) -> bytes:
        """Random octets from the module."""
        return self.connection.run(lambda session: self.cryptoki.random(session, length))

    def private_handle(self, key_id: bytes) -> int:
        """The private key object's number in the present connection."""
        found = self._find(key_id=key_id)
        if len(found) != 1:
            raise Unavailable(
                "module.key-absent", f"The key with the id {key_id.hex()} is no longer on {self.token_uri}."
            )
        return found[0]

    def _find(self, *, label: str | None = None, key_id: bytes | None = None) -> list[int]:
        wanted: dict[Attribute, Any] = {Attribute.CLASS: ObjectClass.PRIVATE_KEY}
        if label is not None:
            wanted[Attribute.LABEL] = label
        if key_id is not None:
            wanted[Attribute.ID] = key_id
        return self.connection.run(lambda session: self.cryptoki.find(session, wanted))

    def _key(self, handle: int) -> Key:
        generation = self.connection.generation
        found = self.connection.run(lambda session: objects.read(self.cryptoki, session, handle))
        return Key(
            self,
            label=found.label,
            key_id=found.key_id,
            algorithm=found.algorithm,
            public_key=found.public_key,
            handle=handle,
            generation=generation,
        )

    # Probes

    def info(self) -> ModuleInfo:
        """Library, token, mechanisms and capabilities."""
        return probe.info(self)

    def health(self, approved: Approval | None = None) -> ModuleHealth:
        """Sign and verify with the probe key, look at the random numbers, compare with what was approved."""
        return probe.health(self, approved)


@implements("TRUSTWORKS:MODULE-KEY-INSIDE")
def check_protection(attributes: dict[str, bool | None], label: str) -> None:
    """Refuse a new private key that the module could give out.

    What a module does not answer (None) is not held against it; what it answers must be right.
    """
    required = {
        "private": True,
        "sensitive": True,
        "always_sensitive": True,
        "extractable": False,
        "never_extractable": True,
        "local": True,
        "sign": True,
    }
    wrong = [name for name, value in required.items() if attributes.get(name) not in {None, value}]
    if wrong or attributes.get("sensitive") is None or attributes.get("extractable") is None:
        raise Refused(
            "TRUSTWORKS:MODULE-KEY-INSIDE",
            f"The module does not protect the new key {label!r} as asked ({', '.join(wrong) or 'no answer'}); it was "
            "destroyed. Use a module that keeps private keys sensitive and not extractable.",
        )


def _library(
    uri: Pkcs11Uri, library: Path | Cryptoki | None, settings: ModuleSettings | None, base: Path | None
) -> tuple[Cryptoki, Path | None]:
    if isinstance(library, Cryptoki):
        return library, None
    folder = base or Path()
    named = Path(uri.module_path) if uri.module_path else None
    path = libraries.find_library(library or named or (settings.library if settings else None))
    lock_file = folder / settings.lock_file if settings and settings.lock_file else None
    if settings and settings.softhsm2_conf:
        os.environ["SOFTHSM2_CONF"] = str((folder / settings.softhsm2_conf).absolute())
    with libraries.start_lock(path, lock_file):
        return libraries.load(path, parameters=settings.library_parameters if settings else None), lock_file
