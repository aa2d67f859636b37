"""`trustworks api webhook`: what clients of the JSON API are told without asking, and what became of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import Officers, performs

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from trustworks.issuance.notices.endpoints import Webhooks
    from trustworks.issuance.records.notices import Webhook as WebhookRecord

webhook = typer.Typer(no_args_is_help=True, help="Webhooks: addresses where clients are told of events.")

Identifier = Annotated[str, typer.Argument(metavar="{webhook}", help="The webhook's id.")]


class WebhookWiring(Officers, Protocol):
    """What these commands need of the application's wiring."""

    def open_webhooks(self) -> AbstractContextManager[Webhooks]:
        """The webhooks of the API's clients."""


@webhook.command()
@performs(Act.CHANGE_ROLES)
def create(
    context: typer.Context,
    client: Annotated[str, typer.Argument(metavar="{client}", help="The client's name.")],
    url: Annotated[str, typer.Option(help="The https URL where it is told.")],
    event: Annotated[
        list[str],
        typer.Option(
            help="certificate.issued, .revoked, .held, .released, .expiring, application.decided; several "
            "times."
        ),
    ],
    *,
    by: By = "security-officer",
    as_json: AsJson = False,
) -> None:
    """Tell a client of events at an address. The secret that signs them is shown once, here."""
    wiring: WebhookWiring = context.obj
    with wiring.open_webhooks() as webhooks:
        made, secret = webhooks.create(client, url=url, events=event, by=by)
    if as_json:
        typer.echo(json.dumps({**_json(made), "secret": secret}))
    else:
        typer.echo(f"Webhook {made.id}. Its secret, shown this once: {secret}")


@webhook.command("list")
def list_(
    context: typer.Context,
    client: Annotated[str | None, typer.Argument(metavar="{client}", help="Of this client alone.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the webhooks that there are."""
    wiring: WebhookWiring = context.obj
    with wiring.open_webhooks() as webhooks:
        found = webhooks.all(client)
    if as_json:
        typer.echo(json.dumps({"webhooks": [_json(one) for one in found]}))
        return
    for one in found:
        typer.echo(f"{one.id}  {one.client:<16}{printable(one.url)}  {', '.join(sorted(one.events))}")
    if not found:
        typer.echo("There are no webhooks.")


@webhook.command()
@performs(Act.CHANGE_ROLES)
def rotate(
    context: typer.Context, identifier: Identifier, by: By = "security-officer", *, as_json: AsJson = False
) -> None:
    """Give a webhook a new secret, shown once, here; the last one signs beside it for a while."""
    wiring: WebhookWiring = context.obj
    with wiring.open_webhooks() as webhooks:
        secret = webhooks.rotate(identifier, by=by)
    if as_json:
        typer.echo(json.dumps({"id": identifier, "secret": secret}))
    else:
        typer.echo(f"The new secret of {identifier}, shown this once: {secret}")


@webhook.command()
@performs(Act.LOCK_OPERATOR)
def remove(context: typer.Context, identifier: Identifier, by: By = "security-officer") -> None:
    """Tell a webhook nothing more, not even what waits."""
    wiring: WebhookWiring = context.obj
    with wiring.open_webhooks() as webhooks:
        webhooks.remove(identifier, by=by)
    typer.echo(f"Removed {identifier}.")


@webhook.command("test")
@performs(Act.OPERATE)
def send_test(context: typer.Context, identifier: Identifier, by: By = "security-officer") -> None:
    """Have an event sent that says nothing (webhook.test)."""
    wiring: WebhookWiring = context.obj
    with wiring.open_webhooks() as webhooks:
        notice = webhooks.test(identifier, by=by)
    typer.echo(f"{notice} will be sent. What became of it: trustworks api webhook deliveries {identifier}")


@webhook.command()
def deliveries(
    context: typer.Context,
    identifier: Identifier,
    state: Annotated[str | None, typer.Option(help="waiting, sent or undelivered.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """List what a webhook was told, is to be told, or could not be told; the newest first."""
    from trustworks.issuance.notices.endpoints import notice_json  # noqa: PLC0415 - loads SQLAlchemy

    wiring: WebhookWiring = context.obj
    with wiring.open_webhooks() as webhooks:
        found = webhooks.notices(identifier, state=state, limit=limit)
    if as_json:
        typer.echo(json.dumps({"deliveries": [notice_json(one) for one in found]}))
        return
    for one in found:
        about = one.serial or one.application or ""
        why = "" if one.problem is None else f"  {printable(one.problem)}"
        typer.echo(f"{one.id}  {one.at:%Y-%m-%dT%H:%M:%SZ}  {one.state:<12}{one.event:<22}{about}{why}")
    if not found:
        typer.echo("There are no deliveries.")


@webhook.command()
@performs(Act.OPERATE)
def retry(
    context: typer.Context,
    identifier: Identifier,
    delivery: Annotated[
        str | None,
        typer.Argument(metavar="{delivery}", help="One delivery. Default: all that were given up."),
    ] = None,
    by: By = "security-officer",
) -> None:
    """Have sent again what was given up."""
    wiring: WebhookWiring = context.obj
    with wiring.open_webhooks() as webhooks:
        found = webhooks.try_again(identifier, delivery, by=by)
    typer.echo(f"{found} will be sent again.")


def _json(one: WebhookRecord) -> dict[str, Any]:
    return {
        "id": one.id,
        "client": one.client,
        "url": one.url,
        "events": sorted(one.events),
        "added_at": one.added_at.isoformat(),
        "added_by": one.added_by,
    }
