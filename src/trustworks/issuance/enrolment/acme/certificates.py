"""Certificates: issued by finalizing an order, given out, revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustworks.core.audit import Event
from trustworks.core.errors import Malformed, Refused, Rejected, TrustworksError, Unavailable
from trustworks.core.trace import with_rule
from trustworks.issuance.enrolment.acme import encoding, wire
from trustworks.issuance.enrolment.acme.domains import ask_domains
from trustworks.issuance.enrolment.acme.ending import move_order
from trustworks.issuance.enrolment.acme.identifiers import alternative_names
from trustworks.issuance.enrolment.acme.model import Problem
from trustworks.issuance.enrolment.acme.orders import as_of
from trustworks.issuance.enrolment.acme.rules import accounts as account_rules
from trustworks.issuance.enrolment.acme.rules import certificates as rules
from trustworks.issuance.enrolment.acme.rules import orders as order_rules
from trustworks.issuance.enrolment.acme.service import actor_of, own_account
from trustworks.issuance.model import serial_hex
from trustworks.issuance.model.requests import Door, Request
from trustworks.issuance.records import acme as records
from trustworks.issuance.rules.perspectives import NotCorroboratedError, recorded
from trustworks.issuance.wire import read_alternative_names, read_csr

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.issuance.enrolment.acme.service import AcmeServer, Signed
    from trustworks.issuance.model import CertificateRecord
    from trustworks.issuance.records.acme import Account, Order
    from trustworks.issuance.rules.perspectives import Sight

# Refusals that another key or another CSR would not meet: the order stays, and the client may try again.
_OF_THE_KEY: Final = ("EN319411-1:REG-6.3.1-01", "EN319412-2:GEN-4.2.5-2", "TRUSTWORKS:ISSUANCE-KEY-")
_REVOKED_FOR_GOOD: Final = "EN319411-1:REV-6.3.9-04"


def finalize(server: AcmeServer, signed: Signed, id_: str) -> tuple[Order, list[str]]:
    """Issue the certificate of an order that is ready (RFC 8555, 7.4).

    1. The order is the account's and ready, the CSR is for its names and for a key of its own. 2. CAA allows
    it. 3. The order is claimed, so that no second request issues for it; its authorizations are looked at
    once more in that transaction. 4. The certificate is issued; it is recorded in one transaction with the
    order. What fails on the key or for a while gives the claim back.
    """
    account = signed.of_account()
    csr = encoding.decode(wire.read(wire.Finalize, signed.payload).csr)
    with server.authority.database.read() as connection:
        order = records.order(connection, id_)
    account_rules.check_owner(account, None if order is None else order.account)
    assert order is not None  # noqa: S101 - the rule before saw it
    order_rules.moved(as_of(order, signed.now).status, "finalized")
    _check_csr(csr, order, signed)
    try:
        seen = ask_domains(server, order)
    except NotCorroboratedError as refused:
        _tell_not_corroborated(server, account, order, refused)
        raise Problem("caa", str(refused)) from refused
    claimed, ids = _claim(server, signed, account, order, seen=seen)
    issued: list[Order] = []

    def record(connection: Connection, der: bytes) -> None:
        current = records.order(connection, id_, lock=True)
        if current is None or current.status != "processing":
            raise Unavailable("acme.order", "The order was ended meanwhile, so nothing is released.")
        serial = serial_hex(x509.load_der_x509_certificate(der).serial_number)
        issued.append(move_order(connection, current, "issued", server.now(), serial=serial))

    request = Request(
        profile=claimed.profile,
        csr=csr,
        subject=(),
        requested_by=actor_of(account.id, id_),
        door=Door.ACME,
        alternative_names=alternative_names(claimed.names),
    )
    try:
        server.authority.issuance.issue(request, also=record)
    except TrustworksError as error:
        raise _given_back(server, claimed, error) from error
    return issued[-1], ids


def _check_csr(csr: bytes, order: Order, signed: Signed) -> None:
    try:
        read = read_csr(csr)
        names = read_alternative_names(read)
    except (Malformed, Rejected, Refused) as error:
        raise Problem("badCSR", with_rule(error)) from error
    common = [str(one.value) for one in read.request.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    order_rules.check_csr_names(names, common, order.names)
    spki = read.request.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    order_rules.check_not_account_key(spki, signed.key.spki)


def _claim(
    server: AcmeServer, signed: Signed, account: Account, order: Order, *, seen: Sequence[Sight] | None
) -> tuple[Order, list[str]]:
    def change(connection: Connection) -> tuple[Order, list[str]]:
        own_account(connection, account)
        current = records.order(connection, order.id, lock=True)
        if current is None:
            raise Problem("malformed", "The order is gone.", status=404)
        current = as_of(current, signed.now)
        needed = records.authorizations_of(connection, order.id)
        claimed = move_order(connection, current, "finalized", signed.now)
        order_rules.check_authorized(current, needed, signed.now)
        return claimed, [one.id for one in needed]

    return server.change(
        "order-finalized",
        change,
        actor=actor_of(account.id),
        subject={"kind": "acme-order", "id": order.id},
        detail=(
            {"caa": "not asked: a laboratory"}
            if seen is None
            else {"caa": "permits", "perspectives": recorded(seen)}
        ),
        now=signed.now,
    )


def _tell_not_corroborated(
    server: AcmeServer, account: Account, order: Order, refused: NotCorroboratedError
) -> None:
    """Record what each place saw, when it was not enough."""
    server.authority.recorder.record(
        Event(
            type="acme.order-not-corroborated",
            outcome="failure",
            actor=actor_of(account.id),
            subject={"kind": "acme-order", "id": order.id},
            detail={"rule": refused.requirement, "perspectives": recorded(refused.seen)},
            time=server.now(),
        )
    )


def _given_back(server: AcmeServer, claimed: Order, error: TrustworksError) -> Exception:
    """What a client is told of an issuance that failed, after the order was moved accordingly."""
    problem: Problem | None = None
    event = "withdrawn"
    match error:
        case Unavailable():
            pass
        case Malformed():
            problem = Problem("badCSR", with_rule(error))
        case Refused(requirement=requirement) if requirement.startswith(_OF_THE_KEY):
            problem = Problem("badCSR", with_rule(error))
        case Rejected(code="issuance.key-kind"):
            problem = Problem("badCSR", with_rule(error))
        case _:
            event = "failed"
            problem = Problem(
                "serverInternal", f"The certificate cannot be issued: {with_rule(error)}", status=403
            )

    def change(connection: Connection) -> None:
        current = records.order(connection, claimed.id, lock=True)
        if current is not None and current.status == "processing":
            told = problem.document() if event == "failed" and problem is not None else None
            move_order(connection, current, event, claimed.changed_at, error=told)

    server.change(
        f"order-{event}",
        change,
        actor=actor_of(claimed.account),
        subject={"kind": "acme-order", "id": claimed.id},
        detail={"reason": getattr(error, "code", getattr(error, "requirement", type(error).__name__))},
        now=claimed.changed_at,
    )
    return error if problem is None else problem


def certificate_of(server: AcmeServer, signed: Signed, serial: str) -> tuple[list[bytes], list[bytes]]:
    """A certificate of the account with its chain (DER): up to the root's, and with the root's (7.4.2)."""
    account = signed.of_account()
    with server.authority.database.read() as connection:
        order = records.order_of_serial(connection, serial)
    account_rules.check_owner(account, None if order is None else order.account)
    found = _issued(server, serial)
    issuance = server.authority.issuance
    assert found.der is not None  # noqa: S101 - it is issued
    chain, authority = [found.der], issuance.authority(found.authority)
    while authority.parent is not None:
        chain.append(authority.certificate)
        authority = issuance.authority(authority.parent)
    return chain, [*chain, authority.certificate]


def _issued(server: AcmeServer, serial: str) -> CertificateRecord:
    found = server.authority.issuance.find(serial)
    if found is None or found.der is None:
        raise Problem("malformed", "There is no such certificate.", status=404)
    return found


def revoke(server: AcmeServer, signed: Signed) -> None:
    """Revoke a certificate that was issued by ACME (7.6)."""
    wanted = wire.read(wire.Revoke, signed.payload)
    reason = rules.reason_given(wanted.reason)
    der = encoding.decode(wanted.certificate)
    try:
        certificate = x509.load_der_x509_certificate(der)
        serial = serial_hex(certificate.serial_number)
        spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, TypeError, OverflowError):
        raise Malformed(
            "certificate is no certificate in DER and Base64url; send the one to revoke."
        ) from None
    with server.authority.database.read() as connection:
        order = records.order_of_serial(connection, serial)
        found = server.authority.issuance.find(serial)
        if order is None or found is None or found.der != der:
            raise Problem("malformed", "This certificate was not issued here by ACME.", status=404)
        authorized = signed.account is not None and _authorizes(
            connection, signed.account.id, order.names, signed.now
        )
    rules.check_may_revoke(
        by_key=signed.account is None and signed.key.spki == spki,
        is_its_account=signed.account is not None and signed.account.id == order.account,
        authorized=authorized,
    )
    if found.revocation is not None:
        raise Problem("alreadyRevoked", "The certificate is revoked already.")
    by = "acme/certificate-key" if signed.account is None else actor_of(signed.account.id)
    try:
        server.authority.issuance.revoke(serial, reason, by=by)
    except Refused as error:
        code = "alreadyRevoked" if error.requirement == _REVOKED_FOR_GOOD else "unauthorized"
        raise Problem(code, str(error)) from error


def _authorizes(connection: Connection, account: str, names: tuple[str, ...], now: datetime) -> bool:
    """Whether an account has a valid authorization of each name."""
    return all(
        records.valid_authorization(
            connection,
            account,
            name.removeprefix(order_rules.WILDCARD),
            wildcard=name.startswith(order_rules.WILDCARD),
            since=now - timedelta(days=3660),
            until=now,
        )
        is not None
        for name in names
    )
