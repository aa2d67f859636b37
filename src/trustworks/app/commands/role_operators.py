"""`trustworks roles operator`: enrol, list, show, describe, lock, unlock, retire."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import Annotated

import typer

from trustworks.app.acting import (
    NOT_BEFORE_ANY,
    As,
    KeyOf,
    RolesWiring,
    acting,
    look,
    records_list,
    records_of,
)
from trustworks.app.commands.role_changes import (
    Name,
    request,
    told,
)
from trustworks.app.commands.role_views import as_json_of, operator_lines
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.roles.changes import NewCredential, new_change
from trustworks.core.roles.model import Act, role_named

operator = typer.Typer(
    no_args_is_help=True, help="Operators: add, list, show, describe, lock, unlock, retire."
)


@operator.command()
def add(
    context: typer.Context,
    name: Name,
    *,
    roles: Annotated[list[str], typer.Option("--role", help="A trusted role; may be given several times.")],
    certificate: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="The operator's certificate (PEM).")
    ],
    actor: As,
    key: KeyOf,
    as_json: AsJson = False,
) -> None:
    """Ask that somebody be enrolled as an operator; others approve it."""
    from trustworks.core.pki.certificates import readable_pem_file  # noqa: PLC0415 - few commands read any

    made = NewCredential.of_certificate(readable_pem_file(certificate)[0], "certificate")
    change = new_change("enrol", name, roles=frozenset(map(role_named, roles)), credentials=(made,))
    request(context.obj, change, actor, key, as_json=as_json)


@operator.command("list")
def list_operators(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the operators with their roles."""
    wiring: RolesWiring = context.obj
    found = look(wiring, lambda connection, _: records_list(connection))
    if as_json:
        typer.echo(json.dumps([as_json_of(one) for one in found]))
        return
    for one in found:
        held = ", ".join(sorted(role.value for role in one.roles)) or "no role"
        typer.echo(f"{one.name:<20}{one.state:<10}{held}")
    if not found:
        typer.echo(
            "There are no operators: whoever may run commands in this laboratory may issue and revoke. "
            "trustworks roles bootstrap names the first."
            if wiring.lab
            else NOT_BEFORE_ANY.strip()
        )


@operator.command()
def show(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """Show one operator with his credentials."""
    found = look(context.obj, lambda connection, _: records_of(connection, name))
    typer.echo(json.dumps(as_json_of(found)) if as_json else "\n".join(operator_lines(found)))


@operator.command()
def describe(
    context: typer.Context,
    name: Name,
    *,
    actor: As,
    key: KeyOf,
    full_names: Annotated[
        list[str] | None, typer.Option("--name", help="A name of the person; may be given several times.")
    ] = None,
    identifiers: Annotated[
        list[str] | None,
        typer.Option("--identifier", help="Such as a serial number or an e-mail address; several times."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write who the person is, so that nobody handles his own request. Without options: take it away.

    It is kept in the database alone, never in the audit log. Another security officer writes it, and of who
    decides on requests or revokes it is not taken away.
    """
    with acting(context.obj, actor, key, Act.LOCK_OPERATOR) as (roles, officer):
        roles.administration.describe(officer, name, names=full_names or (), identifiers=identifiers or ())
    told(
        {"operator": name, "described": bool(full_names or identifiers)},
        f"{name} is described.",
        as_json=as_json,
    )


@operator.command()
def lock(context: typer.Context, name: Name, actor: As, key: KeyOf, *, as_json: AsJson = False) -> None:
    """Lock an account at once; its sessions end. To unlock it needs approvals."""
    with acting(context.obj, actor, key, Act.LOCK_OPERATOR) as (roles, officer):
        roles.administration.lock(officer, name)
    told({"operator": name, "state": "locked"}, f"{name} is locked.", as_json=as_json)


@operator.command()
def unlock(context: typer.Context, name: Name, actor: As, key: KeyOf, *, as_json: AsJson = False) -> None:
    """Ask that an account be unlocked, or released from a lock-out; others approve it."""
    request(context.obj, new_change("unlock", name), actor, key, as_json=as_json)


@operator.command()
def retire(context: typer.Context, name: Name, actor: As, key: KeyOf, *, as_json: AsJson = False) -> None:
    """End an account for good: roles withdrawn, credentials removed, sessions closed."""
    with acting(context.obj, actor, key, Act.LOCK_OPERATOR) as (roles, officer):
        roles.administration.retire(officer, name)
    told({"operator": name, "state": "retired"}, f"{name} has retired.", as_json=as_json)
