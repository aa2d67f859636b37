"""The time-stamping authority."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.app.wiring.issuing import Issuing
from trustworks.core.errors import Rejected

if TYPE_CHECKING:
    from trustworks.core.audit import Recorder
    from trustworks.core.module import Module
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.timestamping.config import TimestampingSettings
    from trustworks.timestamping.service import TimestampingAuthority


class Stamping(Issuing):
    """What [timestamping] asks for."""

    @property
    def timestamping_settings(self) -> TimestampingSettings:
        """[timestamping]. Raises `Rejected` when the configuration has none."""
        found = self.config.timestamping
        if found is None:
            raise Rejected(
                "config.timestamping",
                f"{self.loaded.file} has no [timestamping]: add it (`trustworks config explain timestamping`)"
                " or name another file with --config.",
            )
        return found

    def timestamping_authority(
        self, *, module: Module, recorder: Recorder, database: Database, clock: Clock
    ) -> TimestampingAuthority:
        """The time-stamping authority over the token `tsu`."""
        from trustworks.timestamping.service import TimestampingAuthority  # noqa: PLC0415

        return TimestampingAuthority(
            self.timestamping_settings,
            keys=module.key,
            clock=clock,
            time_settings=self.config.time,
            recorder=recorder,
            database=database,
            lab=self.lab,
            revoked=lambda serial: self.revoked(database, serial),
        )
