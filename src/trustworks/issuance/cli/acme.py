"""`trustworks acme`: accounts, orders, and keys that accounts may be bound to."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.moments import read_moment
from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import Officers, performs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from trustworks.core.store import Database
    from trustworks.issuance.enrolment.acme.service import AcmeServer
    from trustworks.issuance.enrolment.ra import RegistrationAuthority
    from trustworks.issuance.records.acme import Account, ExternalKey, Order

acme = typer.Typer(no_args_is_help=True, help="ACME: accounts, orders, keys of external account bindings.")
eab = typer.Typer(no_args_is_help=True, help="Keys that new accounts are bound to (RFC 8555, 7.3.4).")
account = typer.Typer(no_args_is_help=True, help="Accounts: list, deactivate.")
order = typer.Typer(no_args_is_help=True, help="Orders: list.")
acme.add_typer(eab, name="eab")
acme.add_typer(account, name="account")
acme.add_typer(order, name="order")

MAX_COMMENT = 200
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="How many at most, newest first.")]


class AcmeWiring(Officers, Protocol):
    """What these commands need of the application's wiring."""

    def open_registration_authority(
        self, role: str = "enrolment"
    ) -> AbstractContextManager[RegistrationAuthority]:
        """What enrolment protocols stand on."""

    def open_database(self) -> AbstractContextManager[Database]:
        """The database, for the commands that only look."""


@contextmanager
def server(wiring: AcmeWiring) -> Iterator[AcmeServer]:
    """The ACME server of the configuration. Raises `Rejected` (config.acme) where there is none."""
    from trustworks.issuance.enrolment.acme.service import acme_server  # noqa: PLC0415 - loads the service

    with wiring.open_registration_authority("acme") as authority:
        if authority.settings.acme is None:
            raise Rejected(
                "config.acme",
                "The configuration has no [issuance.acme]: add it (`trustworks config explain "
                "issuance.acme`) or name another file with --config.",
            )
        yield acme_server(authority, authority.settings.acme)


@eab.command("create")
@performs(Act.AUTHORISE)
def create_key(
    context: typer.Context,
    *,
    comment: Annotated[
        str, typer.Option(help="For whom it is, in words that name no person; shown in the list.")
    ] = "",
    expires: Annotated[
        str | None,
        typer.Option(help="Until when an account can be bound to it (2027-01-31, or with a time of day)."),
    ] = None,
    by: By = "registration-officer",
    as_json: AsJson = False,
) -> None:
    """Make a key that one account can be bound to, and show it: now and never again."""
    from trustworks.issuance.enrolment.acme import accounts, encoding  # noqa: PLC0415 - loads the service

    end = None if expires is None else read_moment(expires)
    if len(comment) > MAX_COMMENT:
        raise Malformed(f"--comment has {len(comment)} characters; it may have {MAX_COMMENT}.")
    wiring: AcmeWiring = context.obj
    with server(wiring) as opened:
        if end is not None and end <= opened.now():
            raise Malformed("--expires has passed already; name a later day.")
        key, octets = accounts.create_external_key(opened, comment=comment, expires_at=end, by=by)
    text = encoding.encode(octets)
    if as_json:
        typer.echo(json.dumps({"kid": key.kid, "hmac_key": text, "algorithm": "HS256"}))
        return
    typer.echo(f"kid       {key.kid}\nhmac key  {text}")
    typer.echo("The key is not shown again. With certbot: --eab-kid KID --eab-hmac-key=KEY.")


@eab.command("list")
def list_keys(context: typer.Context, limit: Limit = 50, *, as_json: AsJson = False) -> None:
    """List the keys, newest first, without their octets."""
    from trustworks.issuance.records import acme as records  # noqa: PLC0415 - loads SQLAlchemy

    wiring: AcmeWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        found = records.list_external_keys(connection, limit)
    if as_json:
        typer.echo(json.dumps([_key(one) for one in found]))
        return
    for one in found:
        told = _key(one)
        state = "revoked" if one.revoked_at else f"bound to {one.account}" if one.account else "free"
        typer.echo(f"{one.kid:<24}{state:<34}{told['created_at']}  {printable(one.comment)}".rstrip())


@eab.command("revoke")
@performs(Act.AUTHORISE)
def revoke_key(
    context: typer.Context,
    kid: Annotated[str, typer.Argument(help="The key's identifier.")],
    by: By = "registration-officer",
    *,
    as_json: AsJson = False,
) -> None:
    """Withdraw a key: no account can be bound to it any more. A bound account stays open."""
    from trustworks.issuance.enrolment.acme import accounts  # noqa: PLC0415 - loads the service

    wiring: AcmeWiring = context.obj
    with server(wiring) as opened:
        changed = accounts.revoke_external_key(opened, kid, by=by)
    if as_json:
        typer.echo(json.dumps(_key(changed)))
        return
    typer.echo(f"Withdrew {kid}.")
    if changed.account is not None:
        typer.echo(
            f"The account {changed.account} is bound to it and stays open; close it by `trustworks acme "
            f"account deactivate {changed.account}`."
        )


@account.command("list")
def list_accounts(
    context: typer.Context,
    status: Annotated[str | None, typer.Option(help="valid, deactivated or revoked.")] = None,
    limit: Limit = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """List accounts, newest first."""
    from trustworks.issuance.records import acme as records  # noqa: PLC0415 - loads SQLAlchemy

    if status not in {None, "valid", "deactivated", "revoked"}:
        raise Malformed(f"{status!r} is no status of an account; use valid, deactivated or revoked.")
    wiring: AcmeWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        found = records.list_accounts(connection, status=status, limit=limit)
    if as_json:
        typer.echo(json.dumps([_account(one) for one in found]))
        return
    for one in found:
        contacts = printable(", ".join(one.contact))
        typer.echo(f"{one.id:<24}{one.status:<13}{_moment(one.created_at)}  {contacts}".rstrip())


@account.command("deactivate")
@performs(Act.AUTHORISE)
def deactivate(
    context: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="The account's id, as the list shows it.")],
    by: By = "registration-officer",
    *,
    as_json: AsJson = False,
) -> None:
    """Close an account for good, with its unfinished orders; its certificates stay valid."""
    from trustworks.issuance.enrolment.acme import accounts  # noqa: PLC0415 - loads the service

    wiring: AcmeWiring = context.obj
    with server(wiring) as opened:
        closed = accounts.close_account(opened, id_, by=by, now=opened.now())
    typer.echo(json.dumps(_account(closed)) if as_json else f"Deactivated {closed.id}.")


@order.command("list")
def list_orders(
    context: typer.Context,
    account_id: Annotated[str | None, typer.Option("--account", help="Only orders of this account.")] = None,
    status: Annotated[str | None, typer.Option(help="pending, ready, processing, valid or invalid.")] = None,
    limit: Limit = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """List orders, newest first."""
    from trustworks.issuance.records import acme as records  # noqa: PLC0415 - loads SQLAlchemy

    states = ("pending", "ready", "processing", "valid", "invalid")
    if status is not None and status not in states:
        raise Malformed(f"{status!r} is no status of an order; use {', '.join(states)}.")
    wiring: AcmeWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        found = records.list_orders(
            connection,
            account=account_id,
            statuses=() if status is None else (status,),
            limit=limit,
        )
    if as_json:
        typer.echo(json.dumps([_order(one) for one in found]))
        return
    for one in found:
        typer.echo(f"{one.id:<24}{one.status:<12}{_moment(one.created_at)}  {', '.join(one.names)}")


def _moment(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S}"


def _text(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _key(one: ExternalKey) -> dict[str, Any]:
    return {
        "kid": one.kid,
        "comment": one.comment,
        "created_at": _text(one.created_at),
        "created_by": one.created_by,
        "expires_at": _text(one.expires_at),
        "revoked_at": _text(one.revoked_at),
        "account": one.account,
    }


def _account(one: Account) -> dict[str, Any]:
    return {
        "id": one.id,
        "status": one.status,
        "contact": list(one.contact),
        "thumbprint": one.thumbprint,
        "external_key": one.external_key,
        "terms_agreed_at": _text(one.terms_agreed_at),
        "created_at": _text(one.created_at),
    }


def _order(one: Order) -> dict[str, Any]:
    return {
        "id": one.id,
        "account": one.account,
        "status": one.status,
        "names": list(one.names),
        "profile": one.profile,
        "created_at": _text(one.created_at),
        "expires": _text(one.expires),
        "replaces": one.replaces,
        "serial": one.serial,
        "error": one.error,
    }
