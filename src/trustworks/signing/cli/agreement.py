"""`trustworks agreement`: what a person agreed to on the page `/sign`, with its seal and a signed file."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trustworks.core.options import AsJson  # noqa: TC001 - as above
from trustworks.core.printable import printable
from trustworks.signing.cli.options import PASSWORD  # noqa: TC001 - as above

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.signing.agreement import Agreement
    from trustworks.signing.ticket import WasShown

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def agreement() -> None:
    """What a person was shown and agreed to before a document was signed on the page /sign."""


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The agreement, as the page gave it out (agreement.json).")],
    *,
    seal: Annotated[
        Path | None,
        typer.Option(help="The seal over it. Default: beside FILE, such as agreement.seal.json."),
    ] = None,
    signed: Annotated[
        Path | None,
        typer.Option(help="The signed file: whether the agreement is about a signature in it that holds."),
    ] = None,
    detached: Annotated[
        list[Path] | None,
        typer.Option(help="Data that the signed file does not hold; may be given more than once."),
    ] = None,
    password_file: PASSWORD = None,
    as_json: AsJson = False,
) -> None:
    """Whether an agreement is as it was sealed, what it says, and to which signature it is bound.

    Whether to trust the certificates of the seal and of the signature, `trustworks validate` says.
    """
    from trustworks.core.errors import Malformed  # noqa: PLC0415 - keeps `--help` quick
    from trustworks.signing.agreement import bound_to, verify_seal  # noqa: PLC0415 - as above
    from trustworks.signing.cli.asked import data_of, octets_of, opened  # noqa: PLC0415 - as above
    from trustworks.signing.cli.pdf import password_in  # noqa: PLC0415 - as above

    if signed is None and (detached or password_file is not None):
        raise Malformed("--detached and --password-file go with --signed, which names the signed file.")
    place = seal or file.with_name(f"{file.stem}.seal{file.suffix}")
    found = verify_seal(octets_of(file, "agreement"), octets_of(place, "seal of an agreement"))
    bound = None
    if signed is not None:
        password = None if password_file is None else password_in(password_file)
        data = opened(data_of(signed), password)
        bound = bound_to(found, data, detached=[data_of(one) for one in detached or ()]).id
    if as_json:
        where = None if bound is None else {"file": str(signed), "signature": bound}
        typer.echo(json.dumps(_told(found) | {"signed": where}))
        return
    typer.echo(printable(f"{file}: the seal holds, and the agreement is as it was sealed."))
    for what, said in _lines(found):
        typer.echo(printable(f"{what + ':':<12}{said}"))
    if bound is None:
        typer.echo(printable(f"{'Bound to:':<12}not looked at; give the signed file with --signed."))
    else:
        typer.echo(printable(f"{'Bound to:':<12}{signed}, signature {bound}, which holds."))


def _told(found: Agreement) -> dict[str, Any]:
    ticket, chosen = found.ticket, found.chosen
    return {
        "shown": [_told_of(one) for one in ticket.documents],
        "shown_at": ticket.at.isoformat(),
        "agreed_at": found.at.isoformat(),
        "client": ticket.client,
        "ticked": list(found.ticked),
        "seal": {"name": chosen.seal, "subject": chosen.subject, "certificate_sha256": chosen.certificate},
        "format": chosen.format,
        "container": chosen.container,
        "packaging": chosen.packaging,
        "level": chosen.level,
        "attributes": chosen.attributes,
        "dtbs": {"hash": found.hash, "digest": found.dtbs},
    }


def _told_of(shown: WasShown) -> dict[str, Any]:
    return {
        "name": shown.name,
        "media_type": shown.media_type,
        "size": shown.size,
        "digests": shown.digests,
        "kind": shown.kind,
        "parts": [{"part": part, "count": count} for part, count in shown.parts],
        "findings": list(shown.findings),
        "objections": list(shown.objections),
        "inside": [_told_of(one) for one in shown.inside],
    }


def _lines(found: Agreement) -> Iterator[tuple[str, str]]:
    ticket, chosen = found.ticket, found.chosen
    for one in ticket.documents:
        yield from _shown(one, "Shown")
    yield "Shown at", f"{ticket.at:%Y-%m-%d %H:%M:%S} UTC"
    yield "Agreed at", f"{found.at:%Y-%m-%d %H:%M:%S} UTC"
    yield "By", f"the client {ticket.client}"
    for key in found.ticked:
        yield "Ticked", _sentence(key)
    said = "".join(f"; {name}: {value}" for name, value in chosen.attributes.items())
    where = f" in {chosen.container}" if chosen.container else ""
    yield (
        "Signed as",
        f"{chosen.format} {chosen.packaging}{where}, {chosen.level}, by the seal {chosen.seal}{said}",
    )
    yield "Seal of", f"{chosen.subject}, certificate {chosen.certificate}"


def _shown(shown: WasShown, what: str) -> Iterator[tuple[str, str]]:
    """A document, what was told of it, and the files in it."""
    kind = "" if shown.media_type is None else f" ({shown.media_type})"
    yield what, f"{shown.name}{kind}, {shown.size} octets; {_parts(shown)}"
    yield from shown.digests.items()
    for code in shown.findings:
        yield "Told", f"{_sentence(f'finding.{code}')}{' (an objection)' if code in shown.objections else ''}"
    for one in shown.inside:
        yield from _shown(one, "In it")


def _parts(shown: WasShown) -> str:
    return ", ".join(f"{part}: {count}" for part, count in shown.parts) or shown.kind


def _sentence(key: str) -> str:
    """The sentence of a key as it is today, and the key; one with values has these in braces."""
    from trustworks.signing.messages import catalogue  # noqa: PLC0415 - as above

    said = catalogue().sentences.get(key)
    return key if said is None else f"{said} [{key}]"
