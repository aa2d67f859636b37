"""Clients that hold a certificate: whether it was issued here, still stands, and what it entitles to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography import x509

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.issuance import records
from trustworks.issuance.enrolment.names import attributes_of
from trustworks.issuance.enrolment.secrets import Evidence
from trustworks.issuance.model import serial_hex
from trustworks.issuance.wire import alternative_names_of

# How the actors begin in whose name the enrolment protocols ask.
PROTOCOLS: Final = ("cmp:", "est:")

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.store import Database
    from trustworks.issuance.model import CertificateRecord


def evidence_of_certificate(record: CertificateRecord | None) -> Evidence:
    """What the holder of a certificate may have: another one of the same profile and names."""
    if record is None or record.der is None:
        raise Rejected("notAuthorized", "There is nothing that the request is authorised by.")
    check_self_service(record.requested_by)
    read = x509.load_der_x509_certificate(record.der)
    return Evidence(
        profile=record.profile,
        subject=attributes_of(read.subject),
        names=alternative_names_of(read),
        patterns=False,
    )


@implements("TRUSTWORKS:ENROLMENT-SELF-SERVICE")
def check_self_service(requested_by: str) -> None:
    """`Rejected` (notAuthorized) for the holder of a certificate that an officer or a ceremony asked for.

    For those something was looked at that no protocol shows, such as where the key is. What was enrolled by a
    protocol goes on by it, since an officer decided once that this profile may be.
    """
    if not requested_by.startswith(PROTOCOLS):
        raise Rejected(
            "notAuthorized",
            "The certificate was not enrolled by this protocol, so it asks for no other one by itself; have "
            "a secret created for it (`trustworks cmp secret create`), or ask the registration officer.",
        )


def issued_here(der: bytes, read: x509.Certificate, database: Database) -> CertificateRecord | None:
    """The record of a certificate, if these very octets were issued here."""
    if not 0 < read.serial_number < 1 << 160:
        return None
    with database.read() as connection:
        found = records.certificate(connection, serial_hex(read.serial_number))
    return found if found is not None and found.der == der else None


@implements("RFC9483:3.2-03")
def check_holder(certificate: x509.Certificate, *, revoked: bool, now: datetime) -> None:
    """`Rejected` for a client whose certificate is revoked, not valid now, or not for signatures."""
    if revoked:
        raise Rejected("certRevoked", "The client's certificate is revoked or held.")
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise Rejected(
            "signerNotTrusted",
            f"The client's certificate is valid from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} to "
            f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC.",
        )
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not usage.digital_signature and not usage.content_commitment:
        raise Rejected("signerNotTrusted", "The client's key may not sign: keyUsage has no digitalSignature.")
