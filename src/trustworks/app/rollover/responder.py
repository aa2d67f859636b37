"""The OCSP responder's key, replaced by the jobs without anybody; the steps are `generations`'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from trustworks.app import certificates
from trustworks.app.rollover.generations import BY, ServiceRollover, spki_sha256
from trustworks.core.errors import Unavailable
from trustworks.core.keys import records as key_records
from trustworks.core.keys.model import name_at
from trustworks.core.module.requests import certification_request
from trustworks.core.trace import implements
from trustworks.issuance import records
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.model.requests import Door, Request
from trustworks.issuance.orders import ISSUING, USE_OF_ISSUING

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from trustworks.app.configuration.settings import RolloverSettings
    from trustworks.core.audit import Recorder
    from trustworks.core.module import Key, Module
    from trustworks.core.store import Database
    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.service import Issuance

PROFILE = "ocsp-signer"


class ResponderRollover(ServiceRollover):
    """One round at a time. `module` is the token `services`, open for writing, whatever the keys' states."""

    whose = "The responder's"

    def __init__(
        self,
        settings: RolloverSettings,
        issuing: IssuanceSettings,
        *,
        file: Path,
        issuance: Issuance,
        module: Module,
        database: Database,
        recorder: Recorder,
    ) -> None:
        super().__init__(
            settings,
            use="ocsp",
            label=issuing.ocsp.key,
            file=file,
            module=module,
            database=database,
            recorder=recorder,
            taken=frozenset() if issuing.cmp is None else frozenset({issuing.cmp.key}),
        )
        self._issuance = issuance

    @implements("TRUSTWORKS:ROLLOVER-OCSP", disabled="Nothing is due.")
    def round(self, now: datetime) -> str:
        """Take the next step, and answer a sentence about it. Raises what the steps raise."""
        return super().round(now)

    def _end(self, current: x509.Certificate) -> datetime:
        return current.not_valid_after_utc

    def _certificate(self, key: Key, current: x509.Certificate, now: datetime) -> x509.Certificate | str:
        """The certificate from the authority that issues now; every other one that is needed comes, too."""
        first = self._first_authority(current, now)
        for authority in self._uncertified(key, current, first, now):
            certify(self._issuance, key, authority, certificates.common_name(current))
        with self._database.read() as connection:
            found = records.newest_of_key(connection, first, PROFILE, key.spki_sha256, at=now)
        if found is None:
            return f"The responder's key {key.label} is certified, from a moment to come on."
        return x509.load_der_x509_certificate(found[1])

    def _first_authority(self, current: x509.Certificate, now: datetime) -> str:
        """Whose certificate goes into the file: the present one's issuer, or what follows it by now."""
        with self._database.read() as connection:
            found = records.certificate(connection, f"{current.serial_number:040x}")
            if found is None:
                raise Unavailable(
                    "rollover.certificate",
                    f"The certificate in {self._file} is not one of this provider's; replace the responder's "
                    "key by a ceremony.",
                )
            later = key_records.successions(connection, USE_OF_ISSUING)
        ours = {ISSUING, *(one.name for one in later)}
        return name_at(later, ISSUING, now) if found.authority in ours else found.authority

    def _uncertified(self, key: Key, current: x509.Certificate, first: str, now: datetime) -> list[str]:
        """The authorities that the present key has a good certificate of, and this one does not."""
        old = bytes.fromhex(spki_sha256(current))
        with self._database.read() as connection:
            names = [
                name
                for name in records.authorities_of_key(connection, old)
                if records.newest_of_key(connection, name, PROFILE, old, at=now) is not None
            ]
            wanted = dict.fromkeys([first, *names])
            return [name for name in wanted if not has_one(connection, name, key)]


def certify(issuance: Issuance, key: Key, authority: str, common_name: str) -> None:
    """Have an authority certify a responder's key. Raises what `Issuance.issue` raises."""
    issuance.issue(
        Request(
            profile=PROFILE,
            csr=certification_request(key),
            subject=(NameAttribute("commonName", common_name),),
            requested_by=BY,
            door=Door.PROVIDER,
            authority=authority,
        )
    )


def has_one(connection: Connection, authority: str, key: Key) -> bool:
    """Whether an authority issued a certificate to a key that stands."""
    found = records.statuses(connection, records.serials_of_key(connection, key.spki_sha256))
    return any(one.authority == authority and one.revocation is None for one in found)
