"""`trustworks assurance trace`: the requirements, where they are carried out, and how they are shown."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import Annotated

import typer

from trustworks.assurance.traceability import Requirement, State, Trace, find_places
from trustworks.assurance.traceability import trace as read_trace
from trustworks.assurance.traceability.areas import AreaLine, join_area, load_area, objections
from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it

# What a reader with --gaps wants to see: everything that is not shown to hold.
OPEN = frozenset({State.GAP, State.MISSING, State.FAILED, State.NOT_RUN})


def trace(
    *,
    service: Annotated[str | None, typer.Option(help="Only the requirements of this service.")] = None,
    standard: Annotated[
        str | None, typer.Option(help='Only those of this standard, for example "EN 319 421" or EN319421.')
    ] = None,
    area: Annotated[
        str | None,
        typer.Option(help="The numbered requirements of an area, for example issuance, each with its state."),
    ] = None,
    gaps: Annotated[bool, typer.Option("--gaps", help="Only what is not shown to hold.")] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Exit code 1 on unknown ids, rules without test or not run, undeclared gaps.",
        ),
    ] = False,
    allow_not_run: Annotated[
        bool,
        typer.Option("--allow-not-run", help="With --check: accept tests not run, or skipped in part."),
    ] = False,
    as_json: AsJson = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write the table to this HTML file.")] = None,
) -> None:
    """Join the register of requirements with the rules in the code and the tests that show them."""
    places = find_places()
    found = read_trace(places)
    numbers: tuple[AreaLine, ...] = ()
    if area is not None:
        wanted = load_area(places.register, area)
        numbers = join_area(wanted, found)
        found = replace(found, findings=(*found.findings, *objections(wanted, numbers)))
    shown = _only(found, service, standard, gaps=gaps)
    if area is not None:
        kept = {line.requirement.id for line in shown.lines}
        numbers = tuple(
            one
            for one in numbers
            if (one.unknown and not (service or standard)) or kept & set(one.numbered.ids)
        )
        named = {identifier for one in numbers for identifier in one.numbered.ids}
        shown = replace(shown, lines=tuple(one for one in shown.lines if one.requirement.id in named))
    if html is not None:
        _write(html, shown)
    if as_json:
        from trustworks.assurance.traceability.table import area_json  # noqa: PLC0415 - as `_write`
        from trustworks.assurance.traceability.table import as_json as values  # noqa: PLC0415

        document = values(shown) | ({} if area is None else {"numbers": area_json(numbers)})
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
    elif html is None and not check:
        _print(shown, numbers if area is not None else None)
    if check:
        findings = found.findings if allow_not_run else (*found.findings, *found.not_run)
        for finding in findings:
            typer.secho(finding, err=True, fg="red")
        typer.echo(f"{len(found.lines)} requirements, {len(findings)} finding(s).", err=True)
        if findings:
            raise typer.Exit(1)


def _only(found: Trace, service: str | None, standard: str | None, *, gaps: bool) -> Trace:
    services = sorted({line.requirement.service for line in found.lines})
    if service is not None and service not in services:
        raise Malformed(f"No requirement is of the service {service}; there are {', '.join(services)}.")
    if standard is not None and not any(_is_of(line.requirement, standard) for line in found.lines):
        names = sorted({line.requirement.standard for line in found.lines})
        raise Malformed(f"No requirement is of the standard {standard}; there are: {'; '.join(names)}.")
    return replace(
        found,
        lines=tuple(
            line
            for line in found.lines
            if (service is None or line.requirement.service == service)
            and (standard is None or _is_of(line.requirement, standard))
            and (not gaps or line.state in OPEN)
        ),
    )


def _is_of(requirement: Requirement, standard: str) -> bool:
    """Whether the requirement is of a standard, by its name or the prefix of its ids."""
    name, own, identifier = (
        text.replace(" ", "").casefold() for text in (standard, requirement.standard, requirement.id)
    )
    return own == name or identifier.startswith(f"{name}:")


def _print(found: Trace, numbers: tuple[AreaLine, ...] | None) -> None:
    from rich.console import Console  # noqa: PLC0415 - as `_write`

    from trustworks.assurance.traceability.table import print_area, print_table  # noqa: PLC0415

    console = Console()
    console = Console(width=160) if not console.is_terminal else console
    if numbers is None:
        print_table(console, found)
    else:
        print_area(console, numbers)


def _write(file: Path, found: Trace) -> None:
    from trustworks.assurance.traceability.page import as_html  # noqa: PLC0415 - only what is asked for is loaded

    page = as_html(found, made=datetime.now(UTC), product=f"Trustworks {version('trustworks')}")
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise Unavailable("assurance.unwritable", f"{file} cannot be written: {error.strerror}.") from error
    typer.echo(f"Wrote {file}.", err=True)
