"""`trustworks lab`: a whole trust service provider in one folder, for trying and for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Stand up a whole lab trust service provider and serve it.")


@app.command()
def lab(
    folder: Annotated[
        Path, typer.Option("--dir", help="The laboratory's folder; made when it is missing.")
    ] = Path("lab"),
    listen: Annotated[
        str | None,
        typer.Option(help="HOST:PORT for plain HTTP. Default: as before, at first 127.0.0.1:8080."),
    ] = None,
    tls_listen: Annotated[
        str | None,
        typer.Option(help="HOST:PORT for HTTPS. Default: as before, at first the port of --listen + 363."),
    ] = None,
    clock: Annotated[
        str | None,
        typer.Option(
            help="lab (unchecked) or enforce (proven time alone). Default: as before, at first lab."
        ),
    ] = None,
    public_url: Annotated[
        str | None,
        typer.Option(
            help="Where certificates say that status is found, in those issued from now on. "
            "Default: as before, at first http://tsp.example.com and the port of --listen."
        ),
    ] = None,
    *,
    setup_only: Annotated[bool, typer.Option("--setup-only", help="Make what is missing, and end.")] = False,
) -> None:
    """Make what is missing of a laboratory, then serve it until Ctrl-C; safe to run again at any time."""
    from trustworks.app.lab.run import run  # noqa: PLC0415 - `--help` does without

    run(
        folder,
        listen=listen,
        tls_listen=tls_listen,
        clock=clock,
        public_url=public_url,
        setup_only=setup_only,
    )
