"""The certification authorities, and what stands on them: registration, enrolment, status."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from trustworks.app.wiring.modules import Modules
from trustworks.core.errors import Rejected, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trustworks.core.audit import Recorder
    from trustworks.core.module import Key, Module
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.service import Issuance
    from trustworks.issuance.status.crl import CrlPublisher
    from trustworks.issuance.status.services import StatusServices


class Issuing(Modules):
    """What [issuance] asks for."""

    @property
    def issuance_settings(self) -> IssuanceSettings:
        """[issuance]. Raises `Rejected` when the configuration has none."""
        found = self.config.issuance
        if found is None:
            raise Rejected(
                "config.issuance",
                f"{self.loaded.file} has no [issuance]: add it (`trustworks config explain issuance`)"
                " or name another file with --config.",
            )
        return found

    def revoked(self, database: Database, serial: int) -> str | None:
        """Why and since when a certificate of our own is revoked; None while it is not, or for another's."""
        if self.config.issuance is None:
            return None
        from trustworks.issuance.model import serial_hex  # noqa: PLC0415 - where it is configured
        from trustworks.issuance.status import standing  # noqa: PLC0415

        with database.read() as connection:
            return standing.revoked(connection, serial_hex(serial))

    @contextmanager
    def open_issuance(
        self,
        role: str = "issuance",
        *,
        database: Database | None = None,
        recorder: Recorder | None = None,
        module: Callable[[str], Module] | None = None,
    ) -> Iterator[Issuance]:
        """The certification authorities; an authority's token is opened when it is to sign, not before.

        `module` answers the module of a token that the caller has open.
        """
        from trustworks.issuance.ct import Transparency  # noqa: PLC0415
        from trustworks.issuance.enrolment.caa import asker  # noqa: PLC0415
        from trustworks.issuance.enrolment.dnssec import demanded  # noqa: PLC0415
        from trustworks.issuance.enrolment.perspectives.client import corroboration_of  # noqa: PLC0415
        from trustworks.issuance.enrolment.perspectives.corroboration import caa_elsewhere  # noqa: PLC0415
        from trustworks.issuance.service import Issuance  # noqa: PLC0415

        settings = self.issuance_settings
        opened: dict[str, Key] = {}
        corroboration = corroboration_of(settings.perspectives, lab=self.lab)
        with ExitStack() as stack:
            store = database if database is not None else stack.enter_context(self.open_database())
            log = (
                recorder
                if recorder is not None
                else stack.enter_context(self.open_recorder(role, database=store))
            )

            tokens: dict[str, Module] = {}

            def token_of(name: str) -> Module:
                if module is not None:
                    return module(name)
                if name not in tokens:
                    tokens[name] = stack.enter_context(self.open_module(name))
                return tokens[name]

            def key(authority: str) -> Key:
                if authority not in opened:
                    token, label = self.authority_place(store, authority)
                    opened[authority] = token_of(token).key(label)
                return opened[authority]

            yield Issuance(
                settings,
                public_url=self.config.http.public_url,
                keys=key,
                clock=self.open_clock(),
                recorder=log,
                database=store,
                lab=self.lab,
                caa=None
                if settings.caa is None
                else asker(settings.caa, dnssec=demanded(settings, lab=self.lab)),
                caa_elsewhere=None if settings.caa is None else caa_elsewhere(corroboration, settings.caa),
                transparency=None if settings.ct is None else Transparency.of(settings.ct),
            )

    def authority_place(self, database: Database, name: str) -> tuple[str, str]:
        """The token and the label of an authority's key: the configuration's for the two that it names.

        Raises `Unavailable` (issuance.authority-absent) where there is no such authority.
        """
        settings = self.issuance_settings
        labels = {"root": settings.root.key, "issuing": settings.issuing.key}
        if name in labels:
            return name, labels[name]
        from trustworks.issuance import records  # noqa: PLC0415 - where a further authority is asked for

        with database.read() as connection:
            found = records.authority(connection, name)
        if found is None:
            raise Unavailable(
                "issuance.authority-absent",
                f"There is no authority {name!r}. `trustworks keys ceremony plan sub-ca` begins one.",
            )
        return found.token, found.key_label

    def status_services(self, *, module: Module, database: Database, clock: Clock) -> StatusServices:
        """OCSP over the token `services`, and what is published: revocation lists and CA certificates."""
        from trustworks.issuance.status.services import StatusServices  # noqa: PLC0415

        return StatusServices.open(
            self.issuance_settings, module=module, database=database, clock=clock, base=self.base
        )

    def crl_publisher(
        self,
        *,
        database: Database,
        recorder: Recorder,
        clock: Clock,
        tokens: Callable[[str], Module],
        roots: bool = False,
    ) -> CrlPublisher:
        """The publisher of revocation lists; `tokens` opens a token by its name when a list is due.

        Lists of roots are published only with `roots`: no service opens their tokens.
        """
        from trustworks.issuance import records  # noqa: PLC0415
        from trustworks.issuance.status.crl import CrlPublisher  # noqa: PLC0415

        opened: dict[str, Key] = {}

        def key(name: str) -> Key | None:
            if name not in opened:
                with database.read() as connection:
                    found = records.authority(connection, name)
                if found is None or (found.parent is None and not roots):
                    return None
                token, label = self.authority_place(database, name)
                opened[name] = tokens(token).key(label)
            return opened[name]

        return CrlPublisher(
            self.issuance_settings,
            public_url=self.public_url,
            database=database,
            recorder=recorder,
            clock=clock,
            keys=key,
        )
