"""`trustworks trust`: trusted lists fetched, checked and kept; what is there, and what a list says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trustworks.core.errors import Malformed
from trustworks.core.moments import read_moment
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.pki.trusted_lists.uris import LIST_OF_LISTS, OFFICIAL_JOURNAL
from trustworks.core.printable import printable
from trustworks.validation.cli.certificate import certificate
from trustworks.validation.cli.exits import VerdictCommand
from trustworks.validation.cli.lists import everywhere, progress_bar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.core.pki.trusted_lists.model import Provider, Service, TrustedList
    from trustworks.core.pki.trusted_lists.refresh import Outcome
    from trustworks.core.pki.trusted_lists.store import TrustStore

app = typer.Typer(no_args_is_help=True, help="Trusted lists: refresh, list, show, certificate.")

Store = Annotated[Path, typer.Option("--trust", metavar="DIR", help="Directory of the trusted lists.")]
At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="The time that counts as now, in UTC.")]


@app.command()
def refresh(
    *,
    store: Store = Path("trust"),
    lotl: Annotated[str, typer.Option(metavar="URL", help="Address of the list of lists.")] = LIST_OF_LISTS,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="Take the lists from files in DIR, without a network."),
    ] = None,
    anchor: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Certificates that the Official Journal publishes for the list of lists (PEM).",
        ),
    ] = None,
    publication: Annotated[
        str, typer.Option(metavar="URL", help="Address of that publication, as the list of lists names it.")
    ] = OFFICIAL_JOURNAL,
    at: At = None,
    allow_private_addresses: Annotated[
        bool, typer.Option(help="Fetch from hosts of private networks too: for a laboratory.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fetch the list of lists and the national lists, check each, and keep what is good.

    A list that is bad replaces nothing: the good copy stays, and the reason is told. --anchor is needed the
    first time. Exits with 1 when the list of lists cannot be believed.
    """
    from trustworks.core.pki.trusted_lists.authenticate import EU  # noqa: PLC0415
    from trustworks.core.pki.trusted_lists.refresh import Result  # noqa: PLC0415
    from trustworks.core.pki.trusted_lists.refresh import refresh as renew  # noqa: PLC0415
    from trustworks.validation.gathering.lists import fetch_from, journal  # noqa: PLC0415

    if source is not None and not source.is_dir():
        raise Malformed(f"{source} is no directory; name one with the files of the lists with --from.")
    fetch = fetch_from(source, everywhere() if allow_private_addresses else ())
    believed = journal(anchor, lotl, publication) if anchor else None
    with progress_bar() as progress:
        outcomes = renew(store, believed, fetch, _moment(at), progress=progress)
    if as_json:
        typer.echo(json.dumps([_outcome(one) for one in outcomes], indent=2))
    else:
        for one in outcomes:
            typer.echo(printable(_line(one)))
    first = next(one for one in outcomes if one.territory == EU)
    if first.result in {Result.MISSING, Result.KEPT}:
        raise typer.Exit(1)


@app.command("list")
def list_(*, store: Store = Path("trust"), at: At = None, as_json: AsJson = False) -> None:
    """List the trusted lists that are kept: how new they are, and what is wrong with any."""
    from trustworks.core.pki.trusted_lists.authenticate import EU  # noqa: PLC0415

    opened = _opened(store, at)
    rows = []
    lines = []
    for entry in opened.state.entries:
        found = opened.list_of_lists if entry.territory == EU else opened.authenticated(entry.territory)
        read = opened.cache.list_of(entry.territory)
        rows.append(
            {
                "territory": entry.territory,
                "sequence_number": entry.sequence_number,
                "issued": _day(entry.issued),
                "next_update": _day(entry.next_update),
                "providers": 0 if read is None else len(read.providers),
                "services": 0 if read is None else sum(len(one.services) for one in read.providers),
                "status": found.status,
                "sub_status": list(found.sub_status),
                "problem": entry.problem,
            }
        )
        says = " ".join(one for one in (*found.sub_status, entry.problem) if one)
        lines.append(
            f"{entry.territory:4}{entry.sequence_number:>7}  {_day(entry.issued) or '-':10}  "
            f"{_day(entry.next_update) or '-':10}  {rows[-1]['providers']:>9}  {rows[-1]['services']:>8}  "
            f"{says}"
        )
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    typer.echo(f"{'':4}{'number':>7}  {'issued':10}  {'next':10}  {'providers':>9}  {'services':>8}")
    for line in lines:
        typer.echo(printable(line.rstrip()))


@app.command()
def show(
    territory: Annotated[str, typer.Argument(help="A territory, such as EL; EU for the list of lists.")],
    *,
    store: Store = Path("trust"),
    provider: Annotated[
        str, typer.Option(metavar="TEXT", help="Only providers that have this in a name.")
    ] = "",
    history: Annotated[bool, typer.Option("--history", help="Show the states of the past too.")] = False,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Show what a trusted list says: its providers and their services, with status and since when."""
    opened = _opened(store, at)
    read = opened.cache.list_of(territory.upper())
    if read is None:
        known = ", ".join(sorted(one.territory for one in opened.state.entries if one.kept))
        raise Malformed(f"There is no list of {territory} in {store}; there are {known}.")
    wanted = [one for one in read.providers if _named(one, provider)]
    if as_json:
        typer.echo(json.dumps(_document(read, wanted, history=history), indent=2, ensure_ascii=False))
        return
    for line in _lines(read, wanted, history=history):
        typer.echo(printable(line))


app.command(cls=VerdictCommand)(certificate)


def _moment(at: str | None) -> datetime:
    return datetime.now(UTC) if at is None else read_moment(at)


def _opened(store: Path, at: str | None) -> TrustStore:
    from trustworks.core.pki.trusted_lists.store import TrustStore  # noqa: PLC0415

    return TrustStore.load(store, _moment(at))


def _outcome(one: Outcome) -> dict[str, object]:
    return {
        "territory": one.territory,
        "result": one.result.value,
        "sequence_number": one.sequence_number,
        "sub_status": list(one.sub_status),
        "words": one.words,
    }


def _line(one: Outcome) -> str:
    says = " ".join((*one.sub_status, one.words)).strip()
    number = f"number {one.sequence_number}" if one.sequence_number else ""
    return f"{one.territory:4}{one.result.value:10}{number:12}{says}".rstrip()


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d}"


def _named(provider: Provider, text: str) -> bool:
    names = (*provider.names, *provider.trade_names)
    return not text or any(text.casefold() in one.value.casefold() for one in names)


def _lines(read: TrustedList, providers: list[Provider], *, history: bool) -> Iterator[str]:
    from trustworks.core.pki.trusted_lists.anchors import english  # noqa: PLC0415

    scheme = read.scheme
    yield (
        f"{scheme.territory}: {english(scheme.operators)}, number {scheme.sequence_number}, issued "
        f"{_day(scheme.issued)}, next update {_day(scheme.next_update) or 'none: the list is closed'}"
    )
    for pointer in scheme.pointers if not read.providers else ():
        yield f"  {pointer.territory:4}{pointer.location} ({pointer.mime_type})"
    for provider in providers:
        yield f"  {english(provider.names)}"
        for service in provider.services:
            for state in service.states if history else (service.current,):
                yield (
                    f"    {_short(state.type):22} {_short(state.status):22} since {_day(state.since)}  "
                    f"{english(state.names)}"
                )


def _short(uri: str) -> str:
    for prefix in ("/Svctype/", "/Svcstatus/"):
        if prefix in uri:
            return uri.partition(prefix)[2]
    return uri


def _document(read: TrustedList, providers: list[Provider], *, history: bool) -> dict[str, object]:
    from trustworks.core.pki.trusted_lists.anchors import english  # noqa: PLC0415

    def service(one: Service) -> dict[str, object]:
        states = [
            {
                "type": state.type,
                "name": english(state.names),
                "status": state.status,
                "since": state.since.isoformat(),
            }
            for state in (one.states if history else (one.current,))
        ]
        hashes = [certificate.sha256.hex() for certificate in one.current.identity.certificates]
        return {**states[0], "certificates": hashes, **({"history": states[1:]} if history else {})}

    return {
        "territory": read.scheme.territory,
        "version": read.scheme.version,
        "sequence_number": read.scheme.sequence_number,
        "issued": read.scheme.issued.isoformat(),
        "next_update": None if read.scheme.next_update is None else read.scheme.next_update.isoformat(),
        "sha256": read.sha256.hex(),
        "pointers": [
            {"territory": one.territory, "location": one.location, "mime_type": one.mime_type}
            for one in read.scheme.pointers
        ],
        "providers": [
            {"name": english(one.names), "services": [service(inner) for inner in one.services]}
            for one in providers
        ],
        "findings": [f"{one.place}: {one.words}" for one in read.findings],
    }
