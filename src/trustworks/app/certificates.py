"""Certificates that the configuration names by file: read for use, and watched for their end."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from trustworks.core.errors import Malformed, TrustworksError, Unavailable
from trustworks.core.pki.certificates import readable_pem
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

    from trustworks.app.configuration.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedCertificate:
    """A certificate that a setting names. `use` is in the words of the status page.

    `revoked` says what it means when it is revoked. `key_expires` is the end of the key's use by a setting.
    """

    setting: str
    use: str
    token: str
    label: str
    file: Path
    revoked: str
    key_expires: datetime | None = None


def named(config: Config) -> Iterator[NamedCertificate]:
    """All certificates that the configuration names."""
    if config.timestamping is not None:
        for unit in config.timestamping.units:
            yield NamedCertificate(
                setting="timestamping.units",
                use="Time-stamping unit",
                token="tsu",  # noqa: S106 - a token's name
                label=unit.key_label,
                file=unit.certificate,
                revoked="The unit issues no time-stamp.",
                key_expires=unit.key_expires,
            )
    if config.issuance is not None and config.issuance.ocsp.certificate is not None:
        yield NamedCertificate(
            setting="issuance.ocsp",
            use="OCSP responder",
            token="services",  # noqa: S106
            label=config.issuance.ocsp.key,
            file=config.issuance.ocsp.certificate,
            revoked="No OCSP answer is signed.",
        )
    if config.issuance is not None and config.issuance.cmp is not None and config.issuance.cmp.certificate:
        yield NamedCertificate(
            setting="issuance.cmp",
            use="CMP server",
            token="services",  # noqa: S106
            label=config.issuance.cmp.key,
            file=config.issuance.cmp.certificate,
            revoked="No CMP answer is signed; requests with a MAC are answered alone.",
        )
    if config.issuance is not None and config.issuance.trusted_list is not None:
        yield NamedCertificate(
            setting="issuance.trusted-list",
            use="List signer",
            token="services",  # noqa: S106
            label=config.issuance.trusted_list.key,
            file=config.issuance.trusted_list.certificate,
            revoked="No trusted list is issued.",
        )
    if config.validation is not None and config.validation.seal is not None:
        yield NamedCertificate(
            setting="validation.seal",
            use="Seal on reports",
            token="services",  # noqa: S106
            label=config.validation.seal.key,
            file=config.validation.seal.certificate,
            revoked="No report is sealed, and those of ETSI TS 119 102-2 are not given out.",
        )
    for seal in () if config.signing is None else config.signing.seals:
        yield NamedCertificate(
            setting=f"signing.seals ({seal.name})",
            use=f"Seal {seal.name}",
            token="services",  # noqa: S106
            label=seal.key,
            file=seal.certificate,
            revoked="Nothing is sealed with it.",
        )
    if config.audit.certificate is not None:
        yield NamedCertificate(
            setting="audit",
            use="Audit log",
            token="audit",  # noqa: S106
            label=config.audit.key,
            file=config.audit.certificate,
            revoked="What it signs proves nothing: of the log's checkpoints the time-stamped ones alone do.",
        )
    if config.http.tls_certificate is not None:
        yield NamedCertificate(
            setting="http.tls-certificate",
            use="HTTPS",
            token="a file",  # noqa: S106
            label="",
            file=config.http.tls_certificate,
            revoked="Clients may be talking to somebody else, and those that look will not connect.",
        )


def key_end(certificate: x509.Certificate, configured: datetime | None = None) -> datetime | None:
    """When the key's use ends before its certificate does; None when it lasts as long as the certificate."""
    from trustworks.timestamping.unit import key_usage_period  # noqa: PLC0415 - loads what units need

    _, end = key_usage_period(certificate, configured)
    return end if end is not None and end < certificate.not_valid_after_utc else None


@dataclass(frozen=True, slots=True, kw_only=True)
class InUse:
    """A certificate that the services have, or are about to have when they are started again."""

    named: NamedCertificate
    serial: int


def in_use(config: Config) -> tuple[InUse, ...]:
    """The certificates that the configuration names and that can be read now."""
    found = []
    for one in named(config):
        with suppress(TrustworksError):
            found.append(InUse(named=one, serial=read(one.file).serial_number))
    return tuple(found)


@implements("TRUSTWORKS:APP-REVOKED-TOLD", disabled=())
def revocation_objections(used: Iterable[InUse], revoked: Callable[[int], str | None]) -> tuple[str, ...]:
    """Sentences about the certificates that are revoked; `revoked` answers why and since when one is."""
    return tuple(
        f"{one.named.use}: the certificate {one.serial:x} of {one.named.file} is revoked ({why}). "
        f"{one.named.revoked} Take a new key and certificate into use ([{one.named.setting}])."
        for one in dict.fromkeys(used)
        if (why := revoked(one.serial)) is not None
    )


def read(file: Path) -> x509.Certificate:
    """The first certificate of a PEM file.

    Raises `Unavailable` (certificate.absent) without the file, `Malformed` when it holds no certificate.
    """
    try:
        octets = file.read_bytes()
    except OSError as error:
        raise Unavailable(
            "certificate.absent", f"The certificate {file} cannot be read: {error.strerror}."
        ) from None
    try:
        return readable_pem(octets)[0]
    except Malformed as error:
        raise Malformed(f"{file} holds no certificate in PEM that can be read. {error}") from None


def read_one(file: Path) -> bytes:
    """The first certificate of a PEM file, as DER."""
    return read(file).public_bytes(Encoding.DER)


def spki(key: PublicKeyTypes) -> bytes:
    """The SubjectPublicKeyInfo of a key (DER), by which it is known again."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def common_name(certificate: x509.Certificate) -> str:
    """The subject's common name, or its whole name."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()
