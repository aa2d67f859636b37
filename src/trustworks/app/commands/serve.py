"""`trustworks serve`: the services of a configuration, until a signal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from trustworks.app.wiring import Wiring

app = typer.Typer(help="Serve the services of a configuration.")


@app.command()
def serve(context: typer.Context) -> None:
    """Serve the services of the configuration until SIGTERM or Ctrl-C."""
    from trustworks.app.processes.serving import serve as run  # noqa: PLC0415 - `--help` does without

    wiring: Wiring = context.obj
    run(wiring)
