"""The key of the service that seals its reports: on the token `services`, with a certificate that stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.core.der.x509 import public_key_info
from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.pki.certificates import load, load_pem_file
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.validation.report.seal.sealing import Seal, sealed

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from trustworks.core.module import Key
    from trustworks.core.ports import Stamper
    from trustworks.validation.config import SealSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealer:
    """Seals reports for as long as the certificate lets it. Threads share it.

    `revoked` says why and since when the certificate is revoked; None while it is not.
    """

    seal: Seal
    since: datetime
    until: datetime
    revoked: Callable[[], str | None]

    @property
    def certificate(self) -> bytes:
        """The certificate of the key, in DER: a report names it as that of its service."""
        return self.seal.certificates[0]

    def sealed(self, report: bytes) -> bytes:
        """The report with its seal; see `sealing.sealed`.

        Raises:
            Unavailable: ``validation.seal``: the certificate does not stand now; and what `sealed` raises.
        """
        check_standing(self.seal.clock(), self.since, self.until, self.revoked())
        return sealed(report, self.seal)


def open_sealer(
    settings: SealSettings,
    key: Key,
    *,
    clock: Callable[[], datetime],
    stamper: Stamper | None,
    revoked: Callable[[int], str | None],
) -> Sealer:
    """The sealer with the certificates in the file of the settings (PEM).

    `revoked` says of a serial number of the provider's own why and since when it is revoked.

    Raises:
        Unavailable: ``validation.no-seal``: there is no certificate that can be read.
        Rejected: ``validation.seal-key``: it is another key's.
    """
    try:
        certificates = tuple(one.public_bytes(Encoding.DER) for one in load_pem_file(settings.certificate))
        read = load(certificates[0])
    except Malformed as error:
        raise Unavailable(
            "validation.no-seal",
            f"{error} Issue one with the profile seal-validation-report and name it in [validation.seal].",
        ) from None
    if public_key_info(certificates[0]) != key.spki:
        raise Rejected(
            "validation.seal-key",
            f"The certificate in {settings.certificate} is not for the key {key.label!r}; set "
            "[validation.seal] key and certificate to what belongs together.",
        )
    return Sealer(
        seal=Seal(
            certificates=certificates,
            scheme=key.scheme.name,
            sign=key.sign,
            clock=clock,
            stamper=stamper,
        ),
        since=read.not_valid_before_utc,
        until=read.not_valid_after_utc,
        revoked=lambda: revoked(read.serial_number),
    )


@implements("TRUSTWORKS:VALIDATION-SEAL-STANDS")
def check_standing(now: datetime, since: datetime, until: datetime, revoked: str | None) -> None:
    """`Unavailable` (validation.seal) where a seal would be by a certificate that is revoked or not valid."""
    if revoked is not None:
        raise Unavailable(
            "validation.seal",
            f"The certificate of the seal is revoked ({revoked}); no report is sealed. Take a new key and "
            "certificate into use ([validation.seal]).",
        )
    if not since <= now <= until:
        raise Unavailable(
            "validation.seal",
            f"The certificate of the seal is valid from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} "
            "UTC; no report is sealed. Issue another with the profile seal-validation-report and name it in "
            "[validation.seal].",
        )
