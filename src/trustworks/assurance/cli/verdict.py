"""`trustworks assurance verdicts` and `forecast`: what the rule sets answer about the register."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from trustworks.core.errors import Malformed
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable

if TYPE_CHECKING:
    from datetime import date

    from trustworks.assurance.cli.wiring import AssuranceWiring
    from trustworks.assurance.model import Facts

At = Annotated[
    datetime | None,
    typer.Option("--at", formats=["%Y-%m-%d"], help="For this day; default: today.", metavar="DATE"),
]
OneService = Annotated[str | None, typer.Option(help="Only this service.")]


def verdicts(
    context: typer.Context,
    at: At = None,
    service: OneService = None,
    *,
    whole: Annotated[bool, typer.Option("--whole", help="Every rule of every option.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print what both rule sets answer about everything that is bound to a service."""
    from trustworks.assurance.engine import Index, evaluate  # noqa: PLC0415 - only here
    from trustworks.assurance.report import NOT_A_DECISION, as_values, report_lines  # noqa: PLC0415 - as above
    from trustworks.assurance.rulesets import SHIPPED, load  # noqa: PLC0415 - as above

    facts, day = _facts(context, service), _day(at)
    index = Index(facts)
    reports = [evaluate(index, load(name), day) for name in SHIPPED]
    if as_json:
        found = {"statement": NOT_A_DECISION, "reports": [as_values(one) for one in reports]}
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for number, one in enumerate(reports):
        typer.echo(
            "\n".join(([""] if number else []) + [printable(line) for line in report_lines(one, whole=whole)])
        )
    typer.echo(f"\n{NOT_A_DECISION}")


def forecast(
    context: typer.Context,
    at: At = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The last day; default: ten years on.", metavar="DATE"),
    ] = None,
    service: OneService = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Print on which days verdicts change, if nothing but time passes."""
    from trustworks.assurance.engine import forecast as look  # noqa: PLC0415 - only here
    from trustworks.assurance.report import forecast_lines, forecast_values  # noqa: PLC0415 - as above
    from trustworks.assurance.rulesets import SHIPPED, load  # noqa: PLC0415 - as above

    facts, first, last = _facts(context, service), _day(at), None if until is None else until.date()
    if last is not None and last < first:
        raise Malformed(f"The last day, {last}, is before the first, {first}.")
    found = [look(facts, load(name), first, last) for name in SHIPPED]
    if as_json:
        typer.echo(json.dumps([forecast_values(one) for one in found], indent=2, ensure_ascii=False))
        return
    for number, one in enumerate(found):
        typer.echo("\n".join(([""] if number else []) + [printable(line) for line in forecast_lines(one)]))


def _facts(context: typer.Context, service: str | None) -> Facts:
    from dataclasses import replace  # noqa: PLC0415 - only here

    from trustworks.assurance.service import facts_of  # noqa: PLC0415 - loads the records

    wiring: AssuranceWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        found = facts_of(connection)
    if service is None:
        return found
    services = sorted({one.service for one in found.bindings})
    if service not in services:
        raise Malformed(
            f"Nothing is bound to the service {service!a:.40}; there are: {', '.join(services) or 'none'}."
        )
    bindings = tuple(one for one in found.bindings if one.service == service)
    used = {one.product for one in bindings}
    return replace(found, bindings=bindings, products=tuple(one for one in found.products if one.id in used))


def _day(given: datetime | None) -> date:
    return (given or datetime.now(UTC)).date()
