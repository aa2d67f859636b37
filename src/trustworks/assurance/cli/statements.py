"""`trustworks assurance statements`: what this software says of itself, clause by clause."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it

if TYPE_CHECKING:
    from trustworks.assurance.statements import Statement


def statements(
    standard: Annotated[
        str | None, typer.Argument(help='One standard, for example "EN 419231"; default: all.')
    ] = None,
    *,
    gaps: Annotated[bool, typer.Option("--gaps", help="Only what is not shown.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print what this software says about the standards for trustworthy systems, and what shows it."""
    from trustworks.assurance.report import plain  # noqa: PLC0415 - only here
    from trustworks.assurance.statements import NOT_AN_EVALUATION  # noqa: PLC0415 - as above
    from trustworks.assurance.statements import statements as made  # noqa: PLC0415 - as above
    from trustworks.assurance.traceability import find_places, trace  # noqa: PLC0415 - as above
    from trustworks.assurance.traceability.table import results_told  # noqa: PLC0415 - as above

    traced = trace(find_places())
    found, told = made(traced, standard), results_told(traced)
    if as_json:
        values = {
            "statement": NOT_AN_EVALUATION,
            "about_results": told,
            "standards": plain.values(found),
        }
        typer.echo(json.dumps(values, indent=2, ensure_ascii=False))
        return
    for one in found:
        _print(one, gaps=gaps)
    if told:
        typer.echo(told)
    typer.echo(NOT_AN_EVALUATION)


def _print(one: Statement, *, gaps: bool) -> None:
    from trustworks.assurance.statements import State, proof_words  # noqa: PLC0415 - keeps `--help` quick

    counts = ", ".join(f"{one.count(state)} {state}" for state in State if one.count(state))
    typer.echo(f"{one.standard}, {one.version}: {counts}")
    typer.echo(f"  {one.about}")
    for line in one.lines:
        if gaps and line.state in {State.COVERED, State.UNVERIFIED}:
            continue
        typer.echo(f"  {line.id}: {line.state}. {line.words}")
        if line.proof:
            typer.echo(f"    {proof_words(line)}")
        if line.duty:
            typer.echo(f"    left to who operates it: {line.duty}")
        if line.reason:
            typer.echo(f"    {line.reason}")
    typer.echo("")
