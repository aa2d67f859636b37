"""`trustworks validate`: judges signed files, one or a folder of them, and says why."""

from __future__ import annotations

import json
import sys
from enum import IntEnum
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import IO, TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from trustworks.core.errors import Malformed, TrustworksError
from trustworks.core.options import AsJson  # noqa: TC001 - as above
from trustworks.core.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trustworks.formats.data import Data
    from trustworks.validation.service import Report, Validator


class Exit(IntEnum):
    """What the exit code says; of several signatures and files the worst."""

    PASSED = 0
    FAILED = 1
    INDETERMINATE = 2
    UNREADABLE = 3
    """No signature, or no signed file that could be read."""
    DIFFERENT = 4
    """What was kept was judged again, and the verdict is another."""
    USAGE = 64
    """The command cannot be carried out as it is given (EX_USAGE of sysexits.h): no verdict."""
    UNAVAILABLE = 69
    """Something that it needs cannot be had now (EX_UNAVAILABLE): no verdict."""


_WORST_FIRST: Final = (Exit.FAILED, Exit.INDETERMINATE, Exit.UNREADABLE, Exit.PASSED)
"""A file that is not signed, among others in a folder, hides no verdict."""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class _Problem(typer.BadParameter):
    """Why there is no verdict: never with an exit code that one has."""

    def __init__(self, message: str, exit_code: Exit) -> None:
        super().__init__(message)
        self.exit_code = exit_code

    def format_message(self) -> str:
        return self.message

    def show(self, file: IO[Any] | None = None) -> None:
        typer.secho(f"Error: {printable(self.message)}", file=file, err=file is None, fg="red")


class _Command(TyperCommand):
    """The command, whose exit codes are verdicts: 1 and 2 stay free of errors."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        try:
            return super().make_context(info_name, args, parent=parent, **extra)
        except TyperException as error:
            if hasattr(error, "exit_code"):  # an option or argument that is wrong; not the end after `--help`
                error.exit_code = Exit.USAGE
            raise

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except TrustworksError as error:
            code = Exit.USAGE if isinstance(error, Malformed) else Exit.UNAVAILABLE
            raise _Problem(str(error), code) from None


@app.command(cls=_Command)
def validate(
    file: Annotated[
        Path | None, typer.Argument(help="The signed file; or a folder, all files of which are validated.")
    ] = None,
    detached: Annotated[
        list[Path] | None,
        typer.Option(help="Data that the file signs and does not hold; may be given more than once."),
    ] = None,
    *,
    evidence_record: Annotated[
        list[Path] | None,
        typer.Option(
            help="An evidence record (RFC 4998, RFC 6283) about the file or the detached data, in a file of "
            "its own; may be given more than once."
        ),
    ] = None,
    policy: Annotated[
        str,
        typer.Option(
            help="The validation policy: ades, qualified, preservation, or a file (TOML or XML of DSS)."
        ),
    ] = "ades",
    at: Annotated[
        str | None,
        typer.Option(help="The time for which to validate (2026-01-31T12:00:00Z, in UTC). Default: now."),
    ] = None,
    trust: Annotated[
        list[Path] | None,
        typer.Option(
            help="Trust anchors: a certificate (PEM or DER), a folder of them, or one that "
            "`trustworks trust refresh` fills."
        ),
    ] = None,
    untrusted: Annotated[
        list[Path] | None,
        typer.Option(help="Further certificates, revocation lists and OCSP answers: a file or a folder."),
    ] = None,
    network: Annotated[
        list[str] | None,
        typer.Option(
            help="A network that evidence is fetched from although it is not public (10.0.0.0/8).",
            metavar="NETWORK",
        ),
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="A folder that keeps fetched evidence while it counts.")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Fetch nothing: judge by what is in the files alone.")
    ] = False,
    keep: Annotated[
        Path | None,
        typer.Option(
            metavar="BUNDLE", help="Write all that the verdict was made from to this new file, for --replay."
        ),
    ] = None,
    keep_without_data: Annotated[
        bool,
        typer.Option("--keep-without-data", help="Keep of the file and the data the digests alone."),
    ] = False,
    replay: Annotated[
        Path | None,
        typer.Option(
            metavar="BUNDLE",
            help="Judge again what --keep wrote, by that alone, and say whether the verdict is the same; with "
            "FILE and --detached where it is without the data.",
        ),
    ] = None,
    as_json: AsJson = False,
    etsi: Annotated[
        bool, typer.Option("--etsi", help="Print the validation report of ETSI TS 119 102-2 (XML).")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what decided, and what would change the answer.")
    ] = False,
) -> None:
    """Validate the signatures, seals and time-stamps in a file (EN 319 102-1).

    Exit codes: 0 all passed, 1 one failed, 2 one is indeterminate, 3 no signature or not readable; 4
    the verdict of --replay is another; 64 wrong options, or what they name cannot be read; 69 something that
    is needed cannot be had now.
    """
    from trustworks.validation.policies.policy import SHIPPED  # noqa: PLC0415 - keeps `--help` quick
    from trustworks.validation.service import Validator, data_of  # noqa: PLC0415 - as above

    beside = [data_of(one) for one in detached or ()]
    records = [data_of(one) for one in evidence_record or ()]
    if replay is not None:
        if any((trust, untrusted, network, records, at, cache, keep, policy != SHIPPED[0])):
            raise Malformed(
                "--replay goes by what was kept alone; give it FILE, --detached and how to print."
            )
        brought = [*beside, *([data_of(file)] if file else [])]
        raise typer.Exit(_replayed(replay, brought, as_json=as_json, etsi=etsi, explain=explain))
    if file is None:
        raise Malformed("Name the file to validate.")
    if keep_without_data and keep is None:
        raise Malformed("--keep-without-data goes with --keep, which says where.")
    validator = Validator.by_options(
        policy=policy,
        at=at,
        trust=trust or (),
        untrusted=untrusted or (),
        offline=offline,
        networks=network or (),
        cache=cache,
    )
    if file.is_dir() and (etsi or explain):
        raise Malformed("--etsi and --explain are for one file; give --json or nothing for a folder.")
    if file.is_dir():
        if records or keep:
            raise Malformed("--evidence-record and --keep are for one file, not for a folder.")
        raise typer.Exit(_folder(validator, file, beside, as_json=as_json))
    try:
        report = validator.validate(file, detached=beside, records=records)
    except Malformed as error:
        if as_json:
            typer.echo(json.dumps(_unreadable(error)))
        else:
            typer.echo(f"Not readable: {error}", err=True)
        raise typer.Exit(Exit.UNREADABLE) from None
    if keep is not None:
        report.keep(keep, with_data=not keep_without_data)
    code = exit_code(report)
    if etsi and not report.outcome.signatures:
        typer.echo("--etsi reports about signatures, and the file has none; ask without it.", err=True)
        raise typer.Exit(code)
    typer.echo(_printed(report, as_json=as_json, etsi=etsi, explain=explain))
    raise typer.Exit(code)


def _printed(report: Report, *, as_json: bool, etsi: bool, explain: bool) -> str:
    if as_json:
        return json.dumps(report.plain())
    if etsi:
        return report.etsi().decode("utf-8")
    if explain:
        return report.explained()
    return report.text()


def _replayed(bundle: Path, brought: Sequence[Data], **form: bool) -> Exit:
    """Judges again what was kept, prints the verdict of now, and says how it compares."""
    from trustworks.validation.service import replay  # noqa: PLC0415 - as above

    try:
        found = replay(bundle, data=brought)
    except Malformed as error:
        typer.echo(f"Not readable: {error}", err=True)
        return Exit.UNREADABLE
    typer.echo(_printed(found.report, **form))
    if found.same:
        typer.echo("The verdict is the one that was kept, octet for octet.", err=True)
        return exit_code(found.report)
    typer.echo(
        f"The verdict is another than the one that was kept, first in {found.first_difference()}. It was kept "
        f"by {found.kept_by}, and judged now by {found.judged_by}.",
        err=True,
    )
    return Exit.DIFFERENT


def exit_code(report: Report) -> Exit:
    """The exit code for one file: of its signatures, or of its time-stamps where it has none."""
    return worst(Exit[one.name] for one in report.results())


def worst(codes: Iterable[Exit]) -> Exit:
    """The worst of several; with none there was nothing to validate."""
    found = set(codes)
    return next((one for one in _WORST_FIRST if one in found), Exit.UNREADABLE)


def _unreadable(error: TrustworksError) -> dict[str, Any]:
    """What JSON says of a file that cannot be read: the same shape, without any signature."""
    return {"error": str(error), "signatures": [], "timestamps": [], "evidence_records": []}


def _folder(validator: Validator, folder: Path, detached: Sequence[Data], *, as_json: bool) -> Exit:
    """Validates all files of a folder, a line for each; a bar shows how far it is, where a person looks."""
    from rich.console import Console  # noqa: PLC0415 - costs 100 ms, needed for folders alone
    from rich.progress import Progress  # noqa: PLC0415

    files = sorted(one for one in folder.rglob("*") if one.is_file())
    codes = []
    with Progress(console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as progress:
        for file in progress.track(files, description="Validating"):
            name = str(file.relative_to(folder))
            try:
                report = validator.validate(file, detached=detached, pool=True)
            except Malformed as error:
                codes.append(Exit.UNREADABLE)
                said = {"file": name} | _unreadable(error)
                line = f"{name}: not readable: {error}"
            else:
                codes.append(exit_code(report))
                said = {"file": name} | report.plain()
                line = f"{name}: {report.line()}"
            typer.echo(json.dumps(said) if as_json else line)
    return worst(codes)
