"""Certificates are confirmed by certConf, given back by it, or not confirmed in time (RFC 4210, 5.3.18)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from cryptography import x509

from trustworks.core.audit import Event
from trustworks.core.der import cmp as der
from trustworks.core.der.algorithms import HASHES_BY_OID
from trustworks.core.der.cmp import Body, PkiStatus
from trustworks.core.der.crmf import joined
from trustworks.core.errors import Refused, Rejected
from trustworks.core.trace import implements
from trustworks.issuance.enrolment.cmp import rules
from trustworks.issuance.model import RevocationReason
from trustworks.issuance.records import cmp as records

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import Recorder
    from trustworks.core.der.cmp import CertStatus, PkiMessage
    from trustworks.core.store import Database
    from trustworks.issuance.enrolment.ra import RegistrationAuthority
    from trustworks.issuance.records.cmp import Transaction, TransactionState
    from trustworks.issuance.service import Issuance

_IRREVOCABLE: Final = "EN319411-1:REV-6.3.9-15"


def confirm(
    authority: RegistrationAuthority, message: PkiMessage, identity: str, actor: str, now: datetime
) -> None:
    """Take a certConf, or an error in its place: the certificate is kept, or revoked.

    `identity` is who protected the message, `actor` the same for the audit log. Raises `Malformed` and
    `Rejected`.
    """
    with authority.database.read() as connection:
        found = records.transaction(connection, message.header.transaction_id or b"")
    rules.check_own_transaction(
        found=found is not None and found.body != "rr",
        same_requester=found is not None and found.credential == identity,
    )
    assert found is not None and found.serial is not None  # noqa: S101, PT018 - the rule before saw it
    rules.check_recipient_nonce(message.header.recipient_nonce, found.nonce)
    check_waiting(found, now)
    if not _is_accepted(authority.issuance, message, found):
        reject(authority.issuance, authority.recorder, found, "rejected", by=actor, now=now)
    elif not _end(authority.recorder, found, "confirmed", by=actor, now=now, within=now):
        raise Rejected("badRequest", "The time to confirm the certificate was over meanwhile.")


@implements("RFC4210:5.3.18-02")
def check_waiting(found: Transaction, now: datetime) -> None:
    """`Rejected` (certConfirmed, badRequest) for a certificate that waits for no confirmation any more."""
    if found.state == "confirmed":
        raise Rejected("certConfirmed", f"The certificate {found.serial} is confirmed already.")
    if found.state != "waiting" or found.confirm_by is None or found.confirm_by < now:
        raise Rejected(
            "badRequest", f"The certificate {found.serial} was not confirmed in time, or was given back."
        )


def _is_accepted(issuance: Issuance, message: PkiMessage, found: Transaction) -> bool:
    if message.body is Body.error:
        der.read_error(message.content)
        return False
    statuses = der.read_confirmations(message.content)
    if not statuses:  # that none is accepted
        return False
    rules.check_one_request(len(statuses))
    given = statuses[0]
    if given.cert_req_id != found.cert_req_id:
        raise Rejected("badCertId", f"The certReqId is {found.cert_req_id}, not the one that was sent.")
    record = issuance.find(found.serial or "")
    if record is None or record.der is None:
        raise Rejected("badCertId", "The certificate is not there any more.")
    expected = hashlib.new(_hash_of(given, record.der), record.der).digest()
    rules.check_certificate_hash(given.cert_hash, expected)
    return given.status is None or given.status.status in {PkiStatus.accepted, PkiStatus.grantedWithMods}


def _hash_of(given: CertStatus, certificate: bytes) -> str:
    """The hash function of certHash: the one that is named, or the one of the certificate's signature."""
    if given.hash_algorithm is not None:
        dotted, _ = der.read_identifier(joined(given.hash_algorithm))
        if dotted not in HASHES_BY_OID:
            raise Rejected("badAlg", f"The hash algorithm {dotted} is not accepted; use SHA-256.")
        return HASHES_BY_OID[dotted].name
    used = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    return "sha512" if used is None else used.name.replace("-", "_")


def reject(
    issuance: Issuance,
    recorder: Recorder,
    found: Transaction,
    state: TransactionState,
    *,
    by: str,
    now: datetime,
) -> None:
    """Revoke a certificate that its requester does not want, or did not confirm, and end the transaction.

    In this order: what a crash leaves between is done again, as the transaction waits still.
    """
    try:
        issuance.revoke(found.serial or "", RevocationReason.cessationOfOperation, by=by)
    except Refused as error:  # it is revoked already, or nobody asks for its status: nothing is left to do
        record = issuance.find(found.serial or "")
        if error.requirement != _IRREVOCABLE and (record is None or record.revocation is None):
            raise
    _end(recorder, found, state, by=by, now=now)


def _end(
    recorder: Recorder,
    found: Transaction,
    state: TransactionState,
    *,
    by: str,
    now: datetime,
    within: datetime | None = None,
) -> bool:
    """Write that a transaction waits no more; False when it did not, and nothing was written."""

    def action(connection: Connection) -> None:
        if not records.end_waiting(connection, found.transaction_id, state, now=within):
            raise _NotWaitingError

    event = Event(
        type=f"cmp.{state}",
        outcome="success" if state == "confirmed" else "failure",
        actor=by,
        subject={"kind": "certificate", "serial": found.serial or ""},
        detail={"transaction": found.transaction_id.hex()},
        time=now,
    )
    try:
        recorder.transact(event, action)
    except _NotWaitingError:
        return False
    return True


class _NotWaitingError(Exception):
    """Raised inside a transaction, which is undone: somebody else ended it."""


def expire(
    issuance: Issuance, database: Database, recorder: Recorder, now: datetime, *, by: str
) -> list[str]:
    """Revoke the certificates that nobody confirmed in time, and answer their serials."""
    with database.read() as connection:
        late = records.unconfirmed(connection, now)
    for found in late:
        reject(issuance, recorder, found, "expired", by=by, now=now)
    return [found.serial or "" for found in late]
