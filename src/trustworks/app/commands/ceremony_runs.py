"""`trustworks keys ceremony run, stamp, abandon, sign`: the ceremony, and what ends it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trustworks.app.acting import As, KeyOf  # noqa: TC001 - Typer reads them
from trustworks.app.commands.ceremony_room import (
    Name,
    Out,
    Plan,
    absent,
    hand_out,
    open_room,
    signature,
    tell,
)
from trustworks.core.ceremony import plan as plans
from trustworks.core.errors import Rejected
from trustworks.core.options import AsJson, By  # noqa: TC001 - Typer reads it
from trustworks.core.output import check_output
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import performs

if TYPE_CHECKING:
    from trustworks.app.ceremonies.room import Room
    from trustworks.app.wiring import Wiring
    from trustworks.core.ceremony.transcript import Transcript

Custodians = Annotated[
    list[str] | None,
    typer.Option(
        "--custodian",
        help="A custodian's token that is here: its folder, or its PKCS#11 URI. Default: each is asked for.",
        metavar="PLACE",
    ),
]


@performs(Act.RUN_CEREMONY)
def run(
    context: typer.Context,
    file: Plan,
    by: By = "ceremony",
    *,
    custodian: Custodians = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Carry out a plan that was approved; after an interruption, what is left of it.

    The transcript is sealed by the audit log's key, and time-stamped where [audit] time-stamp-url says by
    whom. A step that is to be confirmed is asked for, and so is a
    custodian's token that is to open.
    """
    read = plans.read_file(file)
    if out is not None:
        check_output(out)
    wiring: Wiring = context.obj
    with open_room(wiring, by, custodian or ()) as room:
        found = room.run(read, tell=tell)
        found = _stamped(room, found)
    hand_out(found, out, as_json=as_json)


@performs(Act.RUN_CEREMONY)
def stamp(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """Get the time-stamp of a transcript that has none, from the authority of [audit] time-stamp-url."""
    wiring: Wiring = context.obj
    with open_room(wiring, "ceremony") as room:
        found = room.ceremonies.stamp(_found(room, name).plan, _stamper(wiring))
    hand_out(found, None, as_json=as_json)


@performs(Act.RUN_CEREMONY)
def abandon(
    context: typer.Context,
    name: Name,
    reason: Annotated[str, typer.Option(help="Why; goes into transcript and audit log.")],
    by: By = "ceremony",
    *,
    as_json: AsJson = False,
) -> None:
    """End a ceremony that will not be carried on, for good; its transcript is sealed as far as it came."""
    wiring: Wiring = context.obj
    with open_room(wiring, by) as room:
        found = room.abandon(_found(room, name).plan, reason)
    hand_out(found, None, as_json=as_json)


def sign(context: typer.Context, ceremony: Name, *, name: As, key: KeyOf, as_json: AsJson = False) -> None:
    """Sign a sealed transcript, as one of those whom the plan has sign it: an officer, a witness."""
    from trustworks.core.ceremony.model import TRANSCRIPT_KIND  # noqa: PLC0415 - others do without
    from trustworks.core.ceremony.rules import signature_objections  # noqa: PLC0415 - as above

    wiring: Wiring = context.obj
    with open_room(wiring, "ceremony") as room:
        found = _found(room, ceremony)
        if found.seal is None:
            raise Rejected("ceremony.under-way", f"There is nothing to sign yet. {found.how_far()}")
        digest = found.seal.digest
        approval = signature(wiring, found.plan, name, key, what=TRANSCRIPT_KIND, digest=digest)
        room.ceremonies.sign(found.plan, approval)
        signed = [one["content"]["operator"] for one in _found(room, ceremony).signatures]
    missing = signature_objections(found.plan.plan, signed)
    if as_json:
        typer.echo(json.dumps({"transcript": digest, "signed_by": signed, "missing": missing}))
    else:
        left = f"Still: {'; '.join(missing)}." if missing else "All who have to have signed."
        typer.echo(f"{name} signed the transcript of {found.plan.plan.name} ({digest}).\n{left}")


def _found(room: Room, name: str) -> Transcript:
    found = room.ceremonies.find(name)
    if found is None:
        raise absent(name)
    return found


def _stamper(wiring: Wiring) -> Any:
    from trustworks.app.stamper import HttpStamper  # noqa: PLC0415 - loads HTTP

    url = wiring.config.audit.time_stamp_url
    if url is None:
        raise Rejected(
            "ceremony.time-stamp", "Say who time-stamps: [audit] time-stamp-url of the configuration."
        )
    return HttpStamper(url)


def _stamped(room: Room, found: Transcript) -> Transcript:
    """The transcript with its time-stamp, or without, which is said on standard error."""
    if room.wiring.config.audit.time_stamp_url is None:
        why: str | None = "[audit] time-stamp-url names no authority."
    else:
        why = room.stamp(found.plan, _stamper(room.wiring))
    if why is not None:
        typer.secho(
            f"Not time-stamped yet: {why} Later: trustworks keys ceremony stamp {found.plan.plan.name}.",
            err=True,
            fg="yellow",
        )
    return room.ceremonies.found(found.plan)
