"""`trustworks assurance evidence` and `duty`: what running systems show, what comes again by the law."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from functools import partial
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol

import typer

from trustworks.assurance.cli.wiring import AssuranceWiring, all_of, pseudonym
from trustworks.assurance.evidence import Kind, Outcome
from trustworks.core.account import account
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import operator_of, performs

if TYPE_CHECKING:
    from trustworks.assurance.collecting import Sources
    from trustworks.assurance.evidence.model import Item
    from trustworks.core.time import Clock

_LONGEST_NOTE: Final = 1000

evidence = typer.Typer(
    no_args_is_help=True, help="What the running systems show of themselves: collect, list, show."
)
duty = typer.Typer(
    no_args_is_help=True, help="What comes again by the law: scans, tests, training, reviews: list, done."
)


class EvidenceWiring(AssuranceWiring, Protocol):
    """What the commands need of the application's wiring."""

    def open_clock(self) -> Clock:
        """The clock."""

    def evidence_sources(self) -> Sources:
        """What runs, to be looked at."""


def now_of(wiring: EvidenceWiring) -> datetime:
    """Trusted time, else the system's."""
    from trustworks.core.time import any_time  # noqa: PLC0415 - keeps `--help` quick

    return any_time(wiring.open_clock()).utc


@evidence.command()
@performs(Act.OPERATE)
def collect(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Look at everything once, and keep what is new. Exit code 1: a module differs, and nobody planned it.

    The jobs of `trustworks serve` do the same by the clock.
    """
    from trustworks.assurance.collecting import Collector, values_of  # noqa: PLC0415 - loads the register
    from trustworks.core.time import any_time  # noqa: PLC0415 - as above

    wiring: EvidenceWiring = context.obj
    clock = wiring.open_clock()
    with (
        wiring.open_database() as database,
        wiring.open_recorder("assurance", database=database) as recorder,
    ):
        found = Collector(
            wiring.evidence_sources(),
            database=database,
            recorder=recorder,
            by=operator_of(context) or account(),
            now=lambda: any_time(clock).utc,
        ).run()
    if as_json:
        items = [{"number": one.number, **values_of(one.item)} for one in found.round.items]
        drafted = [one.number for one in found.incidents]
        came = [one.number for one in found.observed]
        told = {"round": found.round.number, "items": items, "incidents": drafted, "observed": came}
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        for one in found.round.items:
            typer.echo(_line(one.number, one.item))
        for drafted_one in found.incidents:
            typer.echo(
                f"Incident {drafted_one.number} was drafted: trustworks assurance incident notice "
                f"{drafted_one.number}"
            )
    if found.unexpected:
        raise typer.Exit(1)


@evidence.command("list")
def list_(
    context: typer.Context,
    *,
    kind: Annotated[Kind | None, typer.Option(help="Only of this kind.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only of this module, key, unit or duty.")] = None,
    outcome: Annotated[Outcome | None, typer.Option(help="Only with this outcome.")] = None,
    history: Annotated[
        bool, typer.Option("--history", help="What was found before, too, the newest first.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 200,
    as_json: AsJson = False,
) -> None:
    """List what the last look found, or with --history what was ever found."""
    from trustworks.assurance.collecting import values_of  # noqa: PLC0415 - as above
    from trustworks.assurance.evidence import records  # noqa: PLC0415 - loads SQLAlchemy

    wiring: EvidenceWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        last = None if history else records.last_round(connection)
        if history:
            kept = records.listing(connection, kind=kind, subject=subject, outcome=outcome, limit=limit)
        else:
            kept = [
                one
                for one in (() if last is None else last.items)
                if (kind is None or one.item.kind is kind)
                and (subject is None or one.item.subject == subject)
                and (outcome is None or one.item.outcome is outcome)
            ][:limit]
    if as_json:
        looked = None if last is None else {"number": last.number, "at": last.at.isoformat(), "by": last.by}
        items = [{"number": one.number, **values_of(one.item)} for one in kept]
        typer.echo(json.dumps({"round": looked, "items": items}, ensure_ascii=False))
        return
    if last is not None:
        typer.echo(f"Look {last.number}, {last.at:%Y-%m-%d %H:%M:%S} UTC, by {printable(last.by)}:")
    for one in kept:
        typer.echo(_line(one.number, one.item))
    if not kept:
        typer.echo("Nothing was collected yet, or nothing fits: trustworks assurance evidence collect")


@evidence.command()
def show(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="The item's number.", min=1, max=2**53)],
    *,
    as_json: AsJson = False,
) -> None:
    """Show one item with all that was read."""
    from trustworks.assurance.collecting import values_of  # noqa: PLC0415 - as above
    from trustworks.assurance.evidence import records  # noqa: PLC0415 - as above

    wiring: EvidenceWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        kept = records.one(connection, number)
    if kept is None:
        raise Rejected(
            "assurance.evidence",
            f"There is no item {number}; `trustworks assurance evidence list --history` shows all.",
        )
    values = {"number": number, **values_of(kept.item), "sha256": kept.item.digest}
    if as_json:
        typer.echo(json.dumps(values, ensure_ascii=False))
        return
    item = kept.item
    typer.echo(_line(number, item))
    typer.echo(f"found at    {item.at.isoformat()}")
    typer.echo(f"SHA-256     {item.digest}")
    typer.echo(f"evidence of {', '.join(item.requirements)}")
    for line in json.dumps(item.values, indent=2, ensure_ascii=False, sort_keys=True).splitlines():
        typer.echo(printable(line))


def _line(number: int, item: Item) -> str:
    return (
        f"{number:>6}  {item.outcome.value:<8} {item.kind.value:<16} {printable(item.subject)}: "
        + printable(item.sentence)
    )


# Duties


@duty.command("list")
def list_duties(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List what comes again, when it was done last, and when it is due. Exit code 1: something is overdue."""
    from trustworks.assurance.evidence import records  # noqa: PLC0415 - as above
    from trustworks.assurance.evidence.duties import duty_items  # noqa: PLC0415 - as above

    wiring: EvidenceWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        items = duty_items(records.all_done(connection), now_of(wiring))
    if as_json:
        rows = [
            {"duty": one.subject, "ok": one.outcome is Outcome.OK, "sentence": one.sentence, **one.values}
            for one in items
        ]
        typer.echo(json.dumps({"duties": rows}, ensure_ascii=False))
    else:
        for one in items:
            typer.echo(f"{one.subject:<24} {one.values['due'] or 'never done':<12} {one.sentence}")
            typer.echo(f"{'':<24} {'':<12} {'; '.join(one.values['clauses'])}")
    if any(one.outcome is not Outcome.OK for one in items):
        raise typer.Exit(1)


@duty.command()
@performs(Act.CONFIGURE)
def done(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The duty, as `duty list` names it.", metavar="DUTY")],
    on: Annotated[str, typer.Option(help="The day on which it was done: 2026-05-31.", metavar="DAY")],
    document: Annotated[Path, typer.Option(help="The report that shows it; its SHA-256 is kept.")],
    person: Annotated[
        list[str] | None,
        typer.Option(help="Who did it: a pseudonym, never a name; may be given several times."),
    ] = None,
    *,
    note: Annotated[str, typer.Option(help="A remark.")] = "",
    as_json: AsJson = False,
) -> None:
    """Enter that something was done that comes again."""
    from trustworks.assurance.evidence import records  # noqa: PLC0415 - as above
    from trustworks.assurance.evidence.duties import Done  # noqa: PLC0415 - as above
    from trustworks.core.audit import Event  # noqa: PLC0415 - as above

    wiring: EvidenceWiring = context.obj
    now, by = now_of(wiring), operator_of(context) or account()
    persons = person or []
    duty_, day, digest, remark, *who = all_of(
        lambda: _known(name),
        lambda: _day(on, now.date()),
        lambda: _digest(document),
        lambda: _note(note),
        *(partial(pseudonym, one) for one in persons),
    )
    entry = Done(duty=duty_, on=day, document=digest, persons=tuple(who), note=remark)
    with (
        wiring.open_database() as database,
        wiring.open_recorder("assurance", database=database) as recorder,
    ):
        number = recorder.transact(
            Event(
                type="assurance.duty-done",
                outcome="success",
                actor=by,
                subject={"duty": entry.duty},
                detail={
                    "on": entry.on.isoformat(),
                    "document": entry.document,
                    "persons": list(entry.persons),
                },
                time=now,
            ),
            lambda connection: records.add_done(connection, entry, at=now, by=by),
        )
    facts: dict[str, Any] = {
        "number": number,
        "duty": entry.duty,
        "on": entry.on.isoformat(),
        "document_sha256": entry.document,
    }
    typer.echo(json.dumps(facts) if as_json else f"{entry.duty}: done on {entry.on}, entry {number}")


def _known(name: str) -> str:
    from trustworks.assurance.evidence.duties import duties  # noqa: PLC0415 - as above

    if name not in duties():
        raise Malformed(f"{name!a:.80} is no duty; there are {', '.join(duties())}.")
    return name


def _day(text: str, today: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Malformed(f"{text!a:.40} is no day; write it as 2026-05-31.") from None
    if day > today:
        raise Malformed(f"{day} has not come yet: enter what was done, when it was done.")
    return day


def _note(text: str) -> str:
    if len(text) > _LONGEST_NOTE:
        raise Malformed(f"The remark has {len(text)} characters; write {_LONGEST_NOTE} at most.")
    return text


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise Malformed(f"{file} cannot be read: {error.strerror}.") from None
