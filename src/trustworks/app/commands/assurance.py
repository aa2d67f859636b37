"""`trustworks assurance`, with the command that makes a dossier of all that runs here."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated

import typer

from trustworks.assurance.cli import app
from trustworks.assurance.dossier.model import Profile
from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import performs

if TYPE_CHECKING:
    from trustworks.app.wiring import Wiring

__all__ = ["app"]


def _of_laboratory(context: typer.Context, folder: Path | None) -> Path | None:
    """Let all that follows, who acts among it, be of the laboratory in a folder."""
    if folder is not None:
        wiring: Wiring = context.obj
        context.obj = type(wiring).lazy(folder / "trustworks.toml")
    return folder


@app.command()
@performs(Act.READ_RECORDS)
def dossier(
    context: typer.Context,
    *,
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR|FILE",
            help="A new folder; or, where the name ends in .asice or .zip, one file (an ASiC-E container).",
        ),
    ],
    folder: Annotated[
        Path | None,
        typer.Option(
            "--dir",
            metavar="LAB",
            is_eager=True,
            callback=_of_laboratory,
            help="The folder of a laboratory, in place of --config.",
        ),
    ] = None,
    profile: Annotated[
        Profile,
        typer.Option(
            help="How persons are told: by pseudonyms, files with their addresses withheld; or in full."
        ),
    ] = Profile.PSEUDONYMS,
    seal: Annotated[
        str | None, typer.Option(help="The seal of [signing] by its name. Default: the first.")
    ] = None,
    by: By = "auditor",
    as_json: AsJson = False,
) -> None:
    """Make a sealed dossier of products, verdicts and evidence, and of what an assessor needs to begin."""
    from trustworks.app.dossier.making import Asked, make  # noqa: PLC0415 - keeps `--help` quick

    del folder
    wiring: Wiring = context.obj
    made = make(wiring, Asked(out=out, profile=profile, seal=seal, by=by))
    if as_json:
        typer.echo(json.dumps({"dossier": str(out), "manifest": made.manifest, "files": len(made.files)}))
        return
    typer.echo(printable(f"{out}: {len(made.files)} files, manifest {made.manifest}."))
    typer.echo(printable(f"Anybody verifies it: trustworks dossier verify {out} --trust ANCHORS"))
