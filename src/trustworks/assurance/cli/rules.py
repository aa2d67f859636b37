"""`trustworks assurance rules`: the rule sets, as data that anybody can read and check."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trustworks.core.durable import read_at_most
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it

if TYPE_CHECKING:
    from trustworks.assurance.rulesets import RuleSet

rules = typer.Typer(
    no_args_is_help=True, help="The sets of rules by which evidence is judged: list, show, check."
)

_LARGEST = 1 << 20


@rules.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """List the rule sets."""
    from trustworks.assurance.rulesets import SHIPPED, load  # noqa: PLC0415 - keeps `--help` quick

    found = [load(name) for name in SHIPPED]
    if as_json:
        typer.echo(json.dumps([_head(one) for one in found], ensure_ascii=False))
        return
    for one in found:
        typer.echo(f"{one.id:<10} {one.title}, as read on {one.edition}")
        typer.echo(f"{'':<10} {one.words}")


@rules.command()
def show(
    name: Annotated[str, typer.Argument(help="current or guidance.", metavar="NAME")],
    *,
    as_json: AsJson = False,
) -> None:
    """Print a rule set: general rules, processes with their options, and what its source says and means."""
    from trustworks.assurance.rulesets import load  # noqa: PLC0415 - as above

    found = load(name)
    if as_json:
        typer.echo(json.dumps(_whole(found), indent=2, ensure_ascii=False))
        return
    typer.echo(f"{found.title}. {found.source}. As read on {found.edition}; SHA-256 {found.sha256}.")
    typer.echo("\nGeneral")
    for identifier, reference, words in found.general:
        typer.echo(f"  {identifier:<7} {words} ({reference})")
    _print_acts(found)
    _print_processes(found)
    typer.echo("\nRules")
    for table in found.tables.values():
        typer.echo(f"  {table.id}: {table.words} ({table.reference})")
    if found.errata:
        typer.echo("\nWhat the source says, and means")
    for reference, says, means in found.errata:
        typer.echo(f"  {reference}: says {says}; means {means}")


def _print_acts(found: RuleSet) -> None:
    if found.acts:
        typer.echo("\nActs, and the first day of each")
    for act in found.acts.values():
        typer.echo(f"  {act.applies}  {act.id} ({act.reference}; {act.source_status})")


def _print_processes(found: RuleSet) -> None:
    typer.echo("\nProcesses and their options")
    for process in found.processes:
        typer.echo(f"  {process.service}/{process.id}: {process.label} ({process.reference})")
        for option in process.options:
            typer.echo(f"    {option}: {found.options[option].label}")
        for condition in process.conditions:
            typer.echo(f"    whatever the option: {found.tables[condition].words}")
        if process.note:
            typer.echo(f"    {process.note}")


@rules.command("check")
def check_(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Rule sets of your own; without any: those that are shipped.", exists=True, dir_okay=False
        ),
    ] = None,
) -> None:
    """Check that rule sets are whole: every case is decided, and once. Exit code 1 where one is not."""
    from trustworks.assurance.rulesets import SHIPPED, check, load, read  # noqa: PLC0415 - as above

    sets = [load(name) for name in SHIPPED] if not files else []
    sets += [read(read_at_most(one, _LARGEST + 1), str(one)) for one in files or ()]
    wrong = 0
    for one in sets:
        found = check(one)
        wrong += len(found)
        for problem in found:
            typer.secho(f"{one.id}: {problem}", err=True, fg="red")
        cases = sum(len(table.cases) for table in one.tables.values())
        typer.echo(
            f"{one.id}: {len(one.tables)} rules with {cases} cases, {len(one.options)} options, "
            f"{len(one.processes)} processes; {len(found)} finding(s)."
        )
    if wrong:
        raise typer.Exit(1)


def _head(one: RuleSet) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "source": one.source,
        "edition": one.edition.isoformat(),
        "words": one.words,
        "sha256": one.sha256,
    }


def _whole(one: RuleSet) -> dict[str, Any]:
    return _head(one) | {
        "general": [{"id": a, "reference": b, "words": c} for a, b, c in one.general],
        "rules": [
            {"id": table.id, "reference": table.reference, "words": table.words, "asks": list(table.asks)}
            for table in one.tables.values()
        ],
        "options": [
            {
                "id": option.id,
                "reference": option.reference,
                "label": option.label,
                "preferred": option.preferred,
                "ways": [
                    {
                        "certificates": list(way.certificates),
                        "elements": list(way.elements),
                        "rules": list(way.rules),
                    }
                    for way in option.ways
                ],
            }
            for option in one.options.values()
        ],
        "acts": [
            {
                "id": act.id,
                "applies": act.applies.isoformat(),
                "reference": act.reference,
                "source_status": act.source_status,
                "clauses": dict(act.clauses),
            }
            for act in one.acts.values()
        ],
        "processes": [
            {
                "service": process.service,
                "id": process.id,
                "reference": process.reference,
                "label": process.label,
                "options": list(process.options),
                "conditions": list(process.conditions),
                "obligation": process.obligation.value,
                "act": None if process.act is None else process.act.id,
                "applies": None if process.applies is None else process.applies.isoformat(),
                "note": process.note,
            }
            for process in one.processes
        ],
        "errata": [{"reference": a, "says": b, "means": c} for a, b, c in one.errata],
    }
