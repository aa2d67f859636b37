"""Accounts: made, found, changed, given another key, closed; keys that they may be bound to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote

from trustworks.core.errors import Refused, Rejected
from trustworks.core.trace import with_rule
from trustworks.issuance.enrolment.acme import jws, wire
from trustworks.issuance.enrolment.acme.ending import end_everything
from trustworks.issuance.enrolment.acme.model import Problem
from trustworks.issuance.enrolment.acme.rules import accounts as rules
from trustworks.issuance.enrolment.acme.service import actor_of, new_id, own_account
from trustworks.issuance.enrolment.officers import check_no_officer, concerned_by
from trustworks.issuance.records import acme as records
from trustworks.issuance.records.acme import Account, ExternalKey
from trustworks.issuance.rules.requests import check_actor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.issuance.enrolment.acme.service import AcmeServer, Signed
    from trustworks.issuance.enrolment.acme.wire import NewAccount

HOUR = timedelta(hours=1)


class _TakenError(Exception):
    """Raised inside a transaction, which is undone: another request made this key's account."""


def new_account(server: AcmeServer, signed: Signed) -> tuple[Account, bool]:
    """The account of the key that signed, and whether it was made now (RFC 8555, 7.3, 7.3.1)."""
    wanted = wire.read(wire.NewAccount, signed.payload)
    if signed.account is not None:
        raise Problem("malformed", "newAccount is signed with a new key in jwk, not with an account's.")
    found = _existing(server, signed)
    if found is not None:
        return found, False
    if wanted.onlyReturnExisting:
        raise Problem("accountDoesNotExist", "There is no account with this key.")
    settings = server.settings
    rules.check_contacts(wanted.contact)
    rules.check_terms(agreed=wanted.termsOfServiceAgreed, terms=settings.terms_of_service)
    rules.check_binding_given(
        given=wanted.externalAccountBinding is not None, required=settings.external_account_required
    )
    kid = _bound_to(server, signed, wanted)
    account = Account(
        id=new_id(),
        thumbprint=signed.key.thumbprint,
        jwk=signed.key.jwk,
        contact=tuple(wanted.contact),
        status="valid",
        terms_agreed_at=signed.now if settings.terms_of_service and wanted.termsOfServiceAgreed else None,
        external_key=kid,
        created_at=signed.now,
    )

    def add(connection: Connection) -> None:
        made = records.count_accounts(connection, signed.now - HOUR)
        rules.check_limit(
            made, settings.new_accounts_per_hour, "new accounts within an hour", retry_after=3600
        )
        if not records.add_account(connection, account):
            raise _TakenError
        if kid is not None:
            key = records.external_key(connection, kid, lock=True)
            rules.check_external_key(key, signed.now)
            _check_officer(connection, key, wanted.contact)
            if key is not None:
                records.save_external_key(connection, replace(key, account=account.id))

    try:
        server.change(
            "account-created",
            add,
            actor=actor_of(account.id),
            subject={"kind": "acme-account", "id": account.id},
            detail={"thumbprint": account.thumbprint, "external_key": kid},
            now=signed.now,
        )
    except _TakenError:
        found = _existing(server, signed)
        if found is None:
            raise RuntimeError("an account was made for this key, and is gone") from None
        return found, False
    return account, True


def _existing(server: AcmeServer, signed: Signed) -> Account | None:
    with server.authority.database.read() as connection:
        found = records.account_of_key(connection, signed.key.thumbprint)
    if found is not None:
        rules.check_usable(found)
    return found


def _bound_to(server: AcmeServer, signed: Signed, wanted: NewAccount) -> str | None:
    """The identifier of the key that a new account proves to be bound to; None where it says nothing."""
    if wanted.externalAccountBinding is None:
        return None
    inner = jws.read_document(wanted.externalAccountBinding)
    payload = jws.strict_json(inner.payload, "The payload of externalAccountBinding")
    rules.check_binding(inner, signed.message, payload, signed.key.jwk)
    kid = inner.kid or ""
    with server.authority.database.read() as connection:
        known = records.external_key(connection, kid)
    # Checked before the key is used and again in the transaction that binds it.
    rules.check_external_key(known, signed.now)
    if not jws.verify_mac(inner, server.secret.external_key(kid)):
        raise Problem(
            "unauthorized",
            "The MAC of externalAccountBinding is not one by the key with this kid; use the key that was "
            "given out with it, decoded from Base64url.",
        )
    return kid


def _check_officer(connection: Connection, key: ExternalKey | None, contacts: Sequence[str]) -> None:
    """`Problem` (unauthorized) for the account of the very officer who made the key it is bound to."""
    named = [f"email:{unquote(one[len('mailto:') :])}" for one in contacts]
    try:
        check_no_officer(connection, [key], concerned_by((), named))
    except Refused as error:
        raise Problem("unauthorized", with_rule(error)) from error


def update_account(server: AcmeServer, signed: Signed, id_: str) -> Account:
    """Read, change or close an account (7.3.2, 7.3.6)."""
    account = signed.of_account()
    rules.check_owner(account, id_)
    if not signed.payload:
        return account
    wanted = wire.read(wire.AccountUpdate, signed.payload)
    if wanted.status is not None and wanted.status != "deactivated":
        raise Problem("malformed", "The status of an account can be set to deactivated and to nothing else.")
    if wanted.status is not None:
        return close_account(server, account.id, by=actor_of(account.id), now=signed.now)
    if wanted.contact is None:
        return account
    rules.check_contacts(wanted.contact)
    contact = tuple(wanted.contact)

    def change(connection: Connection) -> Account:
        current = own_account(connection, account)
        kid = current.external_key
        _check_officer(connection, None if kid is None else records.external_key(connection, kid), contact)
        changed = replace(current, contact=contact)
        records.save_account(connection, changed)
        return changed

    return server.change(
        "account-updated",
        change,
        actor=actor_of(account.id),
        subject={"kind": "acme-account", "id": account.id},
        detail={"contacts": len(contact)},
        now=signed.now,
    )


def close_account(server: AcmeServer, id_: str, *, by: str, now: datetime) -> Account:
    """Deactivate an account for good, with what it has begun; its contacts are erased.

    Its certificates stay valid. Raises `Rejected` (acme.account) when there is no such open account.
    """
    check_actor(by)

    def change(connection: Connection) -> Account:
        found = records.account(connection, id_, lock=True)
        if found is None or found.status != "valid":
            raise Rejected(
                "acme.account",
                f"There is no open account {id_!r}; `trustworks acme account list` shows all.",
            )
        closed = replace(found, status="deactivated", contact=())
        records.save_account(connection, closed)
        end_everything(connection, id_, now)
        return closed

    return server.change(
        "account-deactivated", change, actor=by, subject={"kind": "acme-account", "id": id_}, now=now
    )


def change_key(server: AcmeServer, signed: Signed) -> Account:
    """Give an account another key (7.3.5)."""
    account = signed.of_account()
    inner = jws.read(signed.payload)
    payload = jws.strict_json(inner.payload, "The payload of the inner message")
    url = signed.message.kid or ""
    rules.check_key_change(inner, signed.message, payload, account_url=url, old=account.jwk)
    new = jws.public_key(inner.jwk)
    jws.verify(inner, new.jwk)

    def change(connection: Connection) -> Account:
        current = own_account(connection, account)
        if current.thumbprint != account.thumbprint:
            raise Problem("malformed", "The account's key was changed meanwhile; nothing was changed.")
        changed = replace(current, jwk=new.jwk, thumbprint=new.thumbprint)
        other = records.account_of_key(connection, new.thumbprint)
        if other is not None or not records.save_account(connection, changed):
            other = other or records.account_of_key(connection, new.thumbprint)
            at = "" if other is None else signed.urls.account(other.id)
            raise Problem(
                "malformed",
                "The new key is an account's already; make another one.",
                status=409,
                headers=(("location", at),),
            )
        return changed

    return server.change(
        "account-key-changed",
        change,
        actor=actor_of(account.id),
        subject={"kind": "acme-account", "id": account.id},
        detail={"old": account.thumbprint, "new": new.thumbprint},
        now=signed.now,
    )


# External account keys (RFC 8555, 7.3.4)


def create_external_key(
    server: AcmeServer, *, comment: str, expires_at: datetime | None, by: str
) -> tuple[ExternalKey, bytes]:
    """A new key that one account may be bound to, and its octets, which are told now and never again."""
    check_actor(by)
    now = server.now()
    key = ExternalKey(
        kid=new_id(),
        comment=comment,
        created_at=now,
        created_by=by,
        expires_at=expires_at,
        revoked_at=None,
        account=None,
    )
    server.change(
        "external-key-created",
        lambda connection: records.add_external_key(connection, key),
        actor=by,
        subject={"kind": "acme-external-key", "id": key.kid},
        now=now,
    )
    return key, server.secret.external_key(key.kid)


def revoke_external_key(server: AcmeServer, kid: str, *, by: str) -> ExternalKey:
    """Withdraw a key: no account can be bound to it any more. An account that is bound stays open."""
    check_actor(by)
    now = server.now()

    def change(connection: Connection) -> ExternalKey:
        found = records.external_key(connection, kid, lock=True)
        if found is None or found.revoked_at is not None:
            raise Rejected(
                "acme.external-key",
                f"There is no key {kid!r} that could be withdrawn; `trustworks acme eab list` shows all.",
            )
        changed = replace(found, revoked_at=now)
        records.save_external_key(connection, changed)
        return changed

    return server.change(
        "external-key-revoked",
        change,
        actor=by,
        subject={"kind": "acme-external-key", "id": kid},
        now=now,
    )
