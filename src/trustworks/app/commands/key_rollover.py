"""`trustworks keys rollover`: what was decided on, and the certificate of another authority for a new key."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated

import typer

from trustworks.app.commands.tokens import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.account import account
from trustworks.core.printable import printable
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import operator_of, performs

if TYPE_CHECKING:
    from trustworks.app.wiring import Wiring

app = typer.Typer(no_args_is_help=True, help="Keys that follow others by the clock: show, take.")


@app.command()
def show(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List which key or authority follows which, and from when on, as it was decided and recorded.

    What is due, and what the clock will do: trustworks keys due.
    """
    from trustworks.core.keys import records  # noqa: PLC0415 - loads SQLAlchemy

    wiring: Wiring = context.obj
    now = datetime.now(UTC)
    with wiring.open_database() as database, database.read() as connection:
        found = records.all_successions(connection)
    if as_json:
        rows = [
            {
                "use": one.use,
                "generation": one.generation,
                "name": one.name,
                "spki_sha256": one.spki_sha256,
                "from": one.from_at.isoformat(),
                "decided_at": one.decided_at.isoformat(),
                "decided_by": one.decided_by,
            }
            for one in found
        ]
        typer.echo(json.dumps({"successions": rows}))
    elif not found:
        typer.echo("No key has followed another yet.")
    else:
        for one in found:
            since = f"{'since' if one.from_at <= now else 'from'} {one.from_at:%Y-%m-%d %H:%M}"
            typer.echo(printable(f"{one.use:<24}{one.generation:<4}{one.name:<24}{since}"))


@app.command()
@performs(Act.RUN_CEREMONY)
def take(
    context: typer.Context,
    unit: Annotated[str, typer.Argument(help="The time-stamping unit, by its name.")],
    certificate: Annotated[
        Path, typer.Option(help="The certificate (PEM) that the authority issued, with those above it.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Take another authority's certificate for the key that is to follow in a time-stamping unit.

    It is checked as the unit checks it, and laid beside the request that the jobs wrote; they decide from
    when on the key is used.
    """
    from trustworks.app.rollover.taking import take_certificate  # noqa: PLC0415 - loads the services

    wiring: Wiring = context.obj
    label = take_certificate(wiring, unit, certificate, by=operator_of(context) or account())
    if as_json:
        typer.echo(json.dumps({"unit": unit, "label": label}))
    else:
        typer.echo(f"The key {label} has its certificate; the jobs take it into use.")
