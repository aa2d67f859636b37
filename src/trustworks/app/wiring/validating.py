"""Validation of signatures, as [validation] asks for it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from trustworks.app.wiring.issuing import Issuing
from trustworks.core.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trustworks.core.audit import Recorder
    from trustworks.core.module import Module
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.validation.config import ValidationSettings
    from trustworks.validation.desk import Desk
    from trustworks.validation.offer import Offer
    from trustworks.validation.report.seal.sealer import Sealer


class Validating(Issuing):
    """What [validation] asks for."""

    @property
    def validation_settings(self) -> ValidationSettings:
        """[validation]. Raises `Rejected` when the configuration has none."""
        found = self.config.validation
        if found is None:
            raise Rejected(
                "config.validation",
                f"{self.loaded.file} has no [validation]: add it (`trustworks config explain validation`) or "
                "name another file with --config.",
            )
        return found

    @property
    def uploads_dir(self) -> Path:
        """The folder on whose disk uploads are put aside, without names."""
        return self.run_dir / "uploads"

    def validation_offer(self) -> Offer:
        """The policies and the trust of the service, read once. Raises `Malformed`."""
        from trustworks.validation.offer import Offer  # noqa: PLC0415 - loads the formats' readers

        offer = Offer(self.validation_settings)
        offer.trusted()
        return offer

    def sealer(self, *, module: Module, database: Database, clock: Clock) -> Sealer:
        """The seal on reports, over the token `services`.

        Raises `Rejected` (config.seal) when the configuration has none, and what `open_sealer` of
        `validation.report.seal.sealer` raises.
        """
        settings = self.validation_settings.seal
        if settings is None:
            raise self._no_seal()
        from trustworks.app.stamper import HttpStamper  # noqa: PLC0415 - loads HTTP
        from trustworks.validation.report.seal.sealer import open_sealer  # noqa: PLC0415 - loads the formats' readers

        return open_sealer(
            settings,
            module.key(settings.key),
            clock=lambda: clock.now().utc,
            stamper=None if settings.time_stamp_url is None else HttpStamper(settings.time_stamp_url),
            revoked=lambda serial: self.revoked(database, serial),
        )

    @contextmanager
    def open_sealer(self) -> Iterator[tuple[Sealer, Recorder]]:
        """The seal on reports for a command, with the audit log. Raises what `sealer` raises."""
        if self.validation_settings.seal is None:
            raise self._no_seal()
        with (
            self.open_database() as database,
            self.open_recorder("operator", database=database) as recorder,
            self.open_module("services") as module,
        ):
            yield self.sealer(module=module, database=database, clock=self.open_clock()), recorder

    def validation_desk(
        self, *, recorder: Recorder, sealer: Sealer | None = None, count: Callable[[str], None] | None
    ) -> Desk:
        """The service of one worker. Raises `Malformed` for a policy or trust that cannot be read."""
        from trustworks.validation.desk import Desk  # noqa: PLC0415 - as above

        return Desk(self.validation_settings, self.validation_offer(), recorder, sealer=sealer, count=count)

    def _no_seal(self) -> Rejected:
        return Rejected(
            "config.seal",
            f"{self.loaded.file} has no [validation.seal], and so reports are not sealed: add it "
            "(`trustworks config explain validation.seal`) or name another file with --config.",
        )
