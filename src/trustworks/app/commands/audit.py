"""`trustworks audit`: verify the log, export it, prove single events, look into it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from trustworks.app.commands.documents import (
    checkpoint_in,
    document_in,
    hand_out,
    signer_in,
    token_check,
)
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.moments import read_moment
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.output import write_output
from trustworks.core.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from sqlalchemy import Table

    from trustworks.app.configuration.config import Config
    from trustworks.core.audit.report import Report
    from trustworks.core.audit.search import Stored
    from trustworks.core.store import Database

app = typer.Typer(no_args_is_help=True, help="The audit log: verify, export, prove, look into it.")

Certificates = Annotated[
    list[Path] | None,
    typer.Option(
        "--certificate",
        help="A certificate (PEM) of a key that may sign checkpoints. Default: [audit] certificate.",
    ),
]


Stream = Annotated[str, typer.Argument(help="The stream's name, as `audit list` shows it.")]
Sequence = Annotated[int, typer.Argument(help="The event's number in its stream.", min=0)]


class AuditWiring(Protocol):
    """What the commands of the audit log need of the application's wiring."""

    @property
    def config(self) -> Config:
        """The configuration."""

    def open_database(self, *, check: bool = True) -> AbstractContextManager[Database]:
        """The database."""


@app.command()
def verify(
    context: typer.Context,
    export_file: Annotated[
        Path | None,
        typer.Option("--export", help="Verify this exported file, not the database; needs no configuration."),
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            help="A checkpoint that was kept elsewhere: shows whether the log was cut or rewritten."
        ),
    ] = None,
    certificate: Certificates = None,
    trust: Annotated[
        list[Path] | None,
        typer.Option(
            help="A trust anchor (PEM) of the time-stamps. Default: only their imprint is compared.",
        ),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Verify every event, every stream, the Merkle tree and its checkpoints. Exit code 1: not sound."""
    from trustworks.core.audit.bound import BoundRecords  # noqa: PLC0415
    from trustworks.core.audit.entries import DatabaseSource  # noqa: PLC0415
    from trustworks.core.audit.export import opened_export  # noqa: PLC0415
    from trustworks.core.audit.verify import verify as verify_log  # noqa: PLC0415
    from trustworks.issuance import CertificateRecords  # noqa: PLC0415
    from trustworks.issuance.registration.contents import RegisteredContents  # noqa: PLC0415
    from trustworks.timestamping import TokenRecords  # noqa: PLC0415

    wiring: AuditWiring = context.obj
    kept = [checkpoint_in(file) for file in against or ()]
    trusted = _trusted(wiring, certificate, configured=export_file is None)
    check_token = token_check(trust)
    if export_file is not None:
        with opened_export(export_file) as source, _progress("Verifying", source.total()) as progress:
            report = verify_log(
                source, against=kept, trusted=trusted, check_token=check_token, progress=progress
            )
    else:
        with wiring.open_database() as database, database.inspect() as connection:
            stored = DatabaseSource(connection)
            with _progress("Verifying", stored.total()) as progress:
                report = verify_log(
                    stored,
                    against=kept,
                    trusted=trusted,
                    check_token=check_token,
                    checkers=(
                        TokenRecords(connection),
                        CertificateRecords(connection),
                        BoundRecords(connection, all_bound_tables()),
                        RegisteredContents(connection),
                    ),
                    checkpoint_every=_checkpoint_every(wiring.config),
                    time_stamp_every=_time_stamp_every(wiring.config),
                    progress=progress,
                )
    typer.echo(json.dumps(report.as_dict()) if as_json else report_text(report))
    if not report.ok:
        raise typer.Exit(1)


def report_text(report: Report) -> str:
    """The report as lines for a person."""
    first, last = report.first_time_stamp, report.last_time_stamp
    stamped = "" if last is None else f", from {first} to {last}"
    lines = [
        f"{report.events:,} events in {report.streams:,} streams ({report.open_streams:,} without an end)",
        f"From {report.first_time or 'never'} to {report.last_time or 'never'}",
        f"Merkle tree: {report.size:,} events, root {report.root}; {report.waiting:,} not in it yet",
        f"Checkpoints: {report.checkpoints:,}, of which {report.time_stamps:,} time-stamped{stamped}",
        f"Covered by the newest checkpoint that agrees: {report.covered:,} events",
    ]
    compared = "" if report.keys_compared else " (compared with no certificate: give --certificate)"
    lines += [f"Signed by the key {key}{compared}" for key in report.keys]
    for finding in report.findings:
        place = []
        if finding.stream is not None:
            event = "an event" if finding.sequence is None else f"event {finding.sequence}"
            place.append(f"{event} of stream {finding.stream}")
        if finding.position is not None:
            place.append(f"position {finding.position}")
        place += [text for text in (finding.type, finding.time) if text is not None]
        lines.append(f"- {finding.kind}: {', '.join(place)}{': ' if place else ''}{finding.message}")
    if report.more_findings:
        lines.append(f"- and {report.more_findings:,} more")
    lines += [f"- notice, {notice.kind}: {notice.message}" for notice in report.notices]
    lines.append("The log is sound." if report.ok else "THE LOG IS NOT SOUND. Keep a copy of it as it is.")
    return "\n".join(map(printable, lines))


@app.command()
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The new file: JSON lines.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Write the whole log with its checkpoints to FILE, which `audit verify --export` verifies anywhere."""
    from trustworks.core.audit.entries import DatabaseSource  # noqa: PLC0415
    from trustworks.core.audit.export import export_lines  # noqa: PLC0415

    wiring: AuditWiring = context.obj
    size = 0

    def measured(lines: Iterator[bytes]) -> Iterator[bytes]:
        nonlocal size
        for line in lines:
            size += len(line)
            yield line

    with wiring.open_database() as database, database.inspect() as connection:
        source = DatabaseSource(connection)
        total = source.total()
        with _progress("Exporting", total) as progress:
            write_output(file, measured(_counted(export_lines(source), progress)))
    if as_json:
        typer.echo(json.dumps({"file": str(file), "events": total, "bytes": size}))
    else:
        typer.echo(
            f"{file}: {total:,} events, {size:,} bytes. Verify it: trustworks audit verify --export {file}"
        )


@app.command()
def checkpoint(
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The new file. Default: print.")
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option(help="An older checkpoint: add the proof that the newest one continues it."),
    ] = None,
) -> None:
    """Hand out the newest checkpoint (JSON). Keep it where nobody who can change the log can change it."""
    from trustworks.core.audit import proofs  # noqa: PLC0415
    from trustworks.core.audit.checkpoint import as_document  # noqa: PLC0415

    wiring: AuditWiring = context.obj
    older = None if since is None else checkpoint_in(since)
    with wiring.open_database() as database, database.inspect() as connection:
        document = (
            as_document(proofs.newest_checkpoint(connection))
            if older is None
            else proofs.prove_consistency(connection, older)
        )
    hand_out(document, output)


@app.command()
def prove(
    context: typer.Context,
    stream: Stream,
    sequence: Sequence,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The new file. Default: print.")
    ] = None,
) -> None:
    """Prove that one event is in the log (JSON); `audit check-proof` verifies that without the log."""
    from trustworks.core.audit import proofs  # noqa: PLC0415

    wiring: AuditWiring = context.obj
    with wiring.open_database() as database, database.inspect() as connection:
        document = proofs.prove_inclusion(connection, stream, sequence)
    hand_out(document, output)


@app.command("check-proof")
def check_proof(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="What `audit prove` or `audit checkpoint --since` wrote.")],
    certificate: Certificates = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Verify a proof: that an event is in the log, or that one checkpoint continues another."""
    from trustworks.core.audit import proofs  # noqa: PLC0415

    wiring: AuditWiring = context.obj
    covering, event = proofs.check_proof(document_in(file))
    trusted = _trusted(wiring, certificate, configured=False)
    if trusted and covering.key not in trusted:
        raise Rejected(
            "audit.signer", f"The checkpoint is signed by the key {covering.key}, which is not the one given."
        )
    if as_json:
        found = {"size": covering.size, "time": covering.time, "key": covering.key, "event": event}
        typer.echo(json.dumps({"ok": True, "key_compared": bool(trusted), **found}))
        return
    compared = "" if trusted else " (compared with no certificate: give --certificate)"
    what = (
        "The checkpoint continues the older one:"
        if event is None
        else "The event is in the log, as covered by"
    )
    typer.echo(
        f"{what} {covering.size:,} events at {covering.time}, signed by the key {covering.key}{compared}."
    )
    if event is not None:
        typer.echo(json.dumps(event, indent=2))


@app.command("list")
def list_events(  # noqa: PLR0917 - Typer makes options of them
    context: typer.Context,
    type_prefix: Annotated[str, typer.Option("--type", help="A type of events, or its beginning.")] = "",
    stream: Annotated[str | None, typer.Option(help="One stream.")] = None,
    actor: Annotated[str | None, typer.Option(help="Who acted.")] = None,
    outcome: Annotated[str | None, typer.Option(help="success, failure or refused.")] = None,
    since: Annotated[
        str | None,
        typer.Option(help="From this moment on (2026-11-24T12:00:00Z); UTC unless it names a zone."),
    ] = None,
    until: Annotated[str | None, typer.Option(help="Before this moment; UTC unless it names a zone.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many events.", min=1, max=100_000)] = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """List events, the newest first."""
    from trustworks.core.audit.search import newest  # noqa: PLC0415

    wiring: AuditWiring = context.obj
    with wiring.open_database() as database, database.inspect() as connection:
        found = newest(
            connection,
            limit=limit,
            type_prefix=type_prefix,
            stream=stream,
            actor=actor,
            outcome=outcome,
            since=None if since is None else read_moment(since),
            until=None if until is None else read_moment(until),
        )
    unreadable = 0
    for event in found:
        try:
            typer.echo(json.dumps(event.as_dict()) if as_json else event_line(event))
        except Malformed as error:  # one that was tampered with does not hide the others
            unreadable += 1
            typer.secho(printable(str(error)), err=True, fg="red")
    if unreadable:
        raise typer.Exit(1)


def event_line(event: Stored) -> str:
    """One event as one line."""
    value = event.value
    about = " ".join(f"{name}={item}" for name, item in value["subject"].items())
    place = f"{event.entry.stream} {event.entry.sequence}"
    return printable(
        f"{value['time']}  {value['outcome']:<8} {value['type']:<28} {value['actor']:<16} {about}  ({place})"
    )


@app.command()
def show(context: typer.Context, stream: Stream, sequence: Sequence) -> None:
    """Show one event in full (JSON)."""
    from trustworks.core.audit.search import one  # noqa: PLC0415

    wiring: AuditWiring = context.obj
    with wiring.open_database() as database, database.inspect() as connection:
        found = one(connection, stream, sequence)
    if found is None:
        raise Rejected("audit.no-event", f"There is no event {sequence} of stream {stream}.")
    typer.echo(json.dumps(found.as_dict(), indent=2))


# ---- parts


def all_bound_tables() -> list[Table]:
    """The tables of the product whose records are bound to events."""
    import trustworks.app.statements.records  # noqa: PLC0415 - these declare them
    import trustworks.assurance.changes.records  # noqa: PLC0415
    import trustworks.assurance.evidence.records  # noqa: PLC0415
    import trustworks.assurance.records.tables  # noqa: PLC0415
    import trustworks.core.ceremony.records  # noqa: PLC0415
    import trustworks.core.keys.records  # noqa: PLC0415
    import trustworks.core.roles.records  # noqa: PLC0415
    import trustworks.issuance.records.acme  # noqa: PLC0415
    import trustworks.issuance.records.clients  # noqa: PLC0415
    import trustworks.issuance.records.cmp  # noqa: PLC0415
    import trustworks.issuance.records.endings  # noqa: PLC0415
    import trustworks.issuance.records.key_lists  # noqa: PLC0415
    import trustworks.issuance.records.notices  # noqa: PLC0415
    import trustworks.issuance.records.renewals  # noqa: PLC0415
    import trustworks.issuance.records.waiting  # noqa: PLC0415
    import trustworks.issuance.registration.records  # noqa: PLC0415
    import trustworks.issuance.trusted_list.records  # noqa: F401, PLC0415
    from trustworks.core.audit.bound import bound_tables  # noqa: PLC0415

    return bound_tables()


def _trusted(wiring: AuditWiring, given: list[Path] | None, *, configured: bool) -> frozenset[str]:
    """The fingerprints of the keys that may sign checkpoints; empty when no certificate is known."""
    files = list(given or ())
    if not files and configured and wiring.config.audit.certificate is not None:
        files = [wiring.config.audit.certificate]
    return frozenset(map(signer_in, files))


def _checkpoint_every(config: Config) -> timedelta | None:
    """How often checkpoints are made; None where there is no signer."""
    audit = config.audit
    return None if audit.certificate is None else timedelta(seconds=audit.checkpoint_every)


def _time_stamp_every(config: Config) -> timedelta | None:
    """How often a checkpoint is time-stamped; None where there is no signer, or no authority for it."""
    audit = config.audit
    if audit.certificate is None or audit.time_stamp_url is None:
        return None
    return timedelta(seconds=audit.time_stamp_every)


@contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error, where that is a terminal."""
    from rich.console import Console  # noqa: PLC0415 - the other commands do without
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


def _counted(lines: Iterable[bytes], progress: Callable[[int], None]) -> Iterator[bytes]:
    for number, line in enumerate(lines):
        if number & 1023 == 0:
            progress(number)
        yield line
