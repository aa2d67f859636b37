"""`trustworks roles`: operators, their roles and credentials, and what several approve."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trustworks.app.acting import As, KeyOf, RolesWiring, acting, look, signer_of
from trustworks.app.commands.role_changes import change, credential, role
from trustworks.app.commands.role_operators import operator
from trustworks.app.commands.role_views import (
    approval_text,
    as_json_of,
    held_dict,
    held_text,
    standing_lines,
    verdict_dict,
)
from trustworks.core.account import account_name
from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.output import check_output, write_output
from trustworks.core.roles.approvals import (
    MAX_APPROVAL,
    Approval,
    new_content,
    sign_approval,
    verify_approval,
)
from trustworks.core.roles.changes import NewCredential, new_change
from trustworks.core.roles.model import DIGEST, Act, Role, role_named
from trustworks.core.roles.rules.duties import MAY, check_factors, may
from trustworks.core.roles.rules.founding import check_owner
from trustworks.core.roles.rules.separation import described

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from trustworks.core.roles.jws import Signer
    from trustworks.core.roles.model import OpenHold, Operator, Person
    from trustworks.core.roles.rules.quorum import QuorumVerdict
    from trustworks.core.roles.service import Roles

app = typer.Typer(
    no_args_is_help=True, help="Trusted roles: operators, their credentials, approvals by several."
)
approvals = typer.Typer(no_args_is_help=True, help="Approvals: list, add from a file, verify offline.")
app.add_typer(operator, name="operator")
app.add_typer(role, name="role")
app.add_typer(credential, name="credential")
app.add_typer(change, name="change")
app.add_typer(approvals, name="approvals")

MAX_SUBJECT = 1024 * 1024 * 1024


@app.command()
def bootstrap(
    context: typer.Context,
    operators: Annotated[
        list[str],
        typer.Option(
            "--operator",
            help="NAME:ROLE[,ROLE]:FILE, with the operator's certificate in PEM; once for each of them.",
            metavar="NAME:ROLE:FILE",
        ),
    ],
    *,
    full_names: Annotated[
        list[str] | None,
        typer.Option(
            "--name",
            help="NAME:TEXT, a name of the person behind it, kept in the database alone; may be given "
            "several times. Outside a laboratory each operator needs one, or an identifier.",
            metavar="NAME:TEXT",
        ),
    ] = None,
    identifiers: Annotated[
        list[str] | None,
        typer.Option(
            "--identifier",
            help="NAME:TEXT, such as a serial number or an e-mail address of the person.",
            metavar="NAME:TEXT",
        ),
    ] = None,
    nobody_left: Annotated[
        bool,
        typer.Option(
            "--nobody-left",
            help="Again: none of the operators can approve new ones any more. The log and /healthz tell it.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether the keys are theirs.")] = False,
    as_json: AsJson = False,
) -> None:
    """Name the first operators: an act of the account that owns the installation, once.

    Two security officers at least, and all with who they are. Again only with --nobody-left, where
    none can approve new operators and nobody is signed in. The audit log tells it.
    """
    wiring: RolesWiring = context.obj
    owner, user = wiring.base.stat().st_uid, os.geteuid()
    check_owner(user, owner)
    new = [_first_operator(one) for one in operators]
    people = _people(full_names or (), identifiers or ())
    if not yes:
        for one in new:
            typer.echo(one.summary(), err=True)
        typer.confirm("Does each know that this is his key?", abort=True, err=True)
    with wiring.open_roles() as roles:
        made = roles.administration.bootstrap(
            new, by=account_name(user), people=people, nobody_left=nobody_left
        )
    if as_json:
        typer.echo(json.dumps([as_json_of(one) for one in made]))
    else:
        for one in new:
            typer.echo(f"Done: {one.summary()}.")
        typer.echo(
            "From now on changes of roles need approvals, and every command that changes something --as and "
            "--key. What was let in before counts on: see trustworks api client list, cmp secret list, "
            "acme eab list."
        )


def _people(full_names: Iterable[str], identifiers: Iterable[str]) -> dict[str, Person]:
    """Who the operators are, by their names here."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for place, texts in enumerate((full_names, identifiers)):
        for text in texts:
            name, separator, value = text.partition(":")
            if not separator or not value.strip():
                raise Malformed(
                    f"{text!r} says nothing of an operator; write NAME:TEXT, such as anna:Anna Muster."
                )
            found.setdefault(name, ([], []))[place].append(value)
    return {name: described(*both) for name, both in found.items()}


def _first_operator(text: str) -> Any:
    from trustworks.core.pki.certificates import readable_pem_file  # noqa: PLC0415 - few commands read any

    parts = text.split(":", 2)
    if len(parts) != 3:
        raise Malformed(
            f"{text!r} is no operator; write NAME:ROLE:FILE, such as anna:security-officer:anna.pem."
        )
    certificate = readable_pem_file(Path(parts[2]))[0]
    return new_change(
        "enrol",
        parts[0],
        roles=frozenset(map(role_named, parts[1].split(","))),
        credentials=(NewCredential.of_certificate(certificate, "certificate"),),
    )


@app.command()
def acts(*, as_json: AsJson = False) -> None:
    """Say who may do what; what no role names here, nobody may."""
    if as_json:
        table = {role.value: sorted(act.value for act in MAY[role]) for role in Role}
        typer.echo(json.dumps(table))
        return
    for act in Act:
        holders = ", ".join(role.value for role in Role if may({role}, act))
        typer.echo(f"{act.value:<22}{holders}")


@app.command()
def approve(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="The kind of act, such as ceremony.root or roles.change.")],
    subject: Annotated[
        str,
        typer.Argument(
            help="What is approved: its SHA-256 in hexadecimal, or its file.", metavar="DIGEST|FILE"
        ),
    ],
    *,
    name: As,
    key: KeyOf,
    role: Annotated[
        str | None,
        typer.Option("--role", help="The role in which it is approved. Default: the only one that may."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the approval to this new file alone, as on a machine without the database; "
            "needs --role. `roles approvals add` takes it in."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Approve an act by a signature of the operator's own key over its kind and the subject's SHA-256."""
    wiring: RolesWiring = context.obj
    digest = subject if DIGEST.fullmatch(subject) else _digest(Path(subject))
    if out is not None:
        if role is None:
            raise Malformed("With --out no database says which roles the operator has: name one by --role.")
        check_output(out)
        with _offline_signer(key) as signer:
            approval = _signed(kind, digest, name, role_named(role), signer)
        write_output(out, [json.dumps(approval.as_dict(), indent=1).encode() + b"\n"])
        typer.echo(json.dumps(approval.as_dict()) if as_json else f"The approval is in {out}.")
        return
    with signer_of(wiring, key) as signer, wiring.open_roles() as roles:
        chosen = _role(roles, name, kind, role)
        approval = _signed(kind, digest, name, chosen, signer)
        standing = roles.approve(approval)
        verdict = standing.verdict if standing else roles.quorum_of(kind, digest)
    if as_json:
        done = None if standing is None else standing.applied
        typer.echo(
            json.dumps({"approval": approval.as_dict(), "quorum": verdict_dict(verdict), "applied": done})
        )
    elif standing is not None:
        typer.echo("\n".join(standing_lines(standing)))
    else:
        typer.echo(f"Approved as {chosen.value}: {kind} {digest}.")
        typer.echo("The quorum is met." if verdict.met else f"Still missing: {', '.join(verdict.missing)}.")


@app.command("console")
def enter_console(context: typer.Context, name: As, key: KeyOf, *, as_json: AsJson = False) -> None:
    """Print a code that signs the operator in at the console: once, within five minutes.

    For the first passkey: at the console by this code, an operator registers it.
    """
    wiring: RolesWiring = context.obj
    with acting(wiring, name, key, Act.READ_RECORDS) as (roles, actor):
        origin = roles.office.settings.console_origin
        if origin is None:
            raise Rejected("roles.console", "There is no console: set [roles] console and console-origin.")
        code = roles.authentication.new_entry(actor)
    if as_json:
        typer.echo(json.dumps({"code": code, "url": f"{origin}/console/login"}))
    else:
        typer.echo(f"Enter this code at {origin}/console/login within five minutes:\n{code}")


def _offline_signer(key: str) -> Any:
    from trustworks.app.acting import ask  # noqa: PLC0415 - beside the import it stands for
    from trustworks.core.roles.signers import open_signer  # noqa: PLC0415 - loads the libraries of signatures

    return open_signer(key, ask=ask)


def _signed(kind: str, digest: str, name: str, role: Role, signer: Signer) -> Approval:
    check_factors({role}, signer.factors)
    content = new_content(what=kind, sha256=digest, operator=name, role=role, time=datetime.now(UTC))
    return sign_approval(content, signer)


def _role(roles: Roles, name: str, kind: str, given: str | None) -> Role:
    """The role that was given, or the only one of the operator's that may approve this kind of act."""
    if given is not None:
        return role_named(given)
    policy = roles.office.settings.quorum_for(kind)
    found: Operator | None = next((one for one in roles.office.operators() if one.name == name), None)
    able = [
        one
        for one in Role
        if found is not None
        and one in found.roles
        and may({one}, Act.APPROVE)
        and (not policy.roles or one in policy.roles)
    ]
    if len(able) == 1:
        return able[0]
    held = ", ".join(one.value for one in able) or "none that may approve this"
    raise Rejected("roles.role", f"Name the role in which this is approved by --role; {name} has {held}.")


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise Malformed(
            f"{file} is no SHA-256 and cannot be read as a file: {error.strerror}. Give one of them."
        ) from None


# Approvals


@approvals.command("list")
def list_approvals(
    context: typer.Context,
    kind: Annotated[str | None, typer.Argument(help="Only of this kind of act.")] = None,
    digest: Annotated[
        str | None, typer.Argument(help="Only about the subject with this SHA-256; says what is missing.")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="Only by this operator.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most, newest first.")] = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """List approvals, newest first, and what is held; with kind and digest also what the quorum says."""
    from trustworks.core.roles import records  # noqa: PLC0415 - loads SQLAlchemy
    from trustworks.core.roles.standing import quorum_of  # noqa: PLC0415

    wiring: RolesWiring = context.obj

    def read(
        connection: Connection, at: datetime
    ) -> tuple[list[Approval], list[OpenHold], QuorumVerdict | None]:
        left = records.open_holds(connection, kind, digest)
        if kind is None or digest is None:
            return records.list_approvals(connection, what=kind, operator=by, limit=limit), left, None
        found = records.approvals_for(connection, kind, digest)
        return found, left, quorum_of(connection, wiring.config.roles, kind, digest, at)

    found, left, verdict = look(wiring, read)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "approvals": [one.as_dict() for one in found],
                    "held": [held_dict(one) for one in left],
                    "quorum": None if verdict is None else verdict_dict(verdict),
                }
            )
        )
        return
    for one in found:
        typer.echo(approval_text(one))
    for hold in left:
        typer.echo(held_text(hold))
    if verdict is not None:
        for one, why in verdict.not_counted:
            typer.echo(f"Does not count: {one.content.operator}: {why}.")
        typer.echo("The quorum is met." if verdict.met else f"Still missing: {', '.join(verdict.missing)}.")


@approvals.command()
def add(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The approval's file.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Take an approval in that was signed on another machine (`roles approve --out`)."""
    wiring: RolesWiring = context.obj
    approval = _read(file)
    with wiring.open_roles() as roles:
        standing = roles.approve(approval)
        content = approval.content
        verdict = standing.verdict if standing else roles.quorum_of(content.what, content.sha256)
    if as_json:
        done = None if standing is None else standing.applied
        typer.echo(
            json.dumps({"approval": approval.approval_id, "quorum": verdict_dict(verdict), "applied": done})
        )
    elif standing is not None:
        typer.echo("\n".join(standing_lines(standing)))
    else:
        typer.echo(approval_text(approval))
        typer.echo("The quorum is met." if verdict.met else f"Still missing: {', '.join(verdict.missing)}.")


@approvals.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The approval's file.")],
    certificate: Annotated[Path, typer.Option(help="The operator's certificate (PEM).")],
    *,
    as_json: AsJson = False,
) -> None:
    """Verify an approval offline, from it and the operator's certificate alone. Exit code 1: it fails.

    It says that this key approved this subject in this role at this time; whether the operator had the role
    then is in the audit log.
    """
    from trustworks.core.pki.certificates import readable_pem_file  # noqa: PLC0415 - few commands read any

    approval = _read(file)
    new = NewCredential.of_certificate(readable_pem_file(certificate)[0], "certificate")
    credential = new.registered(approval.content.operator, by="nobody", at=approval.content.time)
    verify_approval(approval, credential)
    typer.echo(
        json.dumps({"ok": True, "content": approval.content.as_dict(), "key": approval.key_id})
        if as_json
        else f"The signature holds: {approval_text(approval)}"
    )


def _read(file: Path) -> Approval:
    try:
        return Approval.from_json(read_at_most(file, MAX_APPROVAL))
    except OSError as error:
        raise Malformed(f"{file} cannot be read: {error.strerror}.") from None
