"""The status services of one process, opened together: the responder, and what is published."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from trustworks.core.der.x509 import public_key_info
from trustworks.core.errors import Unavailable
from trustworks.core.keys import records as key_records
from trustworks.issuance import records
from trustworks.issuance.status.crl import check_fresh, crl_states
from trustworks.issuance.status.ocsp import Responder
from trustworks.issuance.status.publication import Publication
from trustworks.issuance.status.responders import Responders
from trustworks.issuance.status.signer import open_signer

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.core.module import Key, Module
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.status.crl import CrlState
    from trustworks.issuance.status.signer import OcspSigner


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

        def first() -> tuple[Responder, Key]:
            signer = _configured_signer(settings, module, database, base)
            return Responder(settings.ocsp, database=database, clock=clock, signers=(signer,)), signer.key

        opened, key = first()
        file = None if settings.ocsp.certificate is None else base / settings.ocsp.certificate
        responder = Responders(
            opened,
            settings.ocsp,
            key=key,
            database=database,
            clock=clock,
            renew=first,
            watch=lambda: _changed(file),
        )
        return cls(settings, database=database, clock=clock, responder=responder)

    def status(self) -> list[CrlState]:
        """The newest list of every authority."""
        return crl_states(self.settings, self._database, self.clock.now().utc)

    def ping(self) -> None:
        """Answer when OCSP can be signed and every list is usable; `Unavailable` with why otherwise."""
        self.responder.ping()
        check_fresh(self.status())


def _configured_signer(
    settings: IssuanceSettings, module: Module, database: Database, base: Path
) -> OcspSigner:
    """The signer whose certificate is in the configured file: with the configured key, or a later one."""
    certificate = read_signer_certificate(settings, base)
    digest = hashlib.sha256(public_key_info(certificate)).hexdigest()
    with database.read() as connection:
        authorities = records.list_authorities(connection)
        entry = key_records.key(connection, digest)
    label = settings.ocsp.key if entry is None else entry.label
    return open_signer(module.key(label=label), certificate, authorities)


def _changed(file: Path | None) -> object:
    """What differs when the file of the signer's certificate was written anew."""
    try:
        found = None if file is None else file.stat()
    except OSError:
        return None
    return None if found is None else (found.st_mtime_ns, found.st_ino, found.st_size)


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
