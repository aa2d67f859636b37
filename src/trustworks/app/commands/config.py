"""`trustworks config`: check the file, say what each setting means, show what holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trustworks.core.errors import Rejected
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it

if TYPE_CHECKING:
    from trustworks.app.wiring import Wiring

app = typer.Typer(no_args_is_help=True, help="Check the configuration, and say what each setting means.")


@app.command()
def check(
    context: typer.Context,
    *,
    as_json: AsJson = False,
) -> None:
    """Read the file and look for all that it names. Exit code 1: something is missing; 2: it is wrong."""
    from trustworks.app.configuration_check import problems  # noqa: PLC0415 - loads what it checks

    wiring: Wiring = context.obj
    found = problems(wiring)
    if as_json:
        typer.echo(json.dumps({"file": str(wiring.loaded.file), "ok": not found, "problems": found}))
    else:
        for problem in found:
            typer.echo(f"- {problem}")
        typer.echo(
            f"{wiring.loaded.file} is well formed; {len(found)} thing(s) that it names are not in order."
            if found
            else f"{wiring.loaded.file} is in order."
        )
    if found:
        raise typer.Exit(1)


@app.command()
def explain(
    setting: Annotated[
        str | None,
        typer.Argument(help="A table or a key, such as `time` or `http.listen`. Default: all of them."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Say what each setting means, what it may be, and what holds when it is absent."""
    from trustworks.app.configuration.explain import settings  # noqa: PLC0415 - reads the models of every service

    wanted = [
        one
        for one in settings()
        if setting is None or one.path == setting or one.path.startswith(f"{setting}.")
    ]
    if not wanted:
        raise Rejected(
            "config.unknown-setting",
            f"There is no setting {setting!r}. `trustworks config explain` lists all of them.",
        )
    if as_json:
        typer.echo(json.dumps([one.as_dict() for one in wanted], indent=1))
        return
    for one in wanted:
        typer.secho(one.path, bold=True)
        typer.echo(f"    {one.meaning}")
        typer.echo(f"    {one.allowed}; default: {one.default}")


@app.command()
def show(context: typer.Context) -> None:
    """Print every setting that holds, as JSON: what the file says, and the defaults.

    Paths are absolute, but for those of the PIN files in [tokens]: they are meant from the file's folder.
    """
    wiring: Wiring = context.obj
    document: dict[str, Any] = wiring.config.model_dump(mode="json", by_alias=True)
    typer.echo(json.dumps({"file": str(wiring.loaded.file), **document}, indent=1))
