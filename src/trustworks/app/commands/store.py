"""`trustworks store`: bring the database's schema up to date, say how it is, copy it."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from trustworks.core.errors import Unavailable
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from trustworks.core.store import Database

app = typer.Typer(no_args_is_help=True, help="The database: bring its schema up to date, check it, copy it.")


class StoreWiring(Protocol):
    """What the commands of the store need of the application's wiring."""

    def open_database(self, *, check: bool = True) -> AbstractContextManager[Database]:
        """The database; with `check`, only when its schema is this program's."""


@app.command()
def upgrade(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Create the database and its tables, or bring them to this program's version. Safe to repeat."""
    wiring: StoreWiring = context.obj
    with wiring.open_database(check=False) as database:
        before = database.version()
        database.upgrade()
        after = database.version()
        where = database.where
    if as_json:
        typer.echo(json.dumps({"database": where, "before": before, "after": after}))
    elif before == after:
        typer.echo(f"The schema of {where} is {after}: there was nothing to do.")
    else:
        typer.echo(f"The schema of {where} is now {after} (before: {before or 'none'}).")


@app.command()
def status(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Say whether the database answers, has this program's schema and is durable. Exit code 1 if not."""
    wiring: StoreWiring = context.obj
    problems: list[str] = []
    version = None
    with wiring.open_database(check=False) as database:
        where = database.where
        try:
            version = database.version()
            database.check_schema()
            problems = database.durability()
        except Unavailable as error:
            problems = [str(error)]
    if as_json:
        found = {"ok": not problems, "database": where, "schema": version, "problems": problems}
        typer.echo(json.dumps(found))
    else:
        typer.echo(f"{'database':<10}{where.removeprefix('the database ')}")
        typer.echo(f"{'schema':<10}{version or 'none'}")
        for problem in problems or ["none"]:
            typer.echo(f"{'problems':<10}{problem}")
    if problems:
        raise typer.Exit(1)


@app.command()
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The new file.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Copy an SQLite database to FILE, one state of it, while the services go on."""
    from rich.console import Console  # noqa: PLC0415 - the other commands do without
    from rich.progress import Progress  # noqa: PLC0415

    from trustworks.core.store.backup import back_up  # noqa: PLC0415

    wiring: StoreWiring = context.obj
    with wiring.open_database() as database, Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Copying", total=None)
        back_up(database, file, lambda done, total: bar.update(task, completed=done, total=total))
    size = file.stat().st_size
    if as_json:
        typer.echo(json.dumps({"file": str(file), "bytes": size}))
    else:
        typer.echo(
            f"{file} holds a copy of the database ({size:,} bytes). Objects are files: copy their folder too."
        )
