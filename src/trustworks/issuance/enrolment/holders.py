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
from trustworks.issuance.records import renewals
from trustworks.issuance.wire import alternative_names_of

# How the actors begin in whose name the enrolment protocols ask.
PROTOCOLS: Final = ("cmp:", "est:")

_MOST_STEPS: Final = 10_000  # of renewals of renewals

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.store import Database
    from trustworks.issuance.model import CertificateRecord
    from trustworks.issuance.records.cmp import Credential
    from trustworks.issuance.records.renewals import Renewals


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


def check_renewable(record: CertificateRecord, database: Database, now: datetime) -> Credential:
    """The credential that a certificate goes back to, over all its renewals, if it still may be renewed.

    Raises `Rejected` (notAuthorized). The renewal is counted by `count_renewal`.
    """
    with database.read() as connection:
        found = _credential_behind(connection, record)
        left = None if found is None else renewals.renewals_of(connection, found)
    check_renewals(found, left, now)
    assert found is not None  # noqa: S101 - the rule before saw it
    return found


def _credential_behind(connection: Connection, record: CertificateRecord | None) -> Credential | None:
    """Who asks by a certificate is known in the log by its serial, who asks by a credential by that."""
    for _ in range(_MOST_STEPS):
        if record is None or not record.requested_by.startswith(PROTOCOLS):
            return None
        named = record.requested_by.partition(":")[2]
        found = renewals.credential_named(connection, named)
        if found is not None:
            return found
        record = records.certificate(connection, named)
    return None


@implements("TRUSTWORKS:ENROLMENT-RENEWALS-LIMITED")
def check_renewals(found: Credential | None, left: Renewals | None, now: datetime) -> None:
    """`Rejected` (notAuthorized) for a renewal of what no credential stands for any more."""
    if found is None or left is None:
        raise Rejected(
            "notAuthorized",
            "What the certificate was enrolled by is not known any more, so it is not renewed; ask the "
            "registration officer for a new secret.",
        )
    if found.withdrawn_at is not None:
        reason = "was withdrawn"
    elif now >= left.until:
        reason = f"lets its certificates be renewed until {left.until:%Y-%m-%d %H:%M:%S} UTC"
    elif left.made >= left.most:
        reason = f"is good for {left.most} renewals, which were made"
    else:
        return
    raise Rejected(
        "notAuthorized",
        f"The credential {found.reference}, by which the certificate was enrolled, {reason}; ask the "
        "registration officer for a new secret, and enrol by it.",
    )


def count_renewal(connection: Connection, found: Credential, now: datetime) -> None:
    """Count a renewal, in the transaction that records it. Raises `Rejected` (notAuthorized)."""
    if not renewals.count_renewal(connection, found, now):
        raise Rejected(
            "notAuthorized",
            f"The renewals of the credential {found.reference} were used up, or it was withdrawn, meanwhile; "
            "nothing was issued.",
        )


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
