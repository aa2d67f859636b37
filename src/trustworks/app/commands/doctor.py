"""`trustworks doctor`: what an operator has to do still, the most urgent first."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from trustworks.core.errors import TrustworksError
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    from sqlalchemy import Connection

    from trustworks.app.wiring import Wiring
    from trustworks.assurance.model import Facts, ProcessVerdict, Reason


app = typer.Typer(add_completion=False)
_DIFFERS: Final = (
    "Put the module right, or plan the change (`trustworks assurance change plan`); accept it by `trustworks "
    "assurance incident close`, or correct a wrong entry: `trustworks assurance product change --correction`."
)
_MOST_NAMED: Final = 3  # things that one advice is about


class Severity(StrEnum):
    """How urgent it is."""

    NOW = "now"  # a service does not start, or what it does would not be trusted
    SOON = "soon"  # an assessor would find it
    LATER = "later"  # when you can: it has a day, which has not come, or nobody relies on it
    INFO = "info"  # nothing is to be done: it is good to know


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One thing to do: what it is about, what was found, and what to do where that is another thing.

    `of_assessors`: it matters to those who assess, and to nobody else.
    """

    severity: Severity
    about: str
    sentence: str
    do: str = ""
    of_assessors: bool = False


@app.command()
def doctor(
    context: typer.Context,
    *,
    severity: Annotated[
        Severity | None,
        typer.Option(
            help="Only what is as urgent, or more: now, soon (an assessor would find it), later (when you "
            "can), info (nothing is to be done)."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List what has to be done still: configuration, integrity, roles, keys, duties, register, evidence.

    Exit code 1 where something has to be done now.
    """
    wiring: Wiring = context.obj
    order = list(Severity)
    found = [
        one for one in told(wiring) if severity is None or order.index(one.severity) <= order.index(severity)
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
        if all(one.severity is Severity.INFO for one in found):
            less = (
                ""
                if severity is None or severity is Severity.INFO
                else f" Less urgent than {severity}: not asked."
            )
            typer.echo(f"Nothing is left to be done that this program knows of.{less}")
    if any(one.severity is Severity.NOW for one in found):
        raise typer.Exit(1)


def told(wiring: Wiring) -> Iterator[Advice]:
    """All advice, what is the same about several things once. In a laboratory no assessor comes soon."""
    lab = wiring.config.provider.lab
    same: dict[tuple[Severity, str, str], list[str]] = {}
    for one in advice(wiring):
        severity = one.severity
        if lab and severity is Severity.SOON and one.of_assessors:
            severity = Severity.LATER
        same.setdefault((severity, one.sentence, one.do), []).append(one.about)
    for (severity, sentence, do), several in same.items():
        about = list(dict.fromkeys(several))
        more = f" and {len(about) - _MOST_NAMED} more" if len(about) > _MOST_NAMED else ""
        yield Advice(severity=severity, about=", ".join(about[:_MOST_NAMED]) + more, sentence=sentence, do=do)


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
            yield from _tried("changes", lambda: _changes(connection, today))
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
            severity=Severity.INFO,
            about="laboratory",
            sentence="This is a laboratory: nothing that it makes is to be relied on.",
            do="A provider writes a configuration of its own (docs/operators-guide.md).",
        )


def _statements(wiring: Wiring, connection: Connection) -> Iterator[Advice]:
    from trustworks.app.statements.service import findings  # noqa: PLC0415 - draws the statements

    for one in findings(wiring.config, connection):
        yield Advice(severity=Severity.SOON, about="statements", sentence=one, of_assessors=True)


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
    from trustworks.assurance.evidence.model import Kind, Outcome  # noqa: PLC0415 - loads the records
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
        item = kept.item
        if item.outcome is Outcome.OK:
            continue
        differs = bool(item.values.get("differences"))
        urgent = differs or item.kind is Kind.HEALTH or (item.kind is Kind.IDENTITY and not item.values)
        yield Advice(
            severity=Severity.NOW if urgent else Severity.SOON,
            about=f"{item.kind} {item.subject}",
            sentence=item.sentence,
            do=_DIFFERS if differs else "",
            of_assessors=not urgent,
        )


def _changes(connection: Connection, now: datetime) -> Iterator[Advice]:
    """Incidents that nobody closed, and changes that are planned, or should have come."""
    from trustworks.assurance.changes import records  # noqa: PLC0415 - loads the records
    from trustworks.assurance.changes.drafts import WITHIN  # noqa: PLC0415 - as above
    from trustworks.assurance.changes.model import ChangeState  # noqa: PLC0415 - as above
    from trustworks.assurance.changes.service import lasting_of  # noqa: PLC0415 - as above

    for incident in records.all_incidents(connection):
        if incident.end is None:
            due = incident.at + WITHIN
            lasts = lasting_of(connection, incident.product) != []
            yield Advice(
                severity=Severity.NOW if lasts or now < due else Severity.SOON,
                about=f"incident {incident.number} ({incident.product})",
                sentence=f"It is open: {'; '.join(incident.findings)}. Where it has to be notified, that is "
                f"due by {due:%Y-%m-%d %H:%M} UTC.",
                do=f"`trustworks assurance incident notice {incident.number}` drafts the notice; `trustworks "
                f"assurance incident close {incident.number}` closes it.",
            )
    for change in records.all_changes(connection):
        if change.state in {ChangeState.PLANNED, ChangeState.OBSERVED}:
            late = change.plan.planned <= now
            yield Advice(
                severity=Severity.SOON if late else Severity.INFO,
                about=f"change {change.number}",
                sentence=f"{change.plan.title}: planned for {change.plan.planned:%Y-%m-%d}, and "
                f"{change.state.value} still.",
                do=f"`trustworks assurance change done {change.number}`, or `change cancel`." if late else "",
            )


def _register(connection: Connection, today: date) -> Iterator[Advice]:
    from trustworks.assurance.engine import Index, evaluate  # noqa: PLC0415 - only here
    from trustworks.assurance.registered import facts_of  # noqa: PLC0415 - as above
    from trustworks.assurance.rulesets import load  # noqa: PLC0415 - as above

    facts = facts_of(connection)
    if not facts.bindings:
        yield Advice(
            severity=Severity.SOON,
            about="register",
            sentence="No product is bound to a service: nothing shows which products are trustworthy.",
            do="`trustworks assurance product add` and `trustworks assurance binding add` enter them.",
            of_assessors=True,
        )
        return
    yield from _differing(connection, facts)
    report = evaluate(Index(facts), load("current"), today)
    for gap in report.unbound:
        yield Advice(severity=Severity.SOON, about="register", sentence=gap, of_assessors=True)
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


def _differing(connection: Connection, facts: Facts) -> Iterator[Advice]:
    """Modules that said otherwise of themselves than the register says now, which no look has told yet."""
    from trustworks.assurance.changes.service import lasting_of  # noqa: PLC0415 - as in `_register`
    from trustworks.assurance.evidence.identity import differences  # noqa: PLC0415 - as above

    for one in facts.products:
        if one.observed is None or one.retired is not None or lasting_of(connection, one.id):
            continue
        found = differences(one, None, one.observed)
        if found:
            told = "; ".join(each.sentence for each in found)
            yield Advice(
                severity=Severity.NOW,
                about=f"module-identity {one.id}",
                sentence=f"{told[:1].upper()}{told[1:]}.",
                do=_DIFFERS,
            )


def _process(process: ProcessVerdict) -> Iterator[Advice]:
    """What would lift a process that is an obligation and is neither strong nor argued."""
    from trustworks.assurance.model import Verdict  # noqa: PLC0415 - only here

    if not process.obligation or process.product is None or process.verdict.rank >= Verdict.ARGUED.rank:
        return
    option = process.best
    rules = (*(() if option is None else _open(option.reasons)), *_open(process.conditions))
    about = f"{process.service}/{process.process} ({process.product})"
    for one in sorted(rules, key=lambda each: each.verdict.rank):
        yield Advice(
            severity=Severity.SOON,
            about=about,
            sentence=f"{one.verdict}: {one.sentence}",
            do=one.lift,
            of_assessors=True,
        )


def _open(rules: Iterable[Reason]) -> list[Reason]:
    """The rules that hold something down."""
    from trustworks.assurance.model import Verdict  # noqa: PLC0415 - only here

    return [one for one in rules if one.verdict.rank < Verdict.ARGUED.rank]
