"""The time-stamping authority."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.app.wiring.issuing import Issuing
from trustworks.core.errors import Rejected, TrustworksError

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
            keys=lambda label: module.key(unit_key_label(self.timestamping_settings, database, label)),
            clock=clock,
            time_settings=self.config.time,
            recorder=recorder,
            database=database,
            lab=self.lab,
            revoked=lambda serial: self.revoked(database, serial),
        )


def unit_key_label(settings: TimestampingSettings, database: Database, configured: str) -> str:
    """The label of the key whose certificate is in the file of the unit with this configured label.

    That is a later generation's after a rollover. Where the register does not know the key, or the file
    cannot be read, it is the configured one: what is wrong is found when the unit is loaded.
    """
    from hashlib import sha256  # noqa: PLC0415 - as above

    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 - as above

    from trustworks.core.der.x509 import public_key_info  # noqa: PLC0415 - as above
    from trustworks.core.keys import records  # noqa: PLC0415 - as above
    from trustworks.timestamping.unit import read_certificates  # noqa: PLC0415 - as above

    unit = next(one for one in settings.units if one.key_label == configured)
    try:
        certificates = read_certificates(unit.certificate)
    except TrustworksError:
        return configured
    if not certificates:
        return configured
    digest = sha256(public_key_info(certificates[0].public_bytes(Encoding.DER))).hexdigest()
    with database.read() as connection:
        found = records.key(connection, digest)
    return configured if found is None else found.label
