"""`trustworks keys due`: which keys are to be replaced, and when."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable

if TYPE_CHECKING:
    from trustworks.app.wiring import Wiring


def due(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the keys that have an end, the first due first, and how each is replaced. Exit code 1: one is due.

    Authorities are due [rollover] authority-days before their certificate ends, services service-days before.
    It says what the clock does by itself, and what is left to people.
    """
    from trustworks.app.rollover.due import schedule  # noqa: PLC0415 - loads the services

    wiring: Wiring = context.obj
    now = datetime.now(UTC)
    with wiring.open_database() as database, database.read() as connection:
        found = schedule(wiring.config, connection)
    if as_json:
        typer.echo(json.dumps({"keys": [one.as_dict(now) for one in found]}))
    else:
        for one in found:
            word = "DUE" if one.is_due(now) else "later"
            typer.echo(
                printable(f"{word:<6}{one.due:%Y-%m-%d}  ends {one.end:%Y-%m-%d}  {one.name}: {one.how}")
            )
    if any(one.is_due(now) for one in found):
        raise typer.Exit(1)
