"""`trustworks keys`: keys through their life, under dual control."""

from __future__ import annotations

import typer

from trustworks.app.commands.ceremony import app as ceremony

app = typer.Typer(no_args_is_help=True, help="Keys through their life, under dual control: ceremonies.")


@app.callback()
def keys() -> None:
    """Keys through their life, under dual control: ceremonies."""


app.add_typer(ceremony, name="ceremony")
