"""The status services of one process, opened together: the responder, and what is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from trustworks.core.errors import Unavailable
from trustworks.issuance import records
from trustworks.issuance.status.crl import check_fresh, crl_states
from trustworks.issuance.status.ocsp import Responder
from trustworks.issuance.status.publication import Publication
from trustworks.issuance.status.responders import Responders
from trustworks.issuance.status.signer import open_signer

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.core.module import Module
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.status.crl import CrlState


class StatusServices:
    """What `issuance.http.status` serves."""

    def __init__(
        self,
        settings: IssuanceSettings,
        *,
        database: Database,
        clock: Clock,
        responder: Responder | Responders,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.responder = responder
        self.publication = Publication(database)
        self._database = database

    @classmethod
    def open(
        cls, settings: IssuanceSettings, *, module: Module, database: Database, clock: Clock, base: Path
    ) -> StatusServices:
        """Open the services; `module` is the token `services`, `base` the configuration's folder.

        Raises `Unavailable` (ocsp.no-signer, module.*, store.*) for what may be put right while we wait, and
        `Rejected` or `Refused` for a signer's certificate that is not good for it.
        """
        certificate = read_signer_certificate(settings, base)
        with database.read() as connection:
            authorities = records.list_authorities(connection)
        signer = open_signer(module.key(label=settings.ocsp.key), certificate, authorities)
        first = Responder(settings.ocsp, database=database, clock=clock, signers=(signer,))
        responder = Responders(first, settings.ocsp, key=signer.key, database=database, clock=clock)
        return cls(settings, database=database, clock=clock, responder=responder)

    def status(self) -> list[CrlState]:
        """The newest list of every authority."""
        return crl_states(self.settings, self._database, self.clock.now().utc)

    def ping(self) -> None:
        """Answer when OCSP can be signed and every list is usable; `Unavailable` with why otherwise."""
        self.responder.ping()
        check_fresh(self.status())


def read_signer_certificate(settings: IssuanceSettings, base: Path) -> bytes:
    """The DER of the certificate that ``[issuance.ocsp] certificate`` names."""
    if settings.ocsp.certificate is None:
        raise Unavailable(
            "ocsp.no-signer",
            "No certificate of an OCSP signer is named; issue one with the profile ocsp-signer and set "
            "[issuance.ocsp] certificate to its file.",
        )
    file = base / settings.ocsp.certificate
    try:
        read = x509.load_pem_x509_certificate(file.read_bytes())
    except OSError as error:
        raise Unavailable(
            "ocsp.no-signer", f"The OCSP signer's certificate {file} cannot be read: {error.strerror}."
        ) from None
    except ValueError:
        raise Unavailable(
            "ocsp.no-signer", f"{file} holds no certificate in PEM; put the OCSP signer's there."
        ) from None
    return read.public_bytes(serialization.Encoding.DER)
