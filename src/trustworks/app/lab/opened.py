"""What the steps of a set-up share: tokens, database and log, open for as long as it takes."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.app.certificates import spki
from trustworks.app.lab import complete
from trustworks.app.wiring import Wiring
from trustworks.core.durable import put
from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.keys import registered_events
from trustworks.core.module.events import new_key
from trustworks.core.time import LabClock
from trustworks.issuance import records
from trustworks.issuance.service import Issuance

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.app.lab.layout import Layout
    from trustworks.core.audit import Recorder
    from trustworks.core.module import Key, KeyAlgorithm, Module
    from trustworks.core.store import Database

AUTHORITIES = ("root", "issuing")  # the names of their tokens too
BY = "lab"  # the actor in the audit log


class Opened:
    """What is opened when a step first asks for it, and stays open until `close`.

    `notes` are sentences about what else was changed, for the laboratory's owner.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.wiring = Wiring.lazy(layout.config)
        self._stack = ExitStack()
        self._modules: dict[str, Module] = {}
        self._opened: tuple[Database, Recorder] | None = None
        self.notes: list[str] = []

    def close(self) -> None:
        """Close what the steps have opened."""
        self._stack.close()

    def label(self, name: str) -> str:
        """The label of an authority's key."""
        settings = self.wiring.issuance_settings
        return settings.root.key if name == "root" else settings.issuing.key

    def module(self, token: str) -> Module:
        """The module, open on a token for as long as the set-up takes."""
        if token not in self._modules:
            self._modules[token] = self._stack.enter_context(self.wiring.open_module(token, read_write=True))
        return self._modules[token]

    def find(self, token: str, label: str) -> Key | None:
        """The key with that label, where it is there."""
        try:
            return self.module(token).key(label)
        except Unavailable as error:
            if error.code != "module.key-absent":
                raise
            return None

    def make(self, token: str, label: str, algorithm: KeyAlgorithm) -> Key:
        """A new key with that label."""
        return new_key(registered_events(self.log()[1]), self.module(token), label=label, algorithm=algorithm)

    def issuance(self) -> Issuance:
        """Issuance over the open tokens. A ceremony in a laboratory has no other clock than the machine's."""
        database, recorder = self.log()
        return Issuance(
            self.wiring.issuance_settings,
            public_url=self.wiring.config.http.public_url,
            keys=lambda name: self.module(name).key(self.label(name)),
            clock=LabClock(),
            recorder=recorder,
            database=database,
            lab=True,
        )

    def log(self) -> tuple[Database, Recorder]:
        """The database, and the audit log's writer."""
        if self._opened is None:
            database = self._stack.enter_context(self.wiring.open_database())
            recorder = self._stack.enter_context(self.wiring.open_recorder("lab", database=database))
            self._opened = database, recorder
        return self._opened

    def authority(self, name: str) -> bytes:
        """An authority's certificate in DER. Raises `Unavailable` (lab.authority) where there is none."""
        database, _ = self.log()
        with database.read() as connection:
            found = records.authority(connection, name)
        if found is None:
            raise Unavailable(
                "lab.authority", f"The authority {name} is missing; run `trustworks lab` again."
            )
        return found.certificate

    def write(self, name: str, *certificates: bytes) -> Path | None:
        """Write a file of certificates, the first of them a service's.

        One of another key is never written over; answers under which other name it is kept. Old signatures
        are verified with it, or its owner put it there.
        """
        file, kept = self.layout.certificate(name), None
        own = spki(x509.load_der_x509_certificate(certificates[0]).public_key())
        try:
            another = complete.is_for_another_key(self.layout, name, own)
        except Malformed:  # whatever it is, it may be its owner's
            another = True
        if another:
            kept = self.layout.free_certificate(name)
            file.rename(kept)
            self.notes.append(f"What {file} held before is kept in {kept}.")
        put(file, b"".join(pem(der) for der in certificates))
        return kept


def pem(der: bytes) -> bytes:
    """A certificate as a file holds it."""
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
