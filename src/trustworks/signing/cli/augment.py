"""`trustworks augment`: time-stamps and validation data for signatures that are there."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated

import typer

from trustworks.core.errors import Rejected
from trustworks.core.options import AsJson  # noqa: TC001 - as above
from trustworks.core.output import write_output
from trustworks.core.printable import printable
from trustworks.signing.cli.options import (  # noqa: TC001 - as above
    CACHE,
    EARLIER,
    NETWORK,
    OFFLINE,
    PASSWORD,
    TRUST,
    TSA,
    UNTRUSTED,
)
from trustworks.signing.cli.steps import Output
from trustworks.signing.cli.wiring import Sources
from trustworks.signing.model import Level

if TYPE_CHECKING:
    from trustworks.signing.cli.wiring import SigningWiring
    from trustworks.signing.create.process import Augmented, Change

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def augment(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The signed file, of whatever format.")],
    detached: Annotated[
        list[Path] | None,
        typer.Option(help="Data that the file signs and does not hold; may be given more than once."),
    ] = None,
    *,
    level: Annotated[Level, typer.Option(help="The level that the signatures have to reach.")] = Level.LTA,
    signature: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID",
            help="Augment this signature alone, by its id (`trustworks validate --json`) or its name in the "
            "file; may be given more than once. Default: all that stand for themselves.",
        ),
    ] = None,
    renew: Annotated[
        bool,
        typer.Option("--renew", help="One more archive time-stamp for signatures that have one already."),
    ] = False,
    tsa: TSA = None,
    trust: TRUST = None,
    untrusted: UNTRUSTED = None,
    network: NETWORK = None,
    cache: CACHE = None,
    offline: OFFLINE = False,
    earlier_status: EARLIER = False,
    password_file: PASSWORD = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The new file. Default: beside FILE, with `augmented` in its name."),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the output where it is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give signatures a time-stamp (B-T), the data to validate them later (B-LT), and archive it (B-LTA).

    Signatures of others are augmented as ours are; what holds in the file still holds afterwards. Where
    all have the level already, nothing is written, and the exit code is 0.
    """
    from trustworks.signing.cli.asked import data_of, opened  # noqa: PLC0415 - keeps `--help` quick
    from trustworks.signing.cli.pdf import password_in  # noqa: PLC0415 - as above

    wiring: SigningWiring = context.obj
    place = out or file.with_name(f"{file.stem}.augmented{file.suffix}")
    read = (*(detached or ()), *(trust or ()), *(untrusted or ()), password_file)
    Output(out=out, replace=replace, as_json=as_json, read=read).check(place)
    creation = wiring.creation(
        Sources(
            time_stamp_url=tsa,
            trust=tuple(trust or ()),
            untrusted=tuple(untrusted or ()),
            networks=tuple(network or ()),
            cache=cache,
            offline=offline,
            fresh=not earlier_status,
        )
    )
    try:
        made = creation.augment(
            opened(data_of(file), None if password_file is None else password_in(password_file)),
            level,
            detached=[data_of(one) for one in detached or ()],
            only=tuple(signature or ()),
            renew=renew,
        )
    except Rejected as error:
        if error.code != "signature.own" or not detached:
            raise
        raise Rejected(error.code, f"{error} --detached may name other data than was signed.") from error
    if made.changed:
        write_output(place, made.data.portions(), replace=replace)
    if as_json:
        typer.echo(json.dumps(_in_words(made, place)))
        return
    for one in made.changes:
        typer.echo(printable(_told(one)))
    if not made.changed:
        typer.echo("Nothing had to be added, and no file is written.")
        return
    certificates = _counted(made.certificates, "certificate", "certificates")
    status = _counted(made.revocation, "revocation list or OCSP answer", "revocation lists or OCSP answers")
    typer.echo(printable(f"{place} is written; new in it: {certificates}, {status}."))


def _in_words(made: Augmented, place: Path) -> dict[str, object]:
    return {
        "file": str(place) if made.changed else None,
        "certificates": made.certificates,
        "revocation": made.revocation,
        "signatures": [
            {
                "signature": one.signature,
                "before": one.before,
                "level": one.after,
                "time_stamps": one.time_stamps,
            }
            for one in made.changes
        ],
    }


def _told(one: Change) -> str:
    level = f"is {one.after} as before" if one.before == one.after else f"{one.before} is now {one.after}"
    return f"{one.signature}: {level}, {_counted(one.time_stamps, 'time-stamp', 'time-stamps')} added."


def _counted(number: int, one: str, many: str) -> str:
    return f"{number or 'no'} {one if number == 1 else many}"
