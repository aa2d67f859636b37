"""`trustworks crl`: publish a revocation list now, and say which are published."""

from __future__ import annotations

import hashlib
import json
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from trustworks.core.errors import Rejected
from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.output import write_output
from trustworks.core.printable import printable, utf8
from trustworks.core.roles.model import NOT_NEEDED, Act
from trustworks.core.roles.performing import Officers, performs
from trustworks.issuance import records
from trustworks.issuance.cli.certificate import Replace  # noqa: TC001 - Typer reads it at run time
from trustworks.issuance.status.states import Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.core.audit import Recorder
    from trustworks.core.module import Module
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.model import CrlRecord
    from trustworks.issuance.status.crl import CrlPublisher

crl = typer.Typer(no_args_is_help=True, help="Certificate revocation lists: publish, list, show.")

Authority = Annotated[str, typer.Option(help="The authority's name: issuing, root, or another.")]


class CrlWiring(Officers, Protocol):
    """What these commands need of the application's wiring."""

    @property
    def issuance_settings(self) -> IssuanceSettings:
        """[issuance]."""

    @property
    def public_url(self) -> str:
        """The provider's address, which lists of shards name."""

    def authority_place(self, database: Database, name: str) -> tuple[str, str]:
        """The token and the label of an authority's key; `Unavailable` where there is no such authority."""

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


@contextmanager
def publisher(wiring: CrlWiring, authority: str) -> Iterator[CrlPublisher]:
    """A publisher that holds the key of an authority, whose token is opened."""
    from contextlib import ExitStack  # noqa: PLC0415

    from trustworks.issuance.status.crl import CrlPublisher  # noqa: PLC0415 - loads the service

    settings = wiring.issuance_settings
    with ExitStack() as stack:
        database = stack.enter_context(wiring.open_database())
        token, label = wiring.authority_place(database, authority)
        keys = {authority: stack.enter_context(wiring.open_module(token)).key(label)}
        recorder = stack.enter_context(wiring.open_recorder("crl", database=database))
        yield CrlPublisher(
            settings,
            public_url=wiring.public_url,
            database=database,
            recorder=recorder,
            clock=wiring.open_clock(),
            keys=keys,
        )


def check_authority(wiring: CrlWiring, name: str) -> str:
    """The name of an authority; `Rejected` (crl.authority) for another."""
    utf8(name)
    with wiring.open_database() as database, database.read() as connection:
        if records.authority(connection, name) is None:
            known = ", ".join(one.name for one in records.list_authorities(connection)[:20])
            raise Rejected(
                "crl.authority", f"There is no authority {name!r}; there are {known or 'none yet'}."
            )
    return name


@crl.command()
@performs(Act.PUBLISH)
def publish(
    context: typer.Context,
    authority: Authority = "issuing",
    by: By = "operator",
    *,
    last: Annotated[
        bool,
        typer.Option("--last", help="The last list, for ever: nothing may be valid below the authority."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Publish an authority's list now. The services publish the issuing authority's by the clock.

    Where its certificates are spread over shards, the list of each and the one of all.
    """
    wiring: CrlWiring = context.obj
    check_authority(wiring, authority)
    is_root, newest = _root_and_newest(wiring, authority)
    approved = NOT_NEEDED
    if last:
        approved = wiring.approval("status.last-list", {"authority": authority}, by=by)
    elif is_root:
        approved = wiring.approval("status.root-list", {"authority": authority, "after": newest}, by=by)
    with publisher(wiring, authority) as open_publisher:
        done = open_publisher.publish_all(authority, actor=by, final=last, also=approved.use)
    if as_json:
        whole, *parts = (_as_dict(one) for one in reversed(done))
        typer.echo(json.dumps({**whole, "shards": parts[::-1]} if parts else whole))
    else:
        for one in done:
            typer.echo(
                f"Published list {one.number} of {Scope(one.authority, one.shard).words} with {one.entries} "
                f"entries; the next is due before {one.next_update:%Y-%m-%d %H:%M} UTC."
            )


def _root_and_newest(wiring: CrlWiring, name: str) -> tuple[bool, int]:
    """Whether an authority is a root, whose key nobody uses alone, and the number of its newest list."""
    with wiring.open_database() as database, database.read() as connection:
        found = records.authority(connection, name)
        newest = records.last_number(connection, name)
    return found is not None and found.parent is None, newest


def _as_dict(done: CrlRecord) -> dict[str, object]:
    return {
        "authority": done.authority,
        "shard": done.shard,
        "number": done.number,
        "entries": done.entries,
        "this_update": done.this_update.isoformat(),
        "next_update": done.next_update.isoformat(),
    }


@crl.command("list")
def list_lists(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Say which list of each authority is published, and whether it is fresh. Exit code 1 if not.

    DUE: a newer list has been due for ten minutes, such as the root's after an authority was revoked. Without
    trusted time the system's clock is taken, and that is said.
    """
    from trustworks.core.time import any_time  # noqa: PLC0415 - this command alone asks any clock
    from trustworks.issuance.status.crl import crl_states  # noqa: PLC0415 - loads the service

    wiring: CrlWiring = context.obj
    now, unproven = any_time(wiring.open_clock())
    with wiring.open_database() as database:
        states = crl_states(wiring.issuance_settings, database, now)
    if as_json:
        typer.echo(json.dumps([{**state.as_dict(), "unproven_time": unproven} for state in states]))
    else:
        if unproven is not None:
            typer.echo(
                f"There is no trusted time ({unproven}): looked at with the system's clock, and no list is "
                "published meanwhile.",
                err=True,
            )
        for state in states:
            name = state.scope.words
            if state.number is None or state.next_update is None:
                typer.echo(f"{name:<10}no list was published")
                continue
            word = "STALE" if not state.fresh else "DUE" if state.overdue else "fresh"
            typer.echo(
                f"{name:<10}{word}  number {state.number}, {state.entries} entries, "
                f"until {state.next_update:%Y-%m-%d %H:%M} UTC"
            )
    if not all(state.fresh and not state.overdue for state in states):
        raise typer.Exit(1)


@crl.command()
def show(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(help="Write the list here, in DER.")] = None,
    authority: Authority = "issuing",
    shard: Annotated[int | None, typer.Option(min=1, help="The list of this shard. Default: of all.")] = None,
    *,
    delta: Annotated[bool, typer.Option("--delta", help="The delta list.")] = False,
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Show the newest list of an authority, or write it to a file."""
    wiring: CrlWiring = context.obj
    scope = Scope(check_authority(wiring, authority), shard, delta)
    with wiring.open_database() as database, database.read() as connection:
        found = records.last_crl(connection, authority, shard=shard, delta=delta)
    if found is None:
        raise Rejected(
            "crl.authority", f"No list of {scope.words} was published yet: `trustworks crl publish`."
        )
    if out is not None:
        write_output(out, [found.der], replace=replace)
    told = {
        **_as_dict(found),
        "size": len(found.der),
        "sha256": hashlib.sha256(found.der).hexdigest(),
    }
    if as_json:
        typer.echo(json.dumps({**told, "out": None if out is None else str(out)}))
    elif out is None:
        typer.echo("\n".join(f"{name:<14}{value}" for name, value in told.items() if value is not None))
    else:
        typer.echo(f"Wrote list {found.number} of {scope.words} to {printable(str(out))}.")


@crl.command()
def check(context: typer.Context, authority: Authority = "issuing", *, as_json: AsJson = False) -> None:
    """Compare the published lists with the database: whether a revocation is missing. Exit code 1 if so.

    Every newest list is read by another implementation than the writer's. A change of status that is younger
    than the list which has to tell it is said to wait.
    """
    from trustworks.issuance.status.completeness import completeness  # noqa: PLC0415 - loads the service

    wiring: CrlWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        found = completeness(wiring.issuance_settings, connection, check_authority(wiring, authority))
    if as_json:
        typer.echo(json.dumps(found.as_dict()))
    else:
        typer.echo(
            f"{found.lists} lists of {authority} tell {found.listed} of {found.revoked} revocations; "
            f"{found.waiting} wait for the next list."
        )
        for objection in found.objections:
            typer.echo(objection)
    if found.objections:
        raise typer.Exit(1)
