"""`trustworks statements`: what the provider states of itself: draw, compare, publish, read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trustworks.app.statements import records, service
from trustworks.app.statements.model import WORDS, document_named, path
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.output import write_output
from trustworks.core.printable import printable
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import performs

if TYPE_CHECKING:
    from trustworks.app.statements.model import Draft, Version
    from trustworks.app.wiring import Wiring

app = typer.Typer(
    no_args_is_help=True, help="Practice and disclosure statements: render, check, publish, list, show."
)

Name = Annotated[str, typer.Argument(help="cps, pds, tsa or terms.", metavar="{statement}")]
InLanguage = Annotated[str, typer.Option("--language", help="ISO 639-1 code of the language.")]
Out = Annotated[
    Path | None, typer.Option("--out", help="The file to write, .pdf or .md; without it: text, printed.")
]
Replace = Annotated[bool, typer.Option("--replace", help="Let the file of --out take another's place.")]


@app.command()
def render(
    context: typer.Context,
    statement: Name,
    language: InLanguage = "en",
    out: Out = None,
    *,
    replace: Replace = False,
) -> None:
    """Draw a statement as the configuration would have it now; nothing is published."""
    wiring: Wiring = context.obj
    document = document_named(statement)
    with wiring.open_database() as database, database.read() as connection:
        found = next(
            (
                one
                for one in service.drafts(wiring.config, connection)
                if (one.document, one.language) == (document, language)
            ),
            None,
        )
    if found is None:
        raise Rejected(
            "statements.not-wanted",
            f"This configuration has no {WORDS[document]} in {language!r}: its service has no table, or the "
            "language is not among [statements] languages.",
        )
    if out is None:
        typer.echo(f"# {found.title}\n\n{found.text}", nl=False)
    else:
        write_output(out, [_draft(found, out, wiring)], replace=replace)
    for one in found.missing:
        typer.echo(f"Missing: {one.words} ({one.key}).", err=True)


def _draft(found: Draft, out: Path, wiring: Wiring) -> bytes:
    from trustworks.app.statements.pdf import as_pdf  # noqa: PLC0415 - loads the typesetter
    from trustworks.core.time import any_time  # noqa: PLC0415 - for the day on a draft alone

    if _form(out) == "md":
        return f"# {found.title}\n\n{found.text}".encode()
    now = any_time(wiring.open_clock()).utc
    return as_pdf(found, number=None, published_at=now, author=wiring.config.provider.name)


def _form(out: Path) -> str:
    form = out.suffix.removeprefix(".").lower()
    if form not in {"pdf", "md"}:
        raise Malformed(f"--out: {out} names neither a .pdf nor an .md file; let it end in one of these.")
    return form


@app.command()
def check(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Compare what is published with what the configuration says, and list what is missing.

    Exit code 1 where there is anything to see to.
    """
    wiring: Wiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        found = service.findings(wiring.config, connection)
    if as_json:
        typer.echo(json.dumps({"ok": not found, "findings": found}, ensure_ascii=False))
    else:
        for one in found:
            typer.echo(f"- {one}")
        typer.echo(
            f"{len(found)} finding(s)." if found else "What is published is what the configuration says."
        )
    if found:
        raise typer.Exit(1)


@app.command()
@performs(Act.CONFIGURE)
def publish(
    context: typer.Context,
    statements: Annotated[
        list[str] | None,
        typer.Argument(help="cps, pds, tsa, terms; without any: all that changed.", metavar="[STATEMENT]..."),
    ] = None,
    by: By = "system-administrator",
    *,
    as_json: AsJson = False,
) -> None:
    """Publish the statements that say something else than their version in force."""
    wiring: Wiring = context.obj
    only = [document_named(one) for one in statements or ()]
    with (
        wiring.open_database() as database,
        wiring.open_recorder("statements", database=database) as recorder,
    ):
        found = service.publish(
            wiring.config,
            database=database,
            recorder=recorder,
            clock=wiring.open_clock(),
            by=by,
            only=only,
        )
    if as_json:
        typer.echo(json.dumps([_values(one) for one in found], ensure_ascii=False))
        return
    for one in found:
        typer.echo(f"Published {_line(one)}")
    if not found:
        typer.echo("Nothing has changed: what is published is what the configuration says.")


@app.command("list")
def list_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List all versions, the newest first."""
    wiring: Wiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        found = records.listed(connection)
    if as_json:
        typer.echo(json.dumps([_values(one) for one in found], ensure_ascii=False))
        return
    for one in found:
        typer.echo(_line(one))
    if not found:
        typer.echo("No statement is published. `trustworks statements publish` publishes them.")


@app.command()
def show(
    context: typer.Context,
    statement: Name,
    language: InLanguage = "en",
    version: Annotated[
        int | None, typer.Option("--version", min=1, help="Its number; default: the newest.")
    ] = None,
    out: Out = None,
    *,
    replace: Replace = False,
) -> None:
    """Print a published statement, or write it to a file as it is served."""
    wiring: Wiring = context.obj
    document = document_named(statement)
    with wiring.open_database() as database, database.read() as connection:
        found = (
            records.newest(connection, document, language)
            if version is None
            else records.version(connection, document, language, version)
        )
    if found is None:
        which = "" if version is None else f" version {version} of"
        raise Rejected(
            "statements.absent",
            f"There is no{which} {document.value} in {language!r}; `trustworks statements list` shows all.",
        )
    if out is None:
        typer.echo(found.markdown, nl=False)
    else:
        content = found.pdf if _form(out) == "pdf" else found.markdown.encode()
        write_output(out, [content], replace=replace)


def _line(one: Version) -> str:
    name = f"{one.document.value}-{one.language}"
    return printable(
        f"{name:<10}{one.number:>4}  {one.published_at:%Y-%m-%d %H:%M}  {one.sha256[:16]}  "
        f"{path(one.document, one.language, 'pdf', one.sha256)}  by {one.published_by}"
    )


def _values(one: Version) -> dict[str, object]:
    return {
        "statement": one.document.value,
        "language": one.language,
        "number": one.number,
        "sha256": one.sha256,
        "title": one.title,
        "published_at": f"{one.published_at:%Y-%m-%dT%H:%M:%SZ}",
        "published_by": one.published_by,
        "pdf": path(one.document, one.language, "pdf", one.sha256),
        "markdown": path(one.document, one.language, "md", one.sha256),
    }
