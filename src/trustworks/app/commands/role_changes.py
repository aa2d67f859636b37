"""`trustworks roles role, credential, change`: what gives power is asked for here, and approved by others."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trustworks.app.acting import As, KeyOf, RolesWiring, acting, look, records_of, signer_of
from trustworks.app.commands.role_views import credential_dict, standing_dict, standing_lines
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.roles.approvals import new_content, sign_approval
from trustworks.core.roles.changes import WHAT, Change, NewCredential, new_change
from trustworks.core.roles.model import Act, Role, role_named

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.roles.standing import Standing

role = typer.Typer(no_args_is_help=True, help="Roles: grant, withdraw.")
credential = typer.Typer(no_args_is_help=True, help="Credentials of operators: add, remove, list.")
change = typer.Typer(no_args_is_help=True, help="Changes that wait for approvals: list, show, apply, drop.")

Name = Annotated[str, typer.Argument(help="The operator's name.")]
Digest = Annotated[str, typer.Argument(help="The change's SHA-256.")]


def told(value: Any, text: str, *, as_json: bool) -> None:
    """Print a result."""
    typer.echo(json.dumps(value) if as_json else text)


def request(wiring: RolesWiring, wanted: Change, actor: str, key: str, *, as_json: bool) -> None:
    """Ask for a change as the operator `actor`, who approves it by that, and tell how it stands."""
    with signer_of(wiring, key) as signer, wiring.open_roles() as roles:
        officer = roles.authentication.by_key(actor, signer, Act.CHANGE_ROLES)
        standing = roles.administration.request(officer, wanted)
        if officer.name != wanted.operator:  # nobody approves what is about himself
            content = new_content(
                what=WHAT,
                sha256=wanted.sha256,
                operator=officer.name,
                role=Role.SECURITY_OFFICER,  # nobody else may ask for a change of others
                time=roles.office.now().utc,
            )
            standing = roles.approve(sign_approval(content, signer)) or standing
        _tell(standing, as_json=as_json)


def _tell(standing: Standing, *, as_json: bool) -> None:
    told(standing_dict(standing), "\n".join(standing_lines(standing)), as_json=as_json)


@role.command()
def grant(
    context: typer.Context,
    name: Name,
    given: Annotated[str, typer.Argument(help="The role.", metavar="ROLE")],
    actor: As,
    key: KeyOf,
    *,
    as_json: AsJson = False,
) -> None:
    """Ask that an operator get a role; others approve it."""
    wanted = new_change("grant", name, roles=frozenset({role_named(given)}))
    request(context.obj, wanted, actor, key, as_json=as_json)


@role.command()
def withdraw(
    context: typer.Context,
    name: Name,
    given: Annotated[str, typer.Argument(help="The role.", metavar="ROLE")],
    actor: As,
    key: KeyOf,
    *,
    as_json: AsJson = False,
) -> None:
    """Take a role from an operator, at once."""
    with acting(context.obj, actor, key, Act.LOCK_OPERATOR) as (roles, officer):
        roles.administration.withdraw(officer, name, role_named(given))
    told({"operator": name, "withdrawn": given}, f"{name} is no {given} any more.", as_json=as_json)


@credential.command("add")
def add_credential(
    context: typer.Context,
    name: Name,
    certificate: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="The operator's new certificate (PEM).")
    ],
    *,
    actor: As,
    key: KeyOf,
    label: Annotated[str, typer.Option(help="What it is called.")] = "certificate",
    as_json: AsJson = False,
) -> None:
    """Ask that an operator be known by another certificate; others approve it.

    Everybody may ask that for himself. Passkeys are registered in the console (/console/credentials).
    """
    from trustworks.core.pki.certificates import readable_pem_file  # noqa: PLC0415 - few commands read any

    made = NewCredential.of_certificate(readable_pem_file(certificate)[0], label)
    request(context.obj, new_change("add-credential", name, credentials=(made,)), actor, key, as_json=as_json)


@credential.command("remove")
def remove_credential(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(help="SHA-256 of the public key, as `operator show` tells it.")],
    actor: As,
    key: KeyOf,
    *,
    as_json: AsJson = False,
) -> None:
    """Let a credential count no more, at once."""
    with acting(context.obj, actor, key, Act.LOCK_OPERATOR) as (roles, officer):
        found = roles.administration.remove_credential(officer, key_id)
    told(
        {"operator": found.operator, "removed": key_id},
        f"{found.operator} is not known any more by the key {key_id}.",
        as_json=as_json,
    )


@credential.command("list")
def list_credentials(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """List what an operator is known by, and what was removed."""
    found = look(context.obj, lambda connection, _: records_of(connection, name)).credentials
    if as_json:
        typer.echo(json.dumps([credential_dict(one) for one in found]))
        return
    for one in found:
        typer.echo(f"{one.key_id}  {one.kind:<12}{'' if one.is_usable else 'removed  '}{one.label}")


# Changes


@change.command("list")
def list_changes(
    context: typer.Context,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also those that ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the changes of roles that wait for approvals."""

    def read(connection: Connection, at: datetime) -> list[Standing]:
        from trustworks.core.roles import records  # noqa: PLC0415 - loads SQLAlchemy
        from trustworks.core.roles.standing import standing_of  # noqa: PLC0415

        found = records.list_changes(connection, state=None if everything else "waiting")
        return [standing_of(connection, wiring.config.roles, one.sha256, at) for one in found]

    wiring: RolesWiring = context.obj
    standings = look(wiring, read)
    if as_json:
        typer.echo(json.dumps([standing_dict(one) for one in standings]))
        return
    for one in standings:
        typer.echo(f"{one.change.sha256}  {one.state:<8}  {one.change.summary()}")


@change.command("show")
def show_change(context: typer.Context, digest: Digest, *, as_json: AsJson = False) -> None:
    """Show a change of roles, and whose approval is missing."""
    from trustworks.core.roles.standing import standing_of  # noqa: PLC0415 - loads SQLAlchemy

    wiring: RolesWiring = context.obj
    standing = look(wiring, lambda c, at: standing_of(c, wiring.config.roles, digest, at))
    _tell(standing, as_json=as_json)


@change.command("apply")
def apply_change(context: typer.Context, digest: Digest, *, as_json: AsJson = False) -> None:
    """Do a change whose quorum is met, where that did not happen with the last approval."""
    wiring: RolesWiring = context.obj
    with wiring.open_roles() as roles:
        _tell(roles.administration.apply(digest, by="quorum"), as_json=as_json)


@change.command("drop")
def drop_change(
    context: typer.Context, digest: Digest, actor: As, key: KeyOf, *, as_json: AsJson = False
) -> None:
    """Give a change up that waits for approvals."""
    with acting(context.obj, actor, key, Act.CHANGE_ROLES) as (roles, officer):
        roles.administration.drop(officer, digest)
    told({"sha256": digest, "state": "dropped"}, f"The change {digest} is given up.", as_json=as_json)
