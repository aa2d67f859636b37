"""`trustworks keys ceremony plan, check, digest, rehearse, approve`: before the ceremony."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from trustworks.app.acting import As, KeyOf  # noqa: TC001 - Typer reads them
from trustworks.app.commands.ceremony_room import (
    Out,
    Plan,
    hand_out,
    now,
    signature,
    tell,
)
from trustworks.app.commands.ceremony_room import ask as ask_people
from trustworks.core.ceremony import plan as plans
from trustworks.core.ceremony.model import KINDS, CeremonyType
from trustworks.core.errors import Malformed
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.output import check_output
from trustworks.core.printable import printable

if TYPE_CHECKING:
    from trustworks.app.commands.ceremony_room import CeremonyWiring
    from trustworks.app.wiring import Wiring
    from trustworks.core.audit import Event
    from trustworks.core.ceremony.model import Read
    from trustworks.core.ceremony.transcript import Transcript


def plan(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(KINDS)}.", metavar="TYPE")],
) -> None:
    """Print a plan of this type to begin with: every line explained, names and places to be filled in."""
    from importlib.resources import files  # noqa: PLC0415 - one command reads it

    if kind not in get_args(CeremonyType):
        raise Malformed(f"There is no ceremony {kind!r}; write one of {', '.join(KINDS)}.")
    template = files("trustworks.core.ceremony").joinpath("templates").joinpath(f"{kind}.toml")
    typer.echo(template.read_text(encoding="utf-8"), nl=False)


def check(context: typer.Context, file: Plan, *, as_json: AsJson = False) -> None:
    """Say what speaks against a plan, with the requirement that says so. Exit code 1 where anything does."""
    from trustworks.core.ceremony.rules import (  # noqa: PLC0415 - others go by `Room`
        placeholder_objections,
        plan_objections,
    )

    read = plans.read_file(file)
    wiring: CeremonyWiring = context.obj
    wrong = plan_objections(read.plan, lab=wiring.lab if read.plan.unattended else False)
    wrong += [("TRUSTWORKS:CEREMONY-FILLED-IN", said) for said in placeholder_objections(read.plan)]
    if as_json:
        told = [{"requirement": requirement, "message": said} for requirement, said in wrong]
        typer.echo(json.dumps({"plan": read.digest, "ok": not wrong, "objections": told}))
    elif wrong:
        typer.echo("\n".join(f"{requirement}: {printable(said)}." for requirement, said in wrong))
    else:
        typer.echo(f"{KINDS[read.plan.type].title}: {len(read.plan.steps)} steps, nothing speaks against it.")
        typer.echo(f"SHA-256 of the plan: {read.digest}")
    if wrong:
        raise typer.Exit(1)


def digest(file: Plan, *, as_json: AsJson = False) -> None:
    """Print the SHA-256 of what a plan says, whatever its layout: what is approved."""
    read = plans.read_file(file)
    typer.echo(json.dumps({"plan": read.digest, "name": read.plan.name}) if as_json else read.digest)


def rehearse(
    context: typer.Context,
    file: Plan,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Take what is to be confirmed for confirmed.")] = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Carry out a plan on scratch tokens, which go again: the same steps, the same transcript, no real key.

    It needs no approval, and changes nothing but the audit log, which is told of it.
    """
    from trustworks.app.ceremonies.scratch import rehearsal  # noqa: PLC0415 - loads the module

    read = plans.read_file(file)
    if out is not None:
        check_output(out)
    wiring: Wiring = context.obj
    with rehearsal(wiring, read.plan, confirm=_confirmed if yes else ask_people) as room:
        found = room.run(read, tell=tell)
    _record_rehearsal(wiring, read, found)
    hand_out(found, out, as_json=as_json)


def _record_rehearsal(wiring: CeremonyWiring, read: Read, found: Transcript) -> None:
    from trustworks.core.account import account  # noqa: PLC0415 - one command needs it
    from trustworks.core.audit import Event  # noqa: PLC0415

    event: Event = Event(
        type="ceremony.rehearsed",
        outcome="success",
        actor=account(),
        subject={"kind": "ceremony", "plan": read.digest, "name": read.plan.name},
        detail={"transcript": None if found.seal is None else found.seal.digest, "steps": len(found.done)},
        time=now(),
    )
    with wiring.open_recorder("operator") as recorder:
        recorder.record(event)


def approve(context: typer.Context, file: Plan, *, name: As, key: KeyOf, as_json: AsJson = False) -> None:
    """Approve a plan, as one of those whom it has approve it, by a signature of the operator's own key.

    The same as `trustworks roles approve`, after the plan was read and checked.
    """
    from trustworks.core.ceremony.approvals import check_may_approve, kind_of  # noqa: PLC0415 - loads roles
    from trustworks.core.ceremony.rules import (  # noqa: PLC0415 - others go by `Room`
        check_filled_in,
        check_plan,
    )

    read = plans.read_file(file)
    wiring: Wiring = context.obj
    check_plan(read.plan, lab=wiring.lab)
    check_filled_in(read.plan)
    what = kind_of(read.plan)
    approval = signature(wiring, read, name, key, what=what, digest=read.digest)
    check_may_approve(read.plan, approval, read.digest)
    with wiring.open_roles() as roles:
        roles.approve(approval)
        missing = list(roles.quorum_of(what, read.digest).missing)
    if as_json:
        typer.echo(json.dumps({"plan": read.digest, "approval": approval.approval_id, "missing": missing}))
    else:
        left = f"Still missing: {'; '.join(missing)}." if missing else "The plan can be carried out."
        typer.echo(f"{name} approved {read.plan.name} ({read.digest}).\n{left}")


def _confirmed(what: str) -> dict[str, Any]:
    del what
    return {"confirmed": "taken for confirmed"}
