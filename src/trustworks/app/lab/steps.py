"""Makes what a laboratory lacks, in steps that can be broken off anywhere and done again.

Each step looks for what is there, and makes only what is missing. What a step makes appears whole or not at
all: files by renaming, tokens by moving their folder, records by one transaction. A key without a certificate
is taken up where it was left, and a certificate without its file is read from the database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.app.ceremonies.room import Room
from trustworks.app.lab import ceremonies, complete
from trustworks.app.lab.opened import AUTHORITIES, BY, pem
from trustworks.app.lab.services import ServiceSteps
from trustworks.app.lab.tokens import TokenSteps
from trustworks.app.wiring.modules import TOKENS
from trustworks.core.durable import put
from trustworks.core.module import KeyAlgorithm
from trustworks.core.time import LabClock
from trustworks.issuance import records

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.issuance.config import AuthoritySettings

Step = tuple[str, "Callable[[], None]"]


class Setup(TokenSteps, ServiceSteps):
    """One run of the set-up: `steps`, to be done in their order. What is there already costs little."""

    def steps(self) -> list[Step]:
        """The steps, each with the words for the progress display."""
        return [
            ("Database", self.database),  # first: what is made is in its audit log
            ("Tokens in the cryptographic module", self.tokens),
            ("Root CA", self.root),
            ("Issuing CA", self.issuing),
            ("Time-stamping unit", self.time_stamping),
            ("OCSP responder", self.ocsp),
            ("Audit log's signer", self.audit),
            ("CMP server", self.cmp),
            ("Seal on validation reports", self.report_seal),
            ("Signer of trusted lists", self.list_signer),
            ("Registration authority's key", self.registration),
            ("HTTPS server", self.tls),
            ("Trusted lists", self.trusted_lists),
            ("Qualified seal on documents", self.own_seal),  # after the list that says so of its authority
            ("Revocation lists", self.lists),
            ("Transcripts of the key ceremonies", self.ceremonies),
            ("Trust anchors", self.anchors),
            ("Register of products", self.products),
        ]

    def database(self) -> None:
        """Make the database, or bring its schema up to date."""
        with self.wiring.open_database(check=False) as database:
            database.upgrade()

    def root(self) -> None:
        """The root's key and its self-signed certificate."""
        self._ceremony("root", self.wiring.issuance_settings.root)

    def issuing(self) -> None:
        """The issuing authority's key, and its certificate by the root."""
        self._ceremony("issuing", self.wiring.issuance_settings.issuing, parent="root")
        self.write("issuing", self.authority("issuing"))

    def ceremonies(self) -> None:
        """The folders of the ceremonies by which the authorities were made."""
        ceremonies.write_folders(self._room(), self.layout, AUTHORITIES)

    def _ceremony(self, name: str, settings: AuthoritySettings, *, parent: str | None = None) -> None:
        database, _ = self.log()
        room = self._room()
        with database.read() as connection:
            made = records.authority(connection, name) is not None
        if made and ceremonies.is_over(room, name):
            return
        sealing = self.wiring.config.audit.key
        if self.find("audit", sealing) is None:
            self.make("audit", sealing, KeyAlgorithm.P256)
        ceremonies.make_authority(room, name, settings, parent=parent, key=self.find(name, settings.key))

    def _room(self) -> Room:
        database, recorder = self.log()
        return Room(
            self.wiring,
            database=database,
            recorder=recorder,
            clock=LabClock(),
            by=BY,
            module=self.module,
        )

    def products(self) -> None:
        """The modules and this software in the register of products, with what uses them."""
        from importlib.metadata import version  # noqa: PLC0415 - costs 30 ms

        from trustworks.assurance.discovering import Shown, enter_discovered, kinds_on  # noqa: PLC0415 - as above
        from trustworks.assurance.service import Register  # noqa: PLC0415 - as above

        database, recorder = self.log()
        infos = {name: self.module(name).info() for name in TOKENS}
        with database.read() as connection:
            shown = {
                name: Shown(
                    info=info,
                    uri=self.wiring.token_uri(name),
                    algorithms=kinds_on(connection, info.token_serial),
                )
                for name, info in infos.items()
            }
            enter_discovered(
                Register(recorder, by=BY),
                connection,
                shown,
                self.wiring.evidence_sources().services,
                version("trustworks"),
            )

    def lists(self) -> None:
        """The revocation list of every authority whose list is missing or due, the root's among them."""
        from trustworks.issuance.status.crl import CrlPublisher, crl_states  # noqa: PLC0415 - not always

        database, recorder = self.log()
        settings = self.wiring.issuance_settings
        clock = LabClock()
        due = {one.authority for one in crl_states(settings, database, clock.now().utc) if one.due}
        publisher = CrlPublisher(
            settings,
            public_url=self.wiring.config.http.public_url,
            database=database,
            recorder=recorder,
            clock=clock,
            keys={name: self.module(name).key(self.label(name)) for name in due},
        )
        publisher.publish_due(actor=BY)

    def anchors(self) -> None:
        """The trust anchors, for whoever verifies; and the mark that the set-up is complete."""
        root, issuing = (pem(self.authority(name)) for name in AUTHORITIES)
        for file, content in zip(self.layout.anchors, (root, issuing, issuing + root), strict=True):
            put(file, content)
        put(self.layout.complete, complete.keys_mark(self.layout, self.wiring))
