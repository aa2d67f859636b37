"""`trustworks assurance sources`: what is in documents about certificates, and which may be a product's."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trustworks.assurance.cli.wiring import retrieval
from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable

if TYPE_CHECKING:
    from trustworks.assurance.cli.wiring import AssuranceWiring
    from trustworks.assurance.model import Certificate
    from trustworks.assurance.sources import Imported, ListedService

sources = typer.Typer(
    no_args_is_help=True, help="Documents about certificates: what is in them, what fits a product."
)
_MOST_TOLD = 20
_MOST_FOUND = 500


@sources.callback()
def sources_() -> None:
    """Documents about certificates: what is in them, what fits a product."""


@sources.command()
def read(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="As downloaded: CMVP lists, pages, records; the CSV of the Common Criteria Portal; EUCC; "
            "notified devices; trusted lists.",
        ),
    ],
    *,
    retrieved: Annotated[
        str | None,
        typer.Option(
            help="When they were downloaded (UTC), for example 2026-11-01; default: the files' own time, "
            "which is told."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print what is in documents, and what in them cannot be read; nothing is kept.

    Exit code 1 where something was not read.
    """
    from trustworks.assurance.sources import DEFAULT, Download, read_any  # noqa: PLC0415 - keeps `--help` quick

    told, wrong = [], False
    for file in files:
        try:
            moment = retrieval(file, retrieved)
            data = read_at_most(file, DEFAULT.octets)
        except OSError as error:
            raise Unavailable("assurance.unreadable", f"{file} cannot be read: {error.strerror}.") from error
        try:
            imported = read_any(data, Download(name=file.name, retrieved=moment))
        except Malformed as error:
            wrong = True
            told.append({"file": file.name, "refused": str(error)})
            if not as_json:
                typer.secho(printable(str(error)), err=True, fg="red")
            continue
        wrong = wrong or bool(imported.problems)
        told.append(_values(file.name, imported))
        if not as_json:
            _print(file.name, imported)
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
    if wrong:
        raise typer.Exit(1)


@sources.command()
def match(
    context: typer.Context,
    product: Annotated[str, typer.Argument(help="The product.", metavar="PRODUCT")],
    *,
    as_json: AsJson = False,
) -> None:
    """Propose imported certificates that may be a product's, with what speaks for and against each.

    Nothing follows from it: `certificate bind` registers one, and `confirm` states that it is the product's.
    """
    from trustworks.assurance.registered import product_of  # noqa: PLC0415 - loads the records
    from trustworks.assurance.sources import match as candidates_of  # noqa: PLC0415 - as above

    wiring: AssuranceWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        wanted = product_of(connection, product)
        found = candidates_of(wanted, _imported(connection, wanted))
    if as_json:
        typer.echo(
            json.dumps(
                [
                    {
                        "certificate": one.certificate,
                        "claimed": one.claimed,
                        "for": list(one.reasons),
                        "against": list(one.against),
                        "untold": list(one.untold),
                    }
                    for one in found
                ],
                ensure_ascii=False,
            )
        )
        return
    for one in found:
        typer.echo(one.certificate)
        for sign, sentences in (("+", one.reasons), ("-", one.against), ("?", one.untold)):
            for sentence in sentences:
                typer.echo(printable(f"  {sign} {sentence}"))
    if not found:
        typer.echo(
            "No imported certificate has its name, or is claimed by it. "
            "`trustworks assurance certificate find` looks for words."
        )


def _imported(connection: Any, product: Any) -> list[Certificate]:
    """What the catalogue has under the product's names and claims, each certificate once."""
    from trustworks.assurance.model import CertificateKind  # noqa: PLC0415 - as in `match`
    from trustworks.assurance.records import catalogued, find  # noqa: PLC0415 - as in `match`
    from trustworks.assurance.sources import claims_of, merge, phrases_of  # noqa: PLC0415 - as in `match`

    found = [one for words in phrases_of(product) for one in find(connection, words, most=_MOST_FOUND)]
    for claim in claims_of(product):
        for identifier in (claim, *(f"{kind}:{claim}" for kind in CertificateKind)):
            found += catalogued(connection, identifier)
    merged: dict[str, Certificate] = {}
    for one in found:
        merged[one.id] = merge(merged.get(one.id), one)
    return list(merged.values())


def _print(name: str, imported: Imported) -> None:
    from trustworks.assurance.model import value_text  # noqa: PLC0415 - as in `match`

    counted = f"{len(imported.certificates)} certificate(s)"
    if imported.services:
        granted = sum(one.is_granted for one in imported.services)
        counted = f"{len(imported.services)} service(s), {granted} of them granted"
    typer.echo(printable(f"{name}: {imported.kind}, {counted}"))
    for one in imported.certificates[:_MOST_TOLD]:
        typer.echo(f"  {printable(one.id)}")
        for fact in one.facts:
            typer.echo(printable(f"    {fact.name:<20} {value_text(fact.value)}  ({fact.provenance.place})"))
    for service in imported.services[:_MOST_TOLD]:
        typer.echo(
            printable(f"  {service.provider}, {service.name}: {_end(service.type)}, {_end(service.status)}")
        )
    more = max(len(imported.certificates), len(imported.services)) - _MOST_TOLD
    if more > 0:
        typer.echo(f"  {more} more; --json names all.")
    for problem in imported.problems[:_MOST_TOLD]:
        typer.secho(printable(f"  {problem.place}: {problem.sentence}"), err=True, fg="red")
    if len(imported.problems) > _MOST_TOLD:
        typer.echo(f"  {len(imported.problems) - _MOST_TOLD} more problems; --json names all.", err=True)


def _end(address: str) -> str:
    return address.rstrip("/").rsplit("Svctype/", 1)[-1].rsplit("Svcstatus/", 1)[-1]


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, str | int):
        return value
    return dict(value) if hasattr(value, "items") else str(value)


def _values(name: str, imported: Imported) -> dict[str, Any]:
    return {
        "file": name,
        "kind": imported.kind.value,
        "certificates": [
            {
                "id": one.id,
                "facts": [
                    {"name": fact.name.value, "value": _plain(fact.value), "place": fact.provenance.place}
                    for fact in one.facts
                ],
            }
            for one in imported.certificates
        ],
        "services": [_service(one) for one in imported.services],
        "problems": [{"place": one.place, "sentence": one.sentence} for one in imported.problems],
    }


def _service(one: ListedService) -> dict[str, Any]:
    return {
        "territory": one.territory,
        "provider": one.provider,
        "name": one.name,
        "type": one.type,
        "status": one.status,
        "since": one.since.isoformat(),
        "granted": [
            {"since": period.since.isoformat(), "until": period.until and period.until.isoformat()}
            for period in one.granted
        ],
        "purposes": list(one.purposes),
        "qualifiers": list(one.qualifiers),
        "keys": list(one.keys),
    }
