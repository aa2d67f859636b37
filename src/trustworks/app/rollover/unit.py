"""The key of a time-stamping unit, replaced by the jobs; the steps are `generations`'.

Where the present certificate is the provider's own, its authority certifies the next key. Where it is
another authority's, a request is laid into the folder ``rollover`` beside the records, and the operator
brings the certificate (``trustworks keys rollover take``). Source: EN 319 421, 7.6.7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.app import certificates
from trustworks.app.rollover.generations import BY, ServiceRollover
from trustworks.core.durable import put
from trustworks.core.errors import Unavailable
from trustworks.core.module.requests import certification_request
from trustworks.core.trace import implements
from trustworks.issuance import records
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.model.requests import Door, Request
from trustworks.timestamping import unit as units

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime
    from pathlib import Path

    from trustworks.app.configuration.settings import RolloverSettings
    from trustworks.core.audit import Recorder
    from trustworks.core.module import Key, Module
    from trustworks.core.store import Database
    from trustworks.issuance.service import Issuance
    from trustworks.timestamping.config import TimestampingSettings, UnitSettings

PROFILE = "tsu"


class UnitRollover(ServiceRollover):
    """One round at a time, for one unit. `module` is the token `tsu`, open for writing, in whatever state.

    `folder` is where requests and certificates lie meanwhile. `issuance` is None where the provider has no
    authority. `clock_mode`, `lab` and `today` are those by which the unit is checked before it is used.
    """

    def __init__(
        self,
        settings: RolloverSettings,
        timestamping: TimestampingSettings,
        unit: UnitSettings,
        *,
        folder: Path,
        issuance: Issuance | None,
        module: Module,
        database: Database,
        recorder: Recorder,
        clock_mode: str,
        lab: bool,
        today: Callable[[], date],
    ) -> None:
        super().__init__(
            settings,
            use=f"tsu/{unit.name}",
            label=unit.key_label,
            file=unit.certificate,
            module=module,
            database=database,
            recorder=recorder,
            taken=frozenset(one.key_label for one in timestamping.units if one is not unit),
        )
        self.whose = f"The time-stamping unit {unit.name}'s"
        self._timestamping = timestamping
        self._unit = unit
        self._folder = folder
        self._issuance = issuance
        self._clock_mode = clock_mode
        self._lab = lab
        self._today = today

    @implements("EN319421:7.6.7-NEW-KEY", "EN319421:7.6.7-DESTROY", disabled="Nothing is due.")
    def round(self, now: datetime) -> str:
        """Take the next step, and answer a sentence about it. Raises what the steps raise.

        Raises `Unavailable` (rollover.key-expires) where a setting would end every key that follows.
        """
        if self._unit.key_expires is not None:
            raise Unavailable(
                "rollover.key-expires",
                f"The key of the unit {self._unit.name} is not replaced by the jobs: its key-expires would "
                "end every key that follows. Leave key-expires out, or tsu out of [rollover] unattended.",
            )
        return super().round(now)

    def _end(self, current: x509.Certificate) -> datetime:
        found = certificates.key_end(current, self._unit.key_expires)
        return current.not_valid_after_utc if found is None else found

    def _certificate(self, key: Key, current: x509.Certificate, now: datetime) -> x509.Certificate | str:
        file = self._folder / f"{key.label}.pem"
        with self._database.read() as connection:
            own = records.certificate(connection, f"{current.serial_number:040x}")
        if own is not None and self._issuance is not None:
            der, chain = self._issued(key, current, self._issuance, now)
            found = (der, *chain)
            pem = b"".join(x509.load_der_x509_certificate(one).public_bytes(Encoding.PEM) for one in found)
            put_file(file, pem)
        if not file.is_file():
            request = file.with_suffix(".csr")
            if not request.is_file():
                csr = x509.load_der_x509_csr(certification_request(key, current.subject))
                put_file(request, csr.public_bytes(Encoding.PEM))
            return (
                f"{self.whose} key {key.label} waits for its certificate: hand {request} to the authority, "
                f"then `trustworks keys rollover take {self._unit.name} --certificate FILE`."
            )
        return certificates.read(file)

    def _issued(
        self, key: Key, current: x509.Certificate, issuance: Issuance, now: datetime
    ) -> tuple[bytes, tuple[bytes, ...]]:
        """The key's certificate and those above it; issued where there is none that is good."""
        with self._database.read() as connection:
            for serial in records.serials_of_key(connection, key.spki_sha256):
                found = records.certificate(connection, serial)
                if found is None or found.der is None or found.revocation is not None:
                    continue
                if found.profile == PROFILE and found.not_before <= now < found.not_after:
                    return found.der, issuance.chain(found.authority)
        made = issuance.issue(
            Request(
                profile=PROFILE,
                csr=certification_request(key),
                subject=(NameAttribute("commonName", certificates.common_name(current)),),
                requested_by=BY,
                door=Door.PROVIDER,
            )
        )
        return made.certificate, made.chain

    def _content(self, key: Key, certificate: x509.Certificate) -> bytes:
        """The file with the CA certificates behind it; refused where the unit could not issue by it."""
        del certificate
        file = self._folder / f"{key.label}.pem"
        check_takes(
            self._unit, self._timestamping, key, file, self._clock_mode, lab=self._lab, today=self._today()
        )
        return file.read_bytes()


def check_takes(
    unit: UnitSettings,
    settings: TimestampingSettings,
    key: Key,
    file: Path,
    clock_mode: str,
    *,
    lab: bool,
    today: date,
) -> None:
    """Raise what would stand against the unit with this key and the certificates in that file."""
    following = unit.model_copy(update={"certificate": file})
    units.load(following, settings, key, clock_mode=clock_mode, lab=lab, today=today, others=())


def put_file(file: Path, content: bytes) -> None:
    """Lay a file into the folder. Raises `Unavailable` (rollover.file)."""
    try:
        if not file.is_file() or file.read_bytes() != content:
            file.parent.mkdir(mode=0o750, exist_ok=True)
            put(file, content)
    except OSError as error:
        raise Unavailable(
            "rollover.file",
            f"{file} cannot be written: {error.strerror}. Let the account of the jobs write there.",
        ) from None
