"""`trustworks doctor`: what an operator has to do still, the most urgent first."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from trustworks.core.errors import TrustworksError
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from sqlalchemy import Connection

    from trustworks.app.wiring import Wiring
    from trustworks.assurance.model import ProcessVerdict


app = typer.Typer(add_completion=False)


class Severity(StrEnum):
    """How urgent it is."""

    NOW = "now"  # a service does not start, or what it does would not be trusted
    SOON = "soon"  # an assessor would find it
    LATER = "later"  # it has a day, which has not come


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One thing to do: what it is about, what was found, and what to do where that is another thing."""

    severity: Severity
    about: str
    sentence: str
    do: str = ""


@app.command()
def doctor(
    context: typer.Context,
    *,
    severity: Annotated[Severity | None, typer.Option(help="Only what is as urgent, or more.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what has to be done still: configuration, integrity, roles, keys, duties, register, evidence.

    Exit code 1 where something has to be done now.
    """
    wiring: Wiring = context.obj
    order = list(Severity)
    found = [
        one
        for one in advice(wiring)
        if severity is None or order.index(one.severity) <= order.index(severity)
    ]
    found.sort(key=lambda one: order.index(one.severity))
    if as_json:
        values = [
            {"severity": one.severity.value, "about": one.about, "sentence": one.sentence, "do": one.do}
            for one in found
        ]
        typer.echo(json.dumps(values, indent=2, ensure_ascii=False))
    else:
        for one in found:
            typer.echo(printable(f"{one.severity:<6}{one.about}: {one.sentence}"))
            if one.do:
                typer.echo(printable(f"{'':<6}{one.do}"))
        if not found:
            typer.echo("Nothing is left to be done that this program knows of.")
    if any(one.severity is Severity.NOW for one in found):
        raise typer.Exit(1)


def advice(wiring: Wiring) -> Iterator[Advice]:
    """All that is to be done. What cannot be looked at is advice of its own, and the rest is looked at."""
    yield from _tried("configuration", lambda: _configuration(wiring))
    yield from _tried("integrity", lambda: _integrity(wiring))
    yield from _laboratory(wiring)
    try:
        with wiring.open_database() as database, database.read() as connection:
            today = datetime.now(UTC)
            yield from _tried("statements", lambda: _statements(wiring, connection))
            yield from _tried("keys", lambda: _keys(wiring, connection, today))
            yield from _tried("evidence", lambda: _evidence(connection))
            yield from _tried("register", lambda: _register(connection, today.date()))
    except TrustworksError as error:
        yield Advice(severity=Severity.NOW, about="database", sentence=str(error))


def _tried(about: str, look: Callable[[], Iterator[Advice]]) -> Iterator[Advice]:
    try:
        yield from look()
    except TrustworksError as error:
        yield Advice(severity=Severity.NOW, about=about, sentence=f"It could not be looked at: {error}")


def _configuration(wiring: Wiring) -> Iterator[Advice]:
    from trustworks.app.configuration_check import problems  # noqa: PLC0415 - loads all services

    for one in problems(wiring):
        yield Advice(severity=Severity.NOW, about="configuration", sentence=one)


def _integrity(wiring: Wiring) -> Iterator[Advice]:
    from trustworks.app.wiring.installed import examine  # noqa: PLC0415 - only here

    found = examine(wiring)
    if found is None:
        yield Advice(
            severity=Severity.LATER if wiring.config.provider.lab else Severity.SOON,
            about="integrity",
            sentence="No manifest says which files are installed, so that a change to them is not found.",
            do="`trustworks integrity make` writes one; name it and its key in [integrity].",
        )
    elif not found.ok:
        yield Advice(severity=Severity.NOW, about="integrity", sentence=found.sentence)


def _laboratory(wiring: Wiring) -> Iterator[Advice]:
    if wiring.config.provider.lab:
        yield Advice(
            severity=Severity.SOON,
            about="laboratory",
            sentence="This is a laboratory: nothing that it makes is to be relied on.",
            do="A provider writes a configuration of its own (docs/operators-guide.md).",
        )


def _statements(wiring: Wiring, connection: Connection) -> Iterator[Advice]:
    from trustworks.app.statements.service import findings  # noqa: PLC0415 - draws the statements

    for one in findings(wiring.config, connection):
        yield Advice(severity=Severity.SOON, about="statements", sentence=one)


def _keys(wiring: Wiring, connection: Connection, now: datetime) -> Iterator[Advice]:
    from trustworks.app.rollover.due import schedule  # noqa: PLC0415 - loads the services

    for one in schedule(wiring.config, connection):
        if one.is_due(now):
            yield Advice(
                severity=Severity.SOON,
                about="keys",
                sentence=f"{one.name} is due since {one.due:%Y-%m-%d}, and ends {one.end:%Y-%m-%d}.",
                do=one.how,
            )


def _evidence(connection: Connection) -> Iterator[Advice]:
    from trustworks.assurance.evidence.model import Outcome  # noqa: PLC0415 - loads the records
    from trustworks.assurance.evidence.records import last_round  # noqa: PLC0415 - as above

    last = last_round(connection)
    if last is None:
        yield Advice(
            severity=Severity.SOON,
            about="evidence",
            sentence="No evidence of the running systems has been collected.",
            do="The jobs of `trustworks serve` do it; `trustworks assurance evidence collect` does it now.",
        )
        return
    for kept in last.items:
        if kept.item.outcome is not Outcome.OK:
            yield Advice(
                severity=Severity.SOON,
                about=f"{kept.item.kind} {kept.item.subject}",
                sentence=kept.item.sentence,
            )


def _register(connection: Connection, today: date) -> Iterator[Advice]:
    from trustworks.assurance.engine import Index, evaluate  # noqa: PLC0415 - only here
    from trustworks.assurance.rulesets import load  # noqa: PLC0415 - as above
    from trustworks.assurance.service import facts_of  # noqa: PLC0415 - as above

    facts = facts_of(connection)
    if not facts.bindings:
        yield Advice(
            severity=Severity.SOON,
            about="register",
            sentence="No product is bound to a service: nothing shows which products are trustworthy.",
            do="`trustworks assurance product add` and `trustworks assurance binding add` enter them.",
        )
        return
    report = evaluate(Index(facts), load("current"), today)
    for gap in report.unbound:
        yield Advice(severity=Severity.SOON, about="register", sentence=gap)
    for service in report.services:
        for process in service.processes:
            yield from _process(process)
    for source in report.stale:
        yield Advice(
            severity=Severity.LATER,
            about="register",
            sentence=f"An old source: {source}.",
            do="Download it again, and `trustworks assurance certificate import` it.",
        )


def _process(process: ProcessVerdict) -> Iterator[Advice]:
    """What would lift a process that is an obligation and is neither strong nor argued."""
    from trustworks.assurance.model import Verdict  # noqa: PLC0415 - only here

    if not process.obligation or process.product is None or process.verdict.rank >= Verdict.ARGUED.rank:
        return
    best = process.best
    rules = (*(() if best is None else best.reasons), *process.conditions)
    for one in rules:
        if one.verdict is process.verdict:
            yield Advice(
                severity=Severity.SOON,
                about=f"{process.service}/{process.process} ({process.product})",
                sentence=f"{process.verdict}: {one.sentence}",
                do=one.lift,
            )
