"""Orders and authorizations: made, read, answered, given up."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from trustworks.issuance.enrolment.acme import renewal, wire
from trustworks.issuance.enrolment.acme.ending import UNFINISHED, authorization_ended
from trustworks.issuance.enrolment.acme.model import Problem
from trustworks.issuance.enrolment.acme.rules import accounts as account_rules
from trustworks.issuance.enrolment.acme.rules import certificates as certificate_rules
from trustworks.issuance.enrolment.acme.rules import orders as rules
from trustworks.issuance.enrolment.acme.rules import validation as validation_rules
from trustworks.issuance.enrolment.acme.service import actor_of, new_id, own_account
from trustworks.issuance.records import acme as records
from trustworks.issuance.records.acme import Authorization, Challenge, Order

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.issuance.enrolment.acme.service import AcmeServer, Signed
    from trustworks.issuance.enrolment.acme.wire import NewOrder

PAGE: Final = 100
HOUR: Final = timedelta(hours=1)
WEEK: Final = timedelta(days=7)


def new_order(server: AcmeServer, signed: Signed) -> tuple[Order, list[str]]:
    """A new order, and the ids of its authorizations (RFC 8555, 7.4)."""
    account = signed.of_account()
    wanted = wire.read(wire.NewOrder, signed.payload)
    settings = server.settings
    rules.check_no_dates(wanted.notBefore, wanted.notAfter)
    names = rules.names_ordered(wanted.identifiers)
    for name in names:
        validation_rules.challenges_for(settings.challenges, name)
        validation_rules.check_address(name, private_too=settings.allow_private_addresses)
    profile = rules.profile_ordered(wanted.profile, settings.profiles)
    replaced = _replaced(server, account.id, names, wanted)
    now = signed.now
    order = Order(
        id=new_id(),
        account=account.id,
        status="pending",
        names=names,
        profile=profile,
        expires=now + timedelta(hours=settings.order_hours),
        created_at=now,
        changed_at=now,
        error=None,
        replaces=replaced,
        serial=None,
    )

    def add(connection: Connection) -> tuple[Order, list[str]]:
        own_account(connection, account)
        _check_limits(server, connection, order)
        needed = [_authorization(server, connection, order, name) for name in names]
        status = "ready" if all(one.status == "valid" for one in needed) else "pending"
        made = replace(order, status=status)
        ids = [one.id for one in needed]
        if not records.add_order(connection, made, ids):
            raise Problem(
                "alreadyReplaced", "Another order replaces this certificate already; order without replaces."
            )
        return made, ids

    return server.change(
        "order-created",
        add,
        actor=actor_of(account.id),
        subject={"kind": "acme-order", "id": order.id},
        detail={"profile": profile, "names": len(names), "replaces": replaced},
        now=now,
    )


def _replaced(server: AcmeServer, account: str, names: Sequence[str], wanted: NewOrder) -> str | None:
    """The serial number of the certificate that an order replaces (RFC 9773, 5)."""
    if wanted.replaces is None:
        return None
    found = renewal.identified(server, wanted.replaces)
    certificate_rules.check_replaces(None if found is None else found[1], account, names)
    assert found is not None  # noqa: S101 - the rule before saw it
    return found[0].serial


def _check_limits(server: AcmeServer, connection: Connection, order: Order) -> None:
    settings, now, account = server.settings, order.created_at, order.account
    unfinished = records.count_orders(connection, account, statuses=UNFINISHED)
    account_rules.check_limit(unfinished, settings.pending_orders, "unfinished orders", retry_after=600)
    for name in order.names:
        failed = records.count_failures(connection, account, name.removeprefix(rules.WILDCARD), now - HOUR)
        account_rules.check_limit(
            failed, settings.failed_validations_per_hour, f"failed validations of {name}", retry_after=3600
        )
    if order.replaces is not None:
        return  # a renewal that was suggested is not one order too many (RFC 9773, 5)
    made = records.count_orders(connection, account, since=now - HOUR)
    account_rules.check_limit(made, settings.orders_per_hour, "orders within an hour", retry_after=3600)
    same = records.count_orders(connection, account, since=now - WEEK, statuses=("valid",), names=order.names)
    account_rules.check_limit(
        same, settings.duplicates_per_week, "certificates for these names within a week", retry_after=86400
    )


def _authorization(server: AcmeServer, connection: Connection, order: Order, name: str) -> Authorization:
    """A valid authorization that may be used again, or a new one with its challenges."""
    settings, now = server.settings, order.created_at
    wildcard = name.startswith(rules.WILDCARD)
    base = name.removeprefix(rules.WILDCARD)
    reusable = records.valid_authorization(
        connection,
        order.account,
        base,
        wildcard=wildcard,
        since=now - timedelta(days=settings.authorization_reuse_days),
        until=order.expires,
    )
    if reusable is not None and settings.authorization_reuse_days > 0:
        return reusable
    made = Authorization(
        id=new_id(),
        account=order.account,
        name=base,
        wildcard=wildcard,
        status="pending",
        expires=order.expires,
        created_at=now,
        changed_at=now,
    )
    offered = [
        Challenge(
            id=new_id(),
            authorization=made.id,
            type=one,
            token=secrets.token_urlsafe(32),
            status="pending",
            validated_at=None,
            error=None,
            attempts=0,
            due_at=None,
            claimed_until=None,
        )
        for one in validation_rules.challenges_for(settings.challenges, name)
    ]
    records.add_authorization(connection, made, offered)
    return made


# Reading


def order_of(server: AcmeServer, signed: Signed, id_: str) -> tuple[Order, list[str]]:
    """An order of the account, and the ids of its authorizations. One whose end came shows as invalid."""
    account = signed.of_account()
    with server.authority.database.read() as connection:
        found = records.order(connection, id_)
        account_rules.check_owner(account, None if found is None else found.account)
        assert found is not None  # noqa: S101 - the rule before saw it
        needed = records.authorizations_of(connection, id_)
    return as_of(found, signed.now), [one.id for one in needed]


def as_of(order: Order, now: datetime) -> Order:
    """The order as it is at a moment: one that was not finished until its end is invalid."""
    if order.status in UNFINISHED and order.expires <= now:
        late = Problem("malformed", "The order expired before it was finished; make a new one.", status=403)
        return replace(order, status="invalid", error=late.document())
    return order


def orders_of_account(server: AcmeServer, signed: Signed, id_: str, page: int) -> tuple[list[str], bool]:
    """The ids of an account's orders that are not invalid, a page of them, and whether there are more."""
    account = signed.of_account()
    account_rules.check_owner(account, id_)
    with server.authority.database.read() as connection:
        found = records.list_orders(
            connection,
            account=account.id,
            statuses=("pending", "ready", "processing", "valid"),
            limit=PAGE + 1,
            offset=page * PAGE,
        )
    return [one.id for one in found[:PAGE]], len(found) > PAGE


def authorization_of(server: AcmeServer, signed: Signed, id_: str) -> tuple[Authorization, list[Challenge]]:
    """An authorization of the account with its challenges; given up first if the payload says so (7.5.2)."""
    account = signed.of_account()
    if signed.payload:
        if wire.read(wire.Status, signed.payload).status != "deactivated":
            raise Problem("malformed", "An authorization's status can be set to deactivated alone.")
        _deactivate(server, signed, id_)
    with server.authority.database.read() as connection:
        found = records.authorization(connection, id_)
        account_rules.check_owner(account, None if found is None else found.account)
        assert found is not None  # noqa: S101 - the rule before saw it
        offered = records.challenges_of(connection, id_)
    return authorization_as_of(found, signed.now), offered


def authorization_as_of(found: Authorization, now: datetime) -> Authorization:
    """The authorization as it is at a moment (7.1.6): pending becomes invalid at its end, valid expired."""
    if found.expires <= now and found.status in {"pending", "valid"}:
        return replace(found, status="invalid" if found.status == "pending" else "expired")
    return found


def _deactivate(server: AcmeServer, signed: Signed, id_: str) -> None:
    account = signed.of_account()

    def change(connection: Connection) -> None:
        own_account(connection, account)
        found = records.authorization(connection, id_, lock=True)
        account_rules.check_owner(account, None if found is None else found.account)
        assert found is not None  # noqa: S101 - the rule before saw it
        if found.status not in {"pending", "valid"}:
            raise Problem("malformed", f"The authorization is {found.status} already; nothing was changed.")
        gone = Problem("unauthorized", "The authorization was deactivated.", name=found.name)
        authorization_ended(connection, found, "deactivated", signed.now, gone.document())

    server.change(
        "authorization-deactivated",
        change,
        actor=actor_of(account.id),
        subject={"kind": "acme-authorization", "id": id_},
        now=signed.now,
    )


def challenge_of(server: AcmeServer, signed: Signed, id_: str) -> tuple[Challenge, str]:
    """A challenge and the id of its authorization; a payload says that the client is ready (7.5.1).

    It is queued then; the attempts are made by the jobs process (`validation/`).
    """
    account = signed.of_account()
    with server.authority.database.read() as connection:
        found = records.challenge(connection, id_)
        owned = None if found is None else records.authorization(connection, found.authorization)
    account_rules.check_owner(account, None if owned is None else owned.account)
    assert found is not None  # noqa: S101 - the rule before saw it
    assert owned is not None  # noqa: S101
    if not signed.payload or found.status != "pending":
        return found, owned.id

    def change(connection: Connection) -> Challenge:
        own_account(connection, account)
        authorization = records.authorization(connection, owned.id, lock=True)
        current = records.challenge(connection, id_, lock=True)
        if authorization is None or current is None:
            raise Problem("malformed", "The challenge is gone.", status=404)
        if current.status != "pending":
            return current
        if authorization_as_of(authorization, signed.now).status != "pending":
            raise Problem(
                "malformed",
                f"The authorization is {authorization_as_of(authorization, signed.now).status}; make a new "
                "order.",
            )
        queued = replace(current, status="processing", due_at=signed.now)
        records.save_challenge(connection, queued)
        return queued

    queued = server.change(
        "challenge-answered",
        change,
        actor=actor_of(account.id),
        subject={"kind": "acme-challenge", "id": id_},
        detail={"authorization": owned.id, "type": found.type},
        now=signed.now,
    )
    return queued, owned.id
