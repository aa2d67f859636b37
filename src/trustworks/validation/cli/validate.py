"""`trustworks validate`: judges signed files, one or a folder of them, and says why."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from trustworks.core.errors import Malformed
from trustworks.core.options import AsJson, is_given
from trustworks.core.pki.trusted_lists.uris import OFFICIAL_JOURNAL
from trustworks.core.printable import printable
from trustworks.validation.cli.exits import Exit, VerdictCommand, exit_code
from trustworks.validation.cli.folder import validate_folder
from trustworks.validation.cli.judging import Means, unreadable
from trustworks.validation.cli.lists import lists_of
from trustworks.validation.cli.printing import Form, Kind, chosen, told
from trustworks.validation.cli.sealing import sealed_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.data import Data

_NO_TRUST: Final = (
    "No trust anchors were given, so that no certificate leads to one. Name them by --trust FILE, or a list "
    "of trusted lists by --lotl URL."
)

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=VerdictCommand)
def validate(
    context: typer.Context,
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
    lotl: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Trust the lists to which the list of lists at this address leads, such as "
            "https://ec.europa.eu/tools/lotl/eu-lotl.xml; a copy is kept for the user, renewed daily.",
        ),
    ] = None,
    lotl_anchor: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Certificates that the Official Journal publishes for it (PEM): needed the first time.",
        ),
    ] = None,
    lotl_publication: Annotated[
        str, typer.Option(metavar="URL", help="Address of that publication, as the list of lists names it.")
    ] = OFFICIAL_JOURNAL,
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
    limit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=NUMBER",
            help="A limit of what is read of a file, by the name that a refusal has for it "
            "(references=5000); may be given more than once.",
        ),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Fetch nothing: judge by what is in the files alone.")
    ] = False,
    jobs: Annotated[
        int, typer.Option(min=1, max=256, help="Of a folder: so many processes validate at the same time.")
    ] = 1,
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
            help="Judge again what --keep wrote, by that alone, and say whether the verdict is the same; "
            "with FILE and --detached where it is without the data.",
        ),
    ] = None,
    as_json: AsJson = False,
    etsi: Annotated[
        bool, typer.Option("--etsi", help="Print the validation report of ETSI TS 119 102-2 (XML).")
    ] = False,
    sealed: Annotated[
        bool,
        typer.Option(
            "--sealed",
            help="With --etsi: seal the report as the service of the configuration does ([validation.seal]).",
        ),
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what decided, and what would change the answer.")
    ] = False,
    html: Annotated[
        bool, typer.Option("--html", help="Print a page for people, in one file that needs no other.")
    ] = False,
    pdf: Annotated[
        bool, typer.Option("--pdf", help="The same as a PDF to keep (PDF/A, accessible).")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(help="The file that the report is written to, instead of being printed.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help="A folder that a report of every kind is written to: text, JSON, XML, HTML, PDF.",
            metavar="FOLDER",
        ),
    ] = None,
    extract: Annotated[
        Path | None,
        typer.Option(
            help="An empty or new folder that the signed data is written to, as it was signed.",
            metavar="FOLDER",
        ),
    ] = None,
) -> None:
    """Validate the signatures, seals and time-stamps in a file (EN 319 102-1).

    Exit codes: 0 all passed, 1 one failed, 2 one is indeterminate, 3 no signature or not readable; 4
    the verdict of --replay is another; 64 wrong options, or what they name cannot be read; 69 something that
    is needed cannot be had now; 70 a fault of the program about one file of a folder. Warnings do not
    change it; --policy qualified fails where the usual policy warns of what was changed after signing.
    """
    from trustworks.validation.service import Validator, data_of  # noqa: PLC0415 - keeps `--help` quick

    beside = [data_of(one) for one in detached or ()]
    records = [data_of(one) for one in evidence_record or ()]
    asked = {Kind.JSON: as_json, Kind.ETSI: etsi, Kind.EXPLAIN: explain, Kind.HTML: html, Kind.PDF: pdf}
    form = Form(kind=chosen(asked, sealed=sealed), output=output, folder=report, extract=extract)
    if replay is not None:
        _by_itself(trust=trust, lotl=lotl, lotl_anchor=lotl_anchor, policy=is_given(context, "policy"))
        _alone(untrusted, network, records, at, cache, keep, keep_without_data, sealed)
        raise typer.Exit(_replayed(replay, [*beside, *([data_of(file)] if file else [])], form, limit or ()))
    if file is None:
        raise Malformed("Name the file to validate.")
    if keep_without_data and keep is None:
        raise Malformed("--keep-without-data goes with --keep, which says where.")
    options: dict[str, Any] = {
        "policy": policy,
        "at": at,
        "trust": _trusted(
            trust or (), lotl, lotl_anchor or (), lotl_publication, offline=offline, networks=network or ()
        ),
        "untrusted": untrusted or (),
        "offline": offline,
        "networks": network or (),
        "cache": cache,
        "limits": limit or (),
    }
    validator = Validator.by_options(**options)
    if file.is_dir():
        if form != Form(kind=form.kind) or form.kind not in {Kind.TEXT, Kind.JSON} or records or keep:
            raise Malformed(
                "Reports other than --json, --keep, --extract and --evidence-record are for one file, not a "
                "folder."
            )
        means = Means(options=options, detached=tuple(detached or ()))
        raise typer.Exit(
            validate_folder(validator, file, beside, as_json=form.kind is Kind.JSON, means=means, jobs=jobs)
        )
    if jobs > 1:
        raise Malformed("--jobs is for a folder: one file is validated by one process.")
    form.check()
    try:
        found = validator.validate(file, detached=beside, records=records)
    except Malformed as error:
        raise typer.Exit(_not_readable(error, form)) from None
    if keep is not None:
        found.keep(keep, with_data=not keep_without_data)
    made = sealed_report(context.obj, found, in_the_past=at is not None) if sealed else None
    told(found, form, etsi=made)
    code = exit_code(found)
    if code is Exit.INDETERMINATE and not options["trust"] and form.kind in {Kind.TEXT, Kind.EXPLAIN}:
        typer.echo(_NO_TRUST, err=True)
    raise typer.Exit(code)


def _trusted(
    trust: Sequence[Path],
    lotl: str | None,
    anchors: Sequence[Path],
    publication: str,
    *,
    offline: bool,
    networks: Sequence[str],
) -> list[Path]:
    """The places of what is trusted, with the store of the lists to which a list of lists leads."""
    if lotl is None:
        if anchors:
            raise Malformed("--lotl-anchor goes with --lotl, which says of which list of lists.")
        return [*trust]
    return [*trust, lists_of(lotl, anchors, publication, offline=offline, networks=networks)]


def _by_itself(**options: object) -> None:
    """Refuse to be told whom to trust, and then to go by whom the bundle trusts."""
    given = [f"--{name.replace('_', '-')}" for name, value in options.items() if value]
    if given:
        raise Malformed(
            f"--replay goes by the trust anchors, trusted lists and policy in the bundle, and not by "
            f"{' and '.join(given)}: leave that out, and compare what it prints of them with yours; or "
            "validate the signed file itself."
        )


def _alone(*options: object) -> None:
    if any(options):
        raise Malformed("--replay goes by what was kept alone; give it FILE, --detached and how to print.")


def _not_readable(error: Malformed, form: Form) -> Exit:
    if form.kind is Kind.JSON:
        typer.echo(json.dumps(unreadable(error)))
    else:
        typer.echo(printable(f"Not readable: {error}"), err=True)
    return Exit.UNREADABLE


def _replayed(bundle: Path, brought: Sequence[Data], form: Form, limits: Sequence[str]) -> Exit:
    """Judges again what was kept, prints the verdict of now, and says how it compares."""
    from trustworks.formats.limits import limits_of  # noqa: PLC0415 - as above
    from trustworks.validation.service import replay  # noqa: PLC0415 - as above

    form.check()
    most = limits_of(limits)
    try:
        found = replay(bundle, data=brought, limits=most)
    except Malformed as error:
        return _not_readable(error, form)
    told(found.report, form, found)
    code = exit_code(found.report)
    if found.same:
        typer.echo("The verdict is the one that was kept, octet for octet.", err=True)
        return code
    # The names in a bundle are whatever its maker wrote.
    typer.echo(
        printable(
            f"The verdict is another than the one that was kept, first in {found.first_difference()}. It was "
            f"kept by {found.kept_by}, and judged now by {found.judged_by}."
        ),
        err=True,
    )
    return Exit.DIFFERENT
