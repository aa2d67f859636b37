"""Renewal information (RFC 9773): which certificate an identifier means, and when it is best renewed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from trustworks.issuance.enrolment.acme import wire
from trustworks.issuance.enrolment.acme.model import Problem
from trustworks.issuance.enrolment.acme.rules import certificates as rules
from trustworks.issuance.records import acme as records

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.issuance.enrolment.acme.service import AcmeServer
    from trustworks.issuance.model import CertificateRecord
    from trustworks.issuance.records.acme import Order


def renewal_info(server: AcmeServer, text: str, now: datetime) -> dict[str, object]:
    """When a certificate is best renewed (RFC 9773, 4.2); for everybody who has its identifier."""
    found = identified(server, text)
    if found is None:
        raise Problem("malformed", "There is no certificate with this identifier.", status=404)
    certificate, _ = found
    revoked = None if certificate.revocation is None else certificate.revocation.revoked_at
    start, end = rules.renewal_window(certificate.not_before, certificate.not_after, revoked, now)
    return {"suggestedWindow": {"start": wire.moment(start), "end": wire.moment(end)}}


def identified(server: AcmeServer, text: str) -> tuple[CertificateRecord, Order] | None:
    """The certificate of ACME that an ARI identifier means, and its order; None for any other text of one."""
    _, serial = rules.read_certificate_id(text)
    with server.authority.database.read() as connection:
        order = records.order_of_serial(connection, serial)
    if order is None or identifier_of(server, serial) != text:
        return None
    found = server.authority.issuance.find(serial)
    return None if found is None else (found, order)


def identifier_of(server: AcmeServer, serial: str | None) -> str | None:
    """The ARI identifier of a certificate by its serial number; None where there is no such certificate."""
    found = None if serial is None else server.authority.issuance.find(serial)
    if serial is None or found is None or found.der is None:
        return None
    issuer = x509.load_der_x509_certificate(server.authority.issuance.authority(found.authority).certificate)
    key = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    return rules.certificate_id(key, serial)
