"""`trustworks registration mailbox`: values that are mailed to mailboxes, and that come back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import Officers, performs
from trustworks.issuance.cli.applications import Identifier  # noqa: TC001 - Typer reads it

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from trustworks.issuance.registration.mail import Mailer
    from trustworks.issuance.registration.service import Registration

mailbox = typer.Typer(no_args_is_help=True, help="Control over mailboxes, for S/MIME.")


class MailboxWiring(Officers, Protocol):
    """What these commands need of the application's wiring."""

    def open_registration(self) -> AbstractContextManager[Registration]:
        """The registration authority's desk."""

    def open_mailer(self) -> Mailer:
        """What mails to holders of mailboxes."""


@mailbox.command()
@performs(Act.REGISTER)
def challenge(
    context: typer.Context,
    application: Identifier,
    by: By = "registration-officer",
    *,
    as_json: AsJson = False,
) -> None:
    """Mail a random value to each mailbox; it comes back within 24 hours, by the page it names or by confirm.

    Exits with 1 where a mail was not taken by the mail server.
    """
    wiring: MailboxWiring = context.obj
    mailer = wiring.open_mailer()
    with wiring.open_registration() as desk:
        done = desk.challenge_mailboxes(application, mailer, by=by)
    if as_json:
        told = [
            {
                "address": one.address,
                "until": None if one.until is None else one.until.isoformat(),
                "why": one.why,
            }
            for one in done
        ]
        typer.echo(json.dumps({"mailboxes": told}))
    else:
        for one in done:
            until = (
                "" if one.until is None else f"mailed; its answer counts until {one.until:%Y-%m-%d %H:%M} UTC"
            )
            typer.echo(printable(f"{one.address}  {until or one.why}"))
        if not done:
            typer.echo("Control over all mailboxes was shown already.")
    if any(one.until is None for one in done):
        raise typer.Exit(1)


@mailbox.command()
@performs(Act.REGISTER)
def confirm(
    context: typer.Context,
    application: Identifier,
    value: Annotated[str, typer.Option(help="The value that the receiver of the mail gave back.")],
    by: By = "registration-officer",
    *,
    as_json: AsJson = False,
) -> None:
    """Take a value back that the receiver of a mail gave to an officer. It is good once."""
    wiring: MailboxWiring = context.obj
    with wiring.open_registration() as desk:
        done = desk.confirm_mailbox(application, value, by=by)
    if as_json:
        typer.echo(json.dumps({"address": done.address, "mailbox": done.id}))
    else:
        typer.echo(printable(f"{done.address} is confirmed."))
