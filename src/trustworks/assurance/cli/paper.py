"""`trustworks assurance paper`: documents of the provider, by the points that ask for them."""

from __future__ import annotations

import json
from datetime import datetime  # noqa: TC003 - Typer reads it at run time
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import Annotated

import typer

from trustworks.assurance.cli.product import values_of
from trustworks.assurance.cli.wiring import (
    AssuranceWiring,
    NamesPersons,
    ReviewedUntil,
    open_register,
    show,
    today,
)
from trustworks.assurance.model import PAPERS, PaperKind, ProviderPaper
from trustworks.core.durable import read_at_most
from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import performs

paper = typer.Typer(
    no_args_is_help=True,
    help="Documents of the provider itself, for an assessor: add, list, kinds, remove.",
)


@paper.command()
@performs(Act.CONFIGURE)
def add(
    context: typer.Context,
    kind: Annotated[PaperKind, typer.Argument(help="What it is; `assurance paper kinds` says more.")],
    file: Annotated[Path, typer.Argument(help="The document.", exists=True, dir_okay=False)],
    *,
    version: Annotated[str, typer.Option(help='Its version, for example "3.1".')],
    title: Annotated[
        str | None,
        typer.Option(help="Default: the file's name. One of the same kind and title is its next version."),
    ] = None,
    written: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Of which day it is; default: today.")
    ] = None,
    pages: Annotated[
        str, typer.Option(help='Where in it the point is answered, for example "pages 3 to 5".')
    ] = "",
    language: Annotated[str, typer.Option(help="Its language (ISO 639-1).")] = "en",
    review: ReviewedUntil = None,
    names: NamesPersons = None,
    source: Annotated[str, typer.Option(help="Where it is from.")] = "the provider",
    by: By = "system-administrator",
) -> None:
    """Enter a document of the provider; its file is kept as it is, and goes into each dossier from now on."""
    from trustworks.assurance.service import LARGEST_FILE  # noqa: PLC0415 - loads the records

    data = read_at_most(file, LARGEST_FILE + 1)
    with open_register(context, by) as register:
        kept = register.keep(data, name=file.name, source=source, retrieved=today())
        register.enter(
            ProviderPaper(
                kind=kind,
                title=title or file.name,
                version=version,
                sha256=kept,
                written=(written or today()).date(),
                language=language,
                pages=pages,
                reviewed_until=None if review is None else review.date(),
                names_persons=names,
            )
        )
    points = ", ".join(PAPERS[kind].points)
    typer.echo(f"Entered {title or file.name}, version {version}: {kind}, for point {points} of Annex III.")


@paper.command("list")
def list_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the documents of the provider, each in its newest version."""
    from trustworks.assurance.records import EntryKind, entries  # noqa: PLC0415 - loads the records

    wiring: AssuranceWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        found = entries(connection, EntryKind.PAPER)
    show(
        found.items(),
        lambda one: (
            f"{one[0]}  {one[1].written}  version {one[1].version}  {one[1].title}  {one[1].sha256[:16]}"
        ),
        as_json=as_json,
        values=lambda one: {"id": one[0], **values_of(one[1])},
        none="No document of the provider is registered. `trustworks assurance paper add` enters one.",
    )


@paper.command()
def kinds(*, as_json: AsJson = False) -> None:
    """List the kinds of documents, with the points of Annex III of (EU) 2025/2162 that ask for them."""
    if as_json:
        told = [
            {"kind": kind.value, "points": list(use.points), "words": use.words, "needed": use.needed}
            for kind, use in PAPERS.items()
        ]
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    for kind, use in PAPERS.items():
        where = "" if use.needed else " (where there is one)"
        typer.echo(f"{', '.join(use.points):<7} {kind.value:<25} {use.words}{where}")


@paper.command()
@performs(Act.CONFIGURE)
def remove(
    context: typer.Context,
    identifier: Annotated[str, typer.Argument(metavar="ID", help="As `assurance paper list` has it.")],
    *,
    reason: Annotated[str, typer.Option(help="Why; it goes into the audit log.")],
    by: By = "system-administrator",
) -> None:
    """Take a document out of dossiers to come; its versions and its file stay in the register."""
    from trustworks.assurance.records import EntryKind  # noqa: PLC0415 - loads the records

    with open_register(context, by) as register:
        register.remove(EntryKind.PAPER, identifier, reason=reason)
    typer.echo(f"Taken out: {identifier}.")
