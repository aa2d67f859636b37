"""`trustworks certificate blocked`: lists of weak and published keys, of which no key is certified."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from trustworks.core.durable import read_at_most
from trustworks.core.moments import read_moment
from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import performs
from trustworks.issuance.cli.crl import CrlWiring  # noqa: TC001 - as above

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.issuance.model.key_lists import KeyList
    from trustworks.issuance.revocation.key_lists import KeyLists

blocked = typer.Typer(
    no_args_is_help=True,
    help="Lists of weak and published keys that are not certified: import, list, retire.",
)

MOST_SHOWN: Final = 20


@contextmanager
def _lists(wiring: CrlWiring) -> Iterator[KeyLists]:
    from trustworks.issuance.revocation.key_lists import KeyLists  # noqa: PLC0415 - loads the records

    with (
        wiring.open_database() as database,
        wiring.open_recorder("key-lists", database=database) as recorder,
    ):
        yield KeyLists(database=database, recorder=recorder, clock=wiring.open_clock())


@blocked.command("import")
@performs(Act.REVOKE)
def import_list(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            help="The list: SHA-256 of each SubjectPublicKeyInfo, a line each; openssl-blacklist; badkeys' "
            "blocklist.dat; keys, certificates or requests in PEM.",
            exists=True,
            dir_okay=False,
        ),
    ],
    *,
    source: Annotated[str, typer.Option(help="Where the list comes from; requesters are told.")],
    dated: Annotated[str, typer.Option(help="Of which day the list is (UTC), for example 2026-11-01.")],
    by: By = "revocation-officer",
    as_json: AsJson = False,
) -> None:
    """Import a list of keys: none of them is certified from now on.

    Tells which certificates in use have one of these keys; they stay as they are until they are revoked. Exit
    code 1 if there are any.
    """
    from trustworks.issuance.revocation.key_lists import MAX_LIST  # noqa: PLC0415

    day = read_moment(dated)
    data = read_at_most(file, MAX_LIST + 1)
    with _lists(context.obj) as lists:
        made = lists.add(data, source=source, dated_at=day, by=by)
        serials = lists.certificates(made)
    if as_json:
        typer.echo(json.dumps({**_as_dict(made), "certificates": serials}))
    else:
        typer.echo(f"Imported {made.entries} keys ({made.naming.value}) as {made.id[:16]}.")
        for serial in serials[:MOST_SHOWN]:
            typer.echo(f"The certificate {serial} has one of these keys; `trustworks certificate revoke` it.")
        if len(serials) > MOST_SHOWN:
            typer.echo(f"So have {len(serials) - MOST_SHOWN} more; --json names all.")
    if serials:
        raise typer.Exit(1)


@blocked.command("list")
def list_lists(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List what was imported. Exit code 1 if the entries of a list are not those that were imported."""
    from trustworks.issuance.revocation.key_lists import imported_lists  # noqa: PLC0415 - loads the records

    wiring: CrlWiring = context.obj
    with wiring.open_database() as database:
        found = imported_lists(database)
    if as_json:
        typer.echo(json.dumps([{**_as_dict(one), "intact": intact} for one, intact in found]))
    else:
        for one, intact in found:
            state = "in use" if one.retired_at is None else f"retired {one.retired_at:%Y-%m-%d}"
            typer.echo(
                f"{one.id[:16]}  {one.entries} keys ({one.naming.value}), of {one.dated_at:%Y-%m-%d}, {state}"
                f"  {printable(one.source)}{'' if intact else '  CHANGED SINCE ITS IMPORT'}"
            )
        if not found:
            typer.echo("No list was imported.")
    if not all(intact for _, intact in found):
        raise typer.Exit(1)


@blocked.command()
@performs(Act.RELEASE)
def retire(
    context: typer.Context,
    identifier: Annotated[str, typer.Argument(help="The list, by the beginning of its identifier.")],
    *,
    why: Annotated[str, typer.Option(help="The reason; it is kept.")],
    by: By = "revocation-officer",
) -> None:
    """Use a list no more, such as an older one of the same source: its keys may be certified again."""
    with _lists(context.obj) as lists:
        done = lists.retire(identifier, why=why, by=by)
    typer.echo(f"The list {done.id[:16]} is used no more.")


def _as_dict(one: KeyList) -> dict[str, Any]:
    return {
        "id": one.id,
        "naming": one.naming.value,
        "entries": one.entries,
        "source": one.source,
        "dated_at": one.dated_at.isoformat(),
        "imported_at": one.imported_at.isoformat(),
        "imported_by": one.imported_by,
        "retired_at": None if one.retired_at is None else one.retired_at.isoformat(),
        "retired_by": one.retired_by,
        "retired_why": one.retired_why,
    }
