"""`trustworks assurance change` and `incident`: what is planned, what nobody planned, drafts of notices."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import datetime  # noqa: TC003 - Typer reads it at run time
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from trustworks.assurance.changes.model import IncidentOutcome, read_plan
from trustworks.assurance.cli.evidence import EvidenceWiring, now_of
from trustworks.core.account import account
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import operator_of, performs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.assurance.changes.model import Change, Incident
    from trustworks.assurance.changes.service import Changes

change = typer.Typer(
    no_args_is_help=True,
    help="Planned changes, a month ahead: plan, list, show, notice, done, cancel.",
)
incident = typer.Typer(
    no_args_is_help=True, help="What nobody planned, as drafts of notices: list, show, notice, close."
)

Number = Annotated[int, typer.Argument(help="The number in the register.", min=1, max=2**31 - 1)]
Reason = Annotated[str, typer.Option(help="Why; goes into the register and the audit log.")]


class ChangeWiring(EvidenceWiring, Protocol):
    """What the commands need of the application's wiring."""

    @property
    def config(self) -> Any:
        """The configuration."""


@contextmanager
def _opened(context: typer.Context) -> Iterator[Changes]:
    from trustworks.assurance.changes.service import Changes  # noqa: PLC0415 - loads the register
    from trustworks.core.time import any_time  # noqa: PLC0415 - as above

    wiring: ChangeWiring = context.obj
    clock = wiring.open_clock()
    with (
        wiring.open_database() as database,
        wiring.open_recorder("assurance", database=database) as recorder,
    ):
        yield Changes(recorder, by=operator_of(context) or account(), now=lambda: any_time(clock).utc)


@change.command()
@performs(Act.CONFIGURE)
def plan(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            help="The plan (TOML): title, planned, elements, description, reasons, services, product, "
            "expected, entered, evidence, documents, urgent.",
            metavar="PLAN",
        ),
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Enter a planned change; what a module then says otherwise, exactly as announced, is no alarm."""
    read = read_plan(file)
    with _opened(context) as changes:
        _tell(changes.plan(read), as_json=as_json)


@change.command("list")
def list_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List all changes."""
    from trustworks.assurance.changes import records  # noqa: PLC0415 - loads SQLAlchemy

    wiring: ChangeWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        found = records.all_changes(connection)
    if as_json:
        typer.echo(json.dumps({"changes": [_values(one) for one in found]}, ensure_ascii=False))
        return
    for one in found:
        typer.echo(_line(one))
    if not found:
        typer.echo("No change was planned.")


@change.command()
def show(context: typer.Context, number: Number, *, as_json: AsJson = False) -> None:
    """Show a change with its steps."""
    found = _change(context, number)
    if as_json:
        typer.echo(json.dumps(_values(found), ensure_ascii=False))
        return
    typer.echo(_line(found))
    for act in found.acts:
        reason = f": {printable(act.reason)}" if act.reason else ""
        typer.echo(f"  {act.at:%Y-%m-%d %H:%M:%S} UTC  {act.state.value:<10} {printable(act.by)}{reason}")
    for name, value in sorted(found.plan.announced.items()):
        typer.echo(f"  expects {name} {printable(value)}")


@change.command()
def notice(context: typer.Context, number: Number) -> None:
    """Print the draft of a change's notification ((EU) 2025/2530, Article 1); nothing is sent."""
    from trustworks.assurance.changes.drafts import change_notice  # noqa: PLC0415 - only here

    wiring: ChangeWiring = context.obj
    found = _change(context, number)
    _print(change_notice(found, provider=wiring.config.provider.name, now=now_of(wiring)))


@change.command()
@performs(Act.CONFIGURE)
def done(context: typer.Context, number: Number, reason: Reason = "", *, as_json: AsJson = False) -> None:
    """Enter a change as done; the register then holds what was announced of the product."""
    with _opened(context) as changes:
        _tell(changes.done(number, reason=reason), as_json=as_json)


@change.command()
@performs(Act.CONFIGURE)
def cancel(context: typer.Context, number: Number, reason: Reason, *, as_json: AsJson = False) -> None:
    """End a change that will not be carried out."""
    with _opened(context) as changes:
        _tell(changes.cancel(number, reason=reason), as_json=as_json)


@incident.command("list")
def list_incidents(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List what was found and nobody planned."""
    from trustworks.assurance.changes import records  # noqa: PLC0415 - as above

    wiring: ChangeWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        found = records.all_incidents(connection)
    if as_json:
        typer.echo(json.dumps({"incidents": [_incident(one) for one in found]}, ensure_ascii=False))
        return
    for one in found:
        typer.echo(_incident_line(one))
    if not found:
        typer.echo("No incident was drafted.")


@incident.command("show")
def show_incident(context: typer.Context, number: Number, *, as_json: AsJson = False) -> None:
    """Show an incident with what the records say."""
    found = _one_incident(context, number)
    if as_json:
        typer.echo(json.dumps(_incident(found), ensure_ascii=False))
        return
    for name, value in _incident(found).items():
        if value is not None:
            typer.echo(f"{name:<10} {printable(json.dumps(value, ensure_ascii=False))}")


@incident.command("notice")
def notice_incident(context: typer.Context, number: Number) -> None:
    """Print the draft of an incident's notification, due 24 hours after it became known; nothing is sent."""
    from trustworks.assurance.changes.drafts import incident_notice  # noqa: PLC0415 - only here

    wiring: ChangeWiring = context.obj
    found = _one_incident(context, number)
    _print(incident_notice(found, provider=wiring.config.provider.name, now=now_of(wiring)))


@incident.command("close")
@performs(Act.CONFIGURE)
def close_incident(
    context: typer.Context,
    number: Number,
    *,
    outcome: Annotated[
        IncidentOutcome,
        typer.Option(
            help="settled: the module is what the register says. accepted: it stays as it was found, and the "
            "register says so. superseded: a later incident has it."
        ),
    ],
    reason: Reason,
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day on which it ended; default: today.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Close an incident, as far as the last look bears it out; its draft stays.

    It opens nothing that stopped a module or a service: `trustworks module approve` approves a module.
    """
    with _opened(context) as changes:
        day = (on or now_of(context.obj)).date()
        found = changes.close(number, outcome, on=day, reason=reason)
    typer.echo(json.dumps(_incident(found), ensure_ascii=False) if as_json else _incident_line(found))


def _change(context: typer.Context, number: int) -> Change:
    from trustworks.assurance.changes.service import change_of  # noqa: PLC0415 - as above

    wiring: ChangeWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        return change_of(connection, number)


def _one_incident(context: typer.Context, number: int) -> Incident:
    from trustworks.assurance.changes.service import incident_of  # noqa: PLC0415 - as above

    wiring: ChangeWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        return incident_of(connection, number)


def _tell(found: Change, *, as_json: bool) -> None:
    typer.echo(json.dumps(_values(found), ensure_ascii=False) if as_json else _line(found))


def _line(found: Change) -> str:
    plan = found.plan
    about = f" ({printable(plan.product)})" if plan.product else ""
    when = f"{plan.planned:%Y-%m-%d %H:%M}"
    return f"{found.number:>4}  {found.state.value:<10} {when}  {printable(plan.title)}{about}"


def _values(found: Change) -> dict[str, Any]:
    return {
        "number": found.number,
        "state": found.state.value,
        "plan": found.plan.values(),
        "acts": [
            {"state": one.state.value, "at": one.at.isoformat(), "by": one.by, "reason": one.reason}
            for one in found.acts
        ],
    }


def _incident(found: Incident) -> dict[str, Any]:
    return {
        "number": found.number,
        "at": found.at.isoformat(),
        "product": found.product,
        "services": list(found.services),
        "findings": list(found.findings),
        "facts": dict(found.facts),
        "end": None
        if found.end is None
        else {
            "outcome": found.end.outcome.value,
            "on": found.end.on.isoformat(),
            "at": found.end.at.isoformat(),
            "by": found.end.by,
            "reason": found.end.reason,
        },
    }


def _incident_line(found: Incident) -> str:
    state = "open" if found.end is None else found.end.outcome.value
    return (
        f"{found.number:>4}  {state:<10} {found.at:%Y-%m-%d %H:%M:%S} UTC  {printable(found.product)}: "
        + printable("; ".join(found.findings))
    )


def _print(text: str) -> None:
    for line in text.splitlines():
        typer.echo(printable(line))
