"""`trustworks assurance verdicts` and `forecast`: what the rule sets answer about the register."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from trustworks.assurance.cli.wiring import AssuranceWiring
    from trustworks.assurance.model import Facts, LiveModule
    from trustworks.assurance.rulesets import RuleSet

_LARGEST: Final = 1 << 20  # octets of a rule set
_MOST_TOLD: Final = 5  # of what is wrong with a rule set

At = Annotated[
    datetime | None,
    typer.Option("--at", formats=["%Y-%m-%d"], help="For this day; default: today.", metavar="DATE"),
]
OneService = Annotated[str | None, typer.Option(help="Only this service.")]
Rules = Annotated[
    list[Path] | None,
    typer.Option(
        "--rules",
        help="By a rule set of your own, in place of those that are shipped; may be given several times.",
        exists=True,
        dir_okay=False,
        metavar="FILE",
    ),
]


def verdicts(
    context: typer.Context,
    at: At = None,
    service: OneService = None,
    rules: Rules = None,
    *,
    whole: Annotated[bool, typer.Option("--whole", help="Every rule of every option.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print what both rule sets answer about everything that is bound to a service.

    A rule set of your own is checked first: one that leaves a case open, or decides it twice, is refused.
    """
    from trustworks.assurance.engine import Index, evaluate  # noqa: PLC0415 - only here
    from trustworks.assurance.report import NOT_A_DECISION, as_values, report_lines  # noqa: PLC0415 - as above

    sets, day = _sets(rules), _day(at)
    facts = _facts(context, service, sets)
    index = Index(facts)
    reports = [evaluate(index, one, day) for one in sets]
    if as_json:
        found = {"statement": NOT_A_DECISION, "reports": [as_values(one) for one in reports]}
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    if service is not None and not (facts.bindings or facts.unregistered):
        typer.echo(_nothing_bound(service, sets))
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
    rules: Rules = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Print on which days verdicts change, if nothing but time passes."""
    from trustworks.assurance.engine import forecast as look  # noqa: PLC0415 - only here
    from trustworks.assurance.report import forecast_lines, forecast_values  # noqa: PLC0415 - as above

    sets, first, last = _sets(rules), _day(at), None if until is None else until.date()
    if last is not None and last < first:
        raise Malformed(f"The last day, {last}, is before the first, {first}.")
    facts = _facts(context, service, sets)
    found = [look(facts, one, first, last) for one in sets]
    if as_json:
        typer.echo(json.dumps([forecast_values(one) for one in found], indent=2, ensure_ascii=False))
        return
    if service is not None and not (facts.bindings or facts.unregistered):
        typer.echo(_nothing_bound(service, sets))
        return
    for number, one in enumerate(found):
        typer.echo("\n".join(([""] if number else []) + [printable(line) for line in forecast_lines(one)]))


def _sets(files: list[Path] | None) -> list[RuleSet]:
    """The shipped rule sets, or those of the files. Raises `Malformed` for one that is not whole."""
    from trustworks.assurance.rulesets import SHIPPED, check, load, read  # noqa: PLC0415 - only here

    if not files:
        return [load(name) for name in SHIPPED]
    found = [read(read_at_most(one, _LARGEST), str(one)) for one in files]
    for file, one in zip(files, found, strict=True):
        problems = check(one)
        if problems:
            more = len(problems) - _MOST_TOLD
            told = "; ".join(map(str, problems[:_MOST_TOLD])) + (f"; and {more} more" if more > 0 else "")
            raise Malformed(
                f"{file} is not whole, and answers nothing: {told}. `trustworks assurance rules check "
                f"{file}` tells all."
            )
    return found


def _facts(context: typer.Context, service: str | None, sets: list[RuleSet]) -> Facts:
    """What is registered, or what of it one service uses. Raises `Malformed` for one that nobody knows."""
    from dataclasses import replace  # noqa: PLC0415 - only here

    from trustworks.assurance.registered import facts_of  # noqa: PLC0415 - loads the records

    wiring: AssuranceWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        found = facts_of(connection)
    if service is None:
        return found
    services = sorted({one.service for each in sets for one in each.processes})
    if service not in services:
        raise Malformed(f"{service!a:.40} is no service of a rule set; there are: {', '.join(services)}.")
    bindings = tuple(one for one in found.bindings if one.service == service)
    elsewhere = {(one.product, one.process) for one in found.bindings if one.service != service}
    named = [
        replace(one, uses=tuple(use for use in one.uses if (one.product, use[1]) not in elsewhere))
        for one in found.used
    ]
    live = _of(service, named)
    used = {one.product for one in bindings} | {one.product for one in live}
    return replace(
        found,
        bindings=bindings,
        products=tuple(one for one in found.products if one.id in used),
        unregistered=_of(service, found.unregistered),
        used=live,
    )


def _of(service: str, live: Iterable[LiveModule]) -> tuple[LiveModule, ...]:
    """The modules that a service uses, for that service alone."""
    from dataclasses import replace  # noqa: PLC0415 - only here

    return tuple(
        replace(one, uses=tuple(use for use in one.uses if use[0] == service))
        for one in live
        if any(name == service for name, _ in one.uses)
    )


def _nothing_bound(service: str, sets: list[RuleSet]) -> str:
    known = dict.fromkeys(
        one.id for each in sets for one in each.processes if one.service == service and not one.follows
    )
    return (
        f"Nothing is bound to the service {service}, so that there is no verdict about it. Its processes: "
        f"{', '.join(known) or 'none'}. `trustworks assurance binding add {service} PROCESS PRODUCT` binds a "
        "product."
    )


def _day(given: datetime | None) -> date:
    return (given or datetime.now(UTC)).date()
