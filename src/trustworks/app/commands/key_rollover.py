"""`trustworks keys rollover`: what was decided on, and the certificate of another authority for a new key."""

from __future__ import annotations

import json
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated

import typer

from trustworks.core.account import account
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import operator_of, performs

if TYPE_CHECKING:
    from trustworks.app.wiring import Wiring
    from trustworks.core.module import Module

app = typer.Typer(no_args_is_help=True, help="Keys that follow others by the clock: show, take, end.")


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


@app.command()
@performs(Act.PUBLISH)
def end(
    context: typer.Context,
    authority: Annotated[str, typer.Argument(help="The authority, by its name.")],
    *,
    confirm: Annotated[
        str | None, typer.Option(help="The authority's name again; asked for where it is absent.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """End an authority that issues no more: last OCSP answers, last lists, its key deactivated.

    Another one has followed it, or it is beside those that follow one another; no root ends so. Nothing but
    the responder's own certificates may be valid below it. What was interrupted goes on with the
    same command. Only then may its key be destroyed: trustworks keys ceremony plan destroy.
    """
    from trustworks.app.termination.generation import GenerationEnd  # noqa: PLC0415 - loads the services
    from trustworks.core.errors import Rejected  # noqa: PLC0415 - here alone
    from trustworks.core.roles.model import NOT_NEEDED  # noqa: PLC0415 - as above

    wiring: Wiring = context.obj
    by = operator_of(context) or account()
    with ExitStack() as stack:
        database = stack.enter_context(wiring.open_database())
        tokens: dict[str, Module] = {}

        def module(token: str) -> Module:
            if token not in tokens:
                tokens[token] = stack.enter_context(wiring.open_module(token, read_write=True))
            return tokens[token]

        ending = GenerationEnd(
            wiring,
            authority,
            by=by,
            database=database,
            recorder=stack.enter_context(wiring.open_recorder("operator", database=database)),
            module=module,
        )
        ending.check()
        if confirm is None:
            confirm = typer.prompt(f"This ends {authority} for good. Type its name", err=True)
        if confirm != authority:
            raise Rejected("rollover.confirmation", "The name was not repeated; nothing was done.")
        approved = NOT_NEEDED  # for what is left once the last list is out, which used them up
        if not ending.has_last_list():
            approved = wiring.approval("status.last-list", {"authority": authority}, by=by)
        done = ending.end(also=approved.use)
    if as_json:
        typer.echo(json.dumps(done))
    else:
        typer.echo(
            printable(
                f"{authority} has ended: list {done['list']} is its last, and {done['answers']} last answers "
                f"tell the status of its certificates. Its key is {done['state']}; it may be destroyed now "
                "(trustworks keys ceremony plan destroy)."
            )
        )
