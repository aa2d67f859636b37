"""`trustworks keys ceremony list, show, export, verify`: what there is, and whether it holds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trustworks.app.commands.ceremony_room import (
    Name,
    absent,
    document,
)
from trustworks.app.commands.documents import signer_in, token_check
from trustworks.app.commands.key_custodians import read_file
from trustworks.core.ceremony.model import KINDS
from trustworks.core.errors import Rejected
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.output import write_output
from trustworks.core.printable import printable

if TYPE_CHECKING:
    from trustworks.app.ceremonies.folder import Kept
    from trustworks.app.commands.ceremony_room import CeremonyWiring
    from trustworks.core.ceremony.transcript import Transcript
    from trustworks.core.ceremony.verify import Verdict

Trust = Annotated[
    list[Path] | None,
    typer.Option(help="A trust anchor (PEM) of the time-stamp. Default: only its imprint is compared."),
]


def list_ceremonies(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the ceremonies, the newest first."""
    wiring: CeremonyWiring = context.obj
    from trustworks.core.ceremony import records  # noqa: PLC0415 - loads SQLAlchemy

    with wiring.open_database() as database, database.read() as connection:
        rows = records.listing(connection)
    if as_json:
        typer.echo(json.dumps([{**row, "opened_at": row["opened_at"].isoformat()} for row in rows]))
        return
    for row in rows:
        state = "time-stamped" if row["time_stamped"] else "sealed" if row["sealed"] else "UNDER WAY"
        typer.echo(
            f"{row['name']:<24}{row['type']:<18}{row['mode']:<12}{state:<14}"
            f"{row['opened_at']:%Y-%m-%d %H:%M} UTC"
        )


def show(
    context: typer.Context,
    name: Name,
    *,
    html: Annotated[bool, typer.Option("--html", help="As one HTML page, to be read and printed.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write it here, as a new file. Default: print.")] = None,
) -> None:
    """Show a transcript, as JSON that `verify` reads or as a page. NAME may also be a transcript's file."""
    found = _transcript(context, name)
    if html:
        from trustworks.app.ceremonies import folder  # noqa: PLC0415 - few commands need it
        from trustworks.core.ceremony.rendering import as_html  # noqa: PLC0415 - loads Jinja2

        text = as_html(found, _verdict(folder.Kept(transcript=found), [], []))
    else:
        text = document(found)
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_output(out, [text.encode()])
        typer.echo(f"{printable(str(out))} is written.")


def export(
    context: typer.Context,
    name: Name,
    out: Annotated[Path, typer.Option(help="The new folder.")],
    trust: Trust = None,
    signer: Annotated[
        Path | None,
        typer.Option(help="The certificate (PEM) of the key that sealed it. Default: [audit] certificate."),
    ] = None,
) -> None:
    """Write all that is needed to verify a ceremony into a folder: plan, transcript, page, certificates.

    `trustworks keys ceremony verify FOLDER` needs nothing else.
    """
    from trustworks.app.ceremonies import folder  # noqa: PLC0415 - few commands need it

    found = _transcript(context, name)
    if out.exists():
        raise Rejected("output.exists", f"{printable(str(out))} exists. Name a folder that does not.")
    wiring: CeremonyWiring = context.obj
    signers = [one for one in (signer or wiring.config.audit.certificate,) if one is not None]
    verdict = _verdict(folder.Kept(transcript=found), signers, trust or [])
    folder.write(
        found,
        verdict,
        out,
        signer=b"".join(read_file(one) for one in signers) or None,
        trust=b"".join(read_file(one) for one in trust or ()) or None,
    )
    typer.echo(f"{printable(str(out))} is written.")


def verify(
    place: Annotated[
        Path,
        typer.Argument(help="The transcript's file (JSON), or its folder.", metavar="TRANSCRIPT"),
    ],
    signer: Annotated[
        list[Path] | None,
        typer.Option(
            help="A certificate (PEM) of a key that may seal transcripts. Default: the folder's, or none."
        ),
    ] = None,
    trust: Trust = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Verify a transcript with nothing but files: no configuration, no database, no network.

    Exit code 1 where anything is wrong.
    """
    from trustworks.app.ceremonies import folder  # noqa: PLC0415 - few commands need it

    verdict = _verdict(folder.read(place), signer or [], trust or [])
    typer.echo(json.dumps(verdict.as_dict()) if as_json else _verdict_text(verdict))
    if not verdict.ok:
        raise typer.Exit(1)


def _verdict(kept: Kept, signer: list[Path], trust: list[Path]) -> Verdict:
    """The verdict by the certificates that are named; else by those that lie beside, which is told."""
    from trustworks.core.ceremony.verify import verify as verify_transcript  # noqa: PLC0415 - as above

    own = replace(kept, signer=None if signer else kept.signer, trust=None if trust else kept.trust)
    signers = signer or ([] if own.signer is None else [own.signer])
    anchors = trust or ([] if own.trust is None else [own.trust])
    return verify_transcript(
        kept.transcript,
        signers={signer_in(one) for one in signers},
        check_token=token_check(anchors) if anchors else None,
        plan=kept.plan,
        notices=own.notices,
    )


def _verdict_text(verdict: Verdict) -> str:
    lines = [
        f"{verdict.name}: {KINDS[verdict.type].title} ({verdict.mode})",
        f"Plan {verdict.plan}",
        f"Sealed by the key {verdict.signer or 'of nobody'}; time-stamped: {verdict.stamped or 'no'}",
        f"Approved by {', '.join(verdict.approved_by) or 'nobody'}",
        f"Signed by {', '.join(verdict.signed_by) or 'nobody'}",
        *(f"- {one}" for one in verdict.findings),
        *(f"- notice: {one}" for one in verdict.notices),
        _conclusion(verdict),
    ]
    return "\n".join(map(printable, lines))


def _conclusion(verdict: Verdict) -> str:
    said = verdict.conclusion
    return said if verdict.ok or verdict.only_waits else said.upper()


def _transcript(context: typer.Context, name: str) -> Transcript:
    """The transcript of a ceremony of the database, or the one in a file."""
    if Path(name).is_file() or (Path(name) / "transcript.json").is_file():
        from trustworks.app.ceremonies import folder  # noqa: PLC0415 - few commands need it

        return folder.read(Path(name)).transcript
    from trustworks.core.ceremony.ceremonies import find_transcript  # noqa: PLC0415 - loads SQLAlchemy

    wiring: CeremonyWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        found = find_transcript(connection, name)
    if found is None:
        raise absent(name)
    return found
