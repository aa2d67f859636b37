"""Revocation requests (rr). Source: RFC 4210, 5.3.9; RFC 9483, 4.2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography import x509

from trustworks.core.der import cmp as der
from trustworks.core.der.cmp import Body, PkiStatus
from trustworks.core.der.crmf import joined
from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.issuance.enrolment.cmp import rules
from trustworks.issuance.enrolment.cmp.answers import Answer, bit_of, words_of
from trustworks.issuance.model import RevocationReason, serial_hex
from trustworks.issuance.records import cmp as records

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import JSON
    from trustworks.core.der.cmp import PkiMessage, RevDetails
    from trustworks.core.der.x509 import Extension
    from trustworks.issuance.enrolment.cmp.requester import Requester
    from trustworks.issuance.enrolment.ra import RegistrationAuthority

_REASON: Final = "2.5.29.21"
_REASON_OCTETS: Final = 3  # of an ENUMERATED below 128


def revoke(
    authority: RegistrationAuthority, message: PkiMessage, requester: Requester, now: datetime, nonce: bytes
) -> Answer:
    """Revoke the certificate that a message names. Raises `Malformed` and `Rejected`."""
    details = der.read_revocations(message.content)
    transaction_id = message.header.transaction_id or b""
    with authority.database.read() as connection:
        known = records.transaction(connection, transaction_id)
    waiting = authority.waiting.of_transaction(transaction_id)
    rules.check_transaction_is_new(known=known is not None or waiting is not None)
    rules.check_one_request(len(details))
    try:
        named = _revoke(authority, message, requester, details[0], now=now, nonce=nonce)
    except (Malformed, Rejected, Refused) as error:
        if isinstance(error, Rejected) and error.code == "transactionIdInUse":
            raise
        status = der.write_status(PkiStatus.rejection, words_of(error), bit_of(error))
        return Answer(body=Body.rp, content=der.write_revoked(status, None))
    return Answer(body=Body.rp, content=der.write_revoked(der.write_status(PkiStatus.accepted), named))


def _revoke(
    authority: RegistrationAuthority,
    message: PkiMessage,
    requester: Requester,
    details: RevDetails,
    *,
    now: datetime,
    nonce: bytes,
) -> bytes:
    template = details.template
    if template.serial_number is None or template.issuer is None:
        raise Rejected("addInfoNotAvailable", "Name the certificate by its issuer and its serial number.")
    if not 0 < template.serial_number < 1 << 160:
        raise Rejected("badCertId", "No certificate has that serial number.")
    serial = serial_hex(template.serial_number)
    reason = _reason(details.extensions or ())
    found = authority.issuance.find(serial)
    issuer = joined(template.issuer)
    if found is None or found.der is None or _issuer_of(found.der) != issuer:
        raise Rejected("badCertId", "No certificate of that issuer and serial number was issued here.")
    with authority.database.read() as connection:
        enrolled = records.enrolled_by(connection, serial)
    rules.check_may_revoke(
        own=requester.certificate is not None and requester.certificate.serial == serial,
        enrolled_by_same=enrolled == requester.identity,
    )
    new = records.Transaction(
        transaction_id=message.header.transaction_id or b"",
        credential=requester.identity,
        body="rr",
        nonce=nonce,
        state="ended",
        serial=serial,
        began_at=now,
    )

    def also(connection: Connection, moment: datetime) -> dict[str, JSON]:
        """Take the transaction's id with the change: a crash leaves both or neither."""
        del moment
        rules.check_transaction_is_new(known=not records.add_transaction(connection, new))
        return {"transaction": new.transaction_id.hex()}

    authority.issuance.revoke(serial, reason, by=requester.actor, also=also)
    return der.write_cert_id(issuer, template.serial_number)


def _issuer_of(certificate: bytes) -> bytes:
    return x509.load_der_x509_certificate(certificate).issuer.public_bytes()


def _reason(extensions: Sequence[Extension]) -> RevocationReason:
    for extension in extensions:
        if extension.oid.dotted_string != _REASON:
            continue
        value = extension.value
        if len(value) != _REASON_OCTETS or value[:2] != b"\x0a\x01":
            raise Malformed("The reason of the revocation cannot be read.")
        try:
            return RevocationReason(value[2])
        except ValueError:
            raise Rejected(
                "badRequest",
                f"The reason {value[2]} is not one to revoke for; give one of RFC 5280, 5.3.1, but 8.",
            ) from None
    return RevocationReason.unspecified
