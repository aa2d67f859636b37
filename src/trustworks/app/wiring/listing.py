"""Our own trusted lists, as [issuance.trusted-list] asks for them: of all services that a list can name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.app.wiring.stamping import Stamping
from trustworks.core.errors import Rejected

if TYPE_CHECKING:
    from trustworks.core.audit import Recorder
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.config import TrustedListSettings
    from trustworks.issuance.trusted_list.issuing import TrustedLists
    from trustworks.issuance.trusted_list.running import Running


class Listing(Stamping):
    """What [issuance.trusted-list] asks for."""

    @property
    def trusted_list_settings(self) -> TrustedListSettings:
        """[issuance.trusted-list]. Raises `Rejected` when the configuration has none."""
        found = self.issuance_settings.trusted_list
        if found is None:
            raise Rejected(
                "config.trusted-list",
                f"{self.loaded.file} has no [issuance.trusted-list]: add it (`trustworks config explain "
                "issuance.trusted-list`) or name another file with --config.",
            )
        return found

    def trusted_lists(
        self, *, database: Database, clock: Clock, recorder: Recorder | None = None
    ) -> TrustedLists:
        """The lists over a database; without a recorder none is issued."""
        from trustworks.issuance.trusted_list.issuing import TrustedLists  # noqa: PLC0415 - seldom asked for

        return TrustedLists(
            self.issuance_settings,
            self.trusted_list_settings,
            public_url=self.public_url,
            base=self.base,
            further=self._units,
            clock=clock,
            database=database,
            recorder=recorder,
        )

    def _units(self) -> list[Running]:
        """The time-stamping units of the configuration. Raises `Malformed`, `Unavailable`."""
        from trustworks.core.pki.trusted_lists.model import SupplyPoint  # noqa: PLC0415 - seldom asked for
        from trustworks.core.pki.trusted_lists.uris import TSA, TSA_QTST  # noqa: PLC0415 - as above
        from trustworks.issuance.trusted_list.running import Running, named, read_first  # noqa: PLC0415 - as above

        settings = self.config.timestamping
        found = []
        for unit in () if settings is None else settings.units:
            certificate = read_first(self.base / unit.certificate)
            qualified = unit.qualified or self.trusted_list_settings.qualified_time_stamps
            kind = TSA_QTST if qualified else TSA
            found.append(
                Running(
                    type=kind,
                    name=named(certificate),
                    certificate=certificate,
                    supply_points=(SupplyPoint(uri=f"{self.public_url}/tsa/{unit.name}", kind=kind),),
                )
            )
        return found
