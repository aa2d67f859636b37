"""`trustworks trusted-list`: build our own lists, show and verify those in force, tell two of them apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.output import write_output
from trustworks.core.printable import printable
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import Officers, performs
from trustworks.issuance.cli.certificate import Replace  # noqa: TC001 - Typer reads it at run time

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import datetime

    from trustworks.core.audit import Recorder
    from trustworks.core.module import Module
    from trustworks.core.pki.trusted_lists.model import TrustedList
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.config import TrustedListSettings
    from trustworks.issuance.trusted_list.issuing import TrustedLists
    from trustworks.issuance.trusted_list.records import Issue

app = typer.Typer(no_args_is_help=True, help="Our own trusted list: build, show, verify, diff.")

OfLists = Annotated[bool, typer.Option("--list-of-lists", help="The list of lists, not the trusted list.")]


class ListWiring(Officers, Protocol):
    """What these commands need of the application's wiring."""

    @property
    def trusted_list_settings(self) -> TrustedListSettings:
        """[issuance.trusted-list]; `Rejected` where there is none."""

    def trusted_lists(
        self, *, database: Database, clock: Clock, recorder: Recorder | None = None
    ) -> TrustedLists:
        """The lists over a database."""

    def open_module(self, token: str) -> AbstractContextManager[Module]:
        """The cryptographic module, on one token."""

    def open_database(self) -> AbstractContextManager[Database]:
        """The database."""

    def open_recorder(
        self, role: str, *, database: Database | None = None
    ) -> AbstractContextManager[Recorder]:
        """The audit log."""

    def open_clock(self) -> Clock:
        """The clock."""


@app.command()
@performs(Act.PUBLISH)
def build(
    context: typer.Context,
    by: By = "operator",
    *,
    if_due: Annotated[
        bool, typer.Option("--if-due", help="Only when something changed or the next update comes near.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Issue the trusted list and the list of lists of what runs now. The services do it by the clock."""
    wiring: ListWiring = context.obj
    settings, clock = wiring.trusted_list_settings, wiring.open_clock()
    with wiring.open_database() as database, wiring.open_recorder("lists", database=database) as recorder:
        lists = wiring.trusted_lists(database=database, clock=clock, recorder=recorder)
        due = lists.due() if if_due else None
        if if_due and due is None:
            typer.echo(json.dumps({"built": False}) if as_json else "No new list is due.")
            return
        with wiring.open_module("services") as module:
            issues = lists.issue(lists.signer(module.key(settings.key)), by=by)
    if as_json:
        own, of_lists = map(_as_dict, issues)
        typer.echo(json.dumps({"built": True, "list": own, "list_of_lists": of_lists}))
        return
    for one, address in zip(issues, (lists.places.list, lists.places.list_of_lists), strict=True):
        typer.echo(
            f"Published number {one.number} of {address}; the next update is due before "
            f"{one.next_update:%Y-%m-%d %H:%M} UTC."
        )


@app.command()
def show(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(help="Write the list here (XML).")] = None,
    number: Annotated[int | None, typer.Option(min=1, help="An earlier one. Default: that in force.")] = None,
    *,
    of_lists: OfLists = False,
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Show what the list in force tells of each service, or write a list to a file."""
    from trustworks.core.pki.trusted_lists.read import read_trusted_list  # noqa: PLC0415 - after the options

    wiring: ListWiring = context.obj
    found = _issue(wiring, number, of_lists=of_lists)
    if out is not None:
        write_output(out, [found.octets], replace=replace)
    read = read_trusted_list(found.octets)
    if as_json:
        told = {**_as_dict(found), "services": _services(read)}
        typer.echo(json.dumps({**told, "out": None if out is None else str(out)}))
    elif out is not None:
        typer.echo(f"Wrote number {found.number} to {printable(str(out))}.")
    else:
        typer.echo(
            f"{printable(read.scheme.names[0].value)}\nnumber {found.number}, issued "
            f"{found.issued_at:%Y-%m-%d %H:%M} UTC, next update before {found.next_update:%Y-%m-%d %H:%M} UTC"
        )
        for pointer in read.scheme.pointers:
            typer.echo(f"points to {pointer.location}")
        for one in _services(read):
            typer.echo(f"{one['type']:<20}{one['status']:<12}since {one['since']}  {printable(one['name'])}")


@app.command()
def verify(
    context: typer.Context,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Lists (XML). Default: both that are in force.")
    ] = None,
    signer: Annotated[
        Path | None,
        typer.Option(help="Who has to have signed (PEM). Default: the configured list signer."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Verify lists: the signature, by whom it is, and whether the next update is overdue. Exit code 1 if not.

    A list in force is what was published; a file may be anybody's, such as one that was fetched.
    """
    from trustworks.core.time import any_time  # noqa: PLC0415 - this command alone asks any clock

    wiring: ListWiring = context.obj
    now, unproven = any_time(wiring.open_clock())
    certificate = _signer(wiring, signer)
    lists = [(str(one), _read(one)) for one in files or ()] or [
        (address, one.octets) for address, one in _in_force(wiring)
    ]
    told = [{"list": name, **_verdict(octets, certificate, now)} for name, octets in lists]
    if as_json:
        typer.echo(json.dumps({"lists": told, "unproven_time": unproven}))
    else:
        for one in told:
            faults = one["faults"]
            assert isinstance(faults, list)  # noqa: S101 - for the type checker
            typer.echo(f"{printable(str(one['list']))}: {'good' if not faults else 'NOT GOOD'}")
            for fault in faults:
                typer.echo(f"  {printable(fault)}")
    if any(one["faults"] for one in told):
        raise typer.Exit(1)


@app.command()
def diff(
    context: typer.Context,
    old: Annotated[str, typer.Argument(help="A file (XML), or the number of a list that was published.")],
    new: Annotated[str, typer.Argument(help="The same of the other one.")],
    *,
    of_lists: OfLists = False,
    as_json: AsJson = False,
) -> None:
    """Tell in plain words what changed from one list to another. Exit code 1 if anything did."""
    from trustworks.core.pki.trusted_lists.read import read_trusted_list  # noqa: PLC0415 - after the options
    from trustworks.issuance.trusted_list.differences import differences  # noqa: PLC0415 - as above

    wiring: ListWiring = context.obj

    def octets(given: str) -> bytes:
        if given.isascii() and given.isdigit():
            return _issue(wiring, int(given[:9]), of_lists=of_lists).octets
        return _read(Path(given))

    found = differences(*(read_trusted_list(octets(one)) for one in (old, new)))
    if as_json:
        typer.echo(json.dumps({"differences": found}))
    else:
        for one in found or ("The lists are the same.",):
            typer.echo(printable(one))
    if found:
        raise typer.Exit(1)


def _issue(wiring: ListWiring, number: int | None, *, of_lists: bool) -> Issue:
    """A list that was published. Raises `Rejected` (trusted-list.number) for one that never was."""
    from trustworks.issuance.trusted_list import records  # noqa: PLC0415 - loads SQLAlchemy

    kind = records.LIST_OF_LISTS if of_lists else records.LIST
    with wiring.open_database() as database, database.read() as connection:
        last = records.last_number(connection, kind)
        found = records.numbered(connection, kind, last if number is None else number)
    if found is None:
        known = f"there are 1 to {last}" if last else "there is none yet: `trustworks trusted-list build`"
        raise Rejected("trusted-list.number", f"No such trusted list was published; {known}.")
    return found


def _in_force(wiring: ListWiring) -> list[tuple[str, Issue]]:
    with wiring.open_database() as database:
        lists = wiring.trusted_lists(database=database, clock=wiring.open_clock())
        found = lists.newest()
    if found is None:
        raise Rejected(
            "trusted-list.number", "No trusted list was published yet: `trustworks trusted-list build`."
        )
    return list(zip((lists.places.list, lists.places.list_of_lists), found, strict=True))


def _signer(wiring: ListWiring, given: Path | None) -> bytes:
    from trustworks.issuance.trusted_list.running import read_first  # noqa: PLC0415 - loads the records

    if given is not None:
        return read_first(given)
    with wiring.open_database() as database:
        return wiring.trusted_lists(database=database, clock=wiring.open_clock()).certificate()


def _read(file: Path) -> bytes:
    from trustworks.core.pki.trusted_lists.markup import DEFAULT_LIMITS  # noqa: PLC0415 - loads the reader

    try:
        found = read_at_most(file, DEFAULT_LIMITS.octets)
    except OSError as error:
        raise Malformed(f"{file} cannot be read: {error.strerror}.") from error
    if len(found) > DEFAULT_LIMITS.octets:
        raise Malformed(f"{file} has more than {DEFAULT_LIMITS.octets} octets; that is no trusted list.")
    return found


def _verdict(octets: bytes, certificate: bytes, now: datetime) -> dict[str, object]:
    """What a list is, and what is wrong with it; `Malformed` where it is none."""
    from trustworks.core.pki.trusted_lists.authenticate import overdue  # noqa: PLC0415 - after the options
    from trustworks.core.pki.trusted_lists.read import read_trusted_list  # noqa: PLC0415 - as above
    from trustworks.issuance.trusted_list.sealing import faults_of_signature  # noqa: PLC0415 - as above

    read = read_trusted_list(octets)
    faults = list(faults_of_signature(octets, certificate))
    faults += [f"{one.words} ({one.place})" for one in read.findings]
    update = read.scheme.next_update
    if update is not None and overdue(read.scheme, now):
        faults.append(f"A new list was due on {update:%Y-%m-%d %H:%M} UTC.")
    return {
        "territory": read.scheme.territory,
        "number": read.scheme.sequence_number,
        "issued": read.scheme.issued.isoformat(),
        "next_update": None if update is None else update.isoformat(),
        "sha256": read.sha256.hex(),
        "faults": faults,
    }


def _services(read: TrustedList) -> list[dict[str, str]]:
    return [
        {
            "name": one.current.names[0].value,
            "type": one.current.type.rpartition("/Svctype/")[2],
            "status": one.current.status.rpartition("/")[2],
            "since": one.current.since.isoformat(),
        }
        for provider in read.providers
        for one in provider.services
    ]


def _as_dict(one: Issue) -> dict[str, object]:
    return {
        "territory": one.territory,
        "number": one.number,
        "issued": one.issued_at.isoformat(),
        "next_update": one.next_update.isoformat(),
        "sha256": one.sha256,
        "size": len(one.octets),
    }
