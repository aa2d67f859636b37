"""`trustworks keys ceremony`: plan, check, rehearse, approve and run a key ceremony; its transcript."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol, get_args

import typer

from trustworks.app.acting import As, KeyOf, signer_of
from trustworks.app.commands.documents import signer_in, token_check
from trustworks.core.ceremony import plan as plans
from trustworks.core.ceremony.model import KINDS, CeremonyType
from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.output import check_output, write_output
from trustworks.core.printable import printable
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import performs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from trustworks.app.ceremonies.room import Room
    from trustworks.app.configuration.config import Config
    from trustworks.app.wiring import Wiring
    from trustworks.core.audit import Event, Recorder
    from trustworks.core.ceremony.model import Read
    from trustworks.core.ceremony.steps import AnyStep
    from trustworks.core.ceremony.transcript import Transcript
    from trustworks.core.ceremony.verify import Verdict
    from trustworks.core.roles import Approval
    from trustworks.core.store import Database

app = typer.Typer(no_args_is_help=True, help="Key ceremonies: plan, rehearse, approve, run, verify.")

LARGEST: Final = 50_000_000  # octets of a transcript's file

AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Plan = Annotated[Path, typer.Argument(help="The plan's file (TOML).", metavar="PLAN")]
Name = Annotated[str, typer.Argument(help="The ceremony's name, or its plan's digest.", metavar="NAME")]
Out = Annotated[Path | None, typer.Option(help="Write the transcript here, as a new file (JSON).")]
By = Annotated[
    str, typer.Option("--by", help="The role or pseudonym that acts; it goes into the audit log for good.")
]


class CeremonyWiring(Protocol):
    """What these commands need of the application's wiring, besides what a `Room` does."""

    @property
    def lab(self) -> bool:
        """Whether this is a laboratory."""

    @property
    def config(self) -> Config:
        """The configuration."""

    def open_database(self, *, check: bool = True) -> AbstractContextManager[Database]:
        """The database."""

    def open_recorder(
        self, role: str, *, database: Database | None = None
    ) -> AbstractContextManager[Recorder]:
        """The audit log."""


# Before the ceremony


@app.command()
def plan(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(KINDS)}.", metavar="TYPE")],
) -> None:
    """Print a plan of this type to begin with: every line explained, names and places to be filled in."""
    from importlib.resources import files  # noqa: PLC0415 - one command reads it

    if kind not in get_args(CeremonyType):
        raise Malformed(f"There is no ceremony {kind!r}; write one of {', '.join(KINDS)}.")
    template = files("trustworks.core.ceremony").joinpath("templates").joinpath(f"{kind}.toml")
    typer.echo(template.read_text(encoding="utf-8"), nl=False)


@app.command()
def check(context: typer.Context, file: Plan, *, as_json: AsJson = False) -> None:
    """Say what speaks against a plan, with the requirement that says so. Exit code 1 where anything does."""
    from trustworks.core.ceremony.rules import plan_objections  # noqa: PLC0415 - others go by `Room`

    read = plans.read_file(file)
    wiring: CeremonyWiring = context.obj
    wrong = plan_objections(read.plan, lab=wiring.lab if read.plan.unattended else False)
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


@app.command()
def digest(file: Plan, *, as_json: AsJson = False) -> None:
    """Print the SHA-256 of what a plan says, whatever its layout: what is approved."""
    read = plans.read_file(file)
    typer.echo(json.dumps({"plan": read.digest, "name": read.plan.name}) if as_json else read.digest)


@app.command()
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
    with rehearsal(wiring, read.plan, confirm=_confirmed if yes else _ask) as room:
        found = room.run(read, tell=_tell)
    _record_rehearsal(wiring, read, found)
    _hand_out(found, out, as_json=as_json)


def _record_rehearsal(wiring: CeremonyWiring, read: Read, found: Transcript) -> None:
    from trustworks.core.account import account  # noqa: PLC0415 - one command needs it
    from trustworks.core.audit import Event  # noqa: PLC0415

    event: Event = Event(
        type="ceremony.rehearsed",
        outcome="success",
        actor=account(),
        subject={"kind": "ceremony", "plan": read.digest, "name": read.plan.name},
        detail={"transcript": None if found.seal is None else found.seal.digest, "steps": len(found.done)},
        time=_now(),
    )
    with wiring.open_recorder("operator") as recorder:
        recorder.record(event)


def _now() -> Any:
    from datetime import UTC, datetime  # noqa: PLC0415 - one command needs it

    return datetime.now(UTC)


@app.command()
def approve(context: typer.Context, file: Plan, *, name: As, key: KeyOf, as_json: AsJson = False) -> None:
    """Approve a plan, as one of those whom it has approve it, by a signature of the operator's own key.

    The same as `trustworks roles approve`, after the plan was read and checked.
    """
    from trustworks.core.ceremony.approvals import check_may_approve, kind_of  # noqa: PLC0415 - loads roles
    from trustworks.core.ceremony.rules import check_plan  # noqa: PLC0415 - others go by `Room`

    read = plans.read_file(file)
    wiring: Wiring = context.obj
    check_plan(read.plan, lab=wiring.lab)
    what = kind_of(read.plan)
    approval = _signature(wiring, read, name, key, what=what, digest=read.digest)
    check_may_approve(read.plan, approval, read.digest)
    with wiring.open_roles() as roles:
        roles.approve(approval)
        missing = list(roles.quorum_of(what, read.digest).missing)
    if as_json:
        typer.echo(json.dumps({"plan": read.digest, "approval": approval.approval_id, "missing": missing}))
    else:
        left = f"Still missing: {'; '.join(missing)}." if missing else "The plan can be carried out."
        typer.echo(f"{name} approved {read.plan.name} ({read.digest}).\n{left}")


def _signature(wiring: Wiring, read: Read, name: str, key: str, *, what: str, digest: str) -> Approval:
    """The operator's signature about a digest, in the role that the plan gives him, by two factors."""
    from trustworks.core.roles import Role, new_content, sign_approval  # noqa: PLC0415 - loads the libraries
    from trustworks.core.roles.rules.duties import check_factors  # noqa: PLC0415 - as above

    participant = read.plan.participant(name)
    if participant is None:
        raise Rejected("ceremony.signature", f"{name} is no participant of {read.plan.name}.")
    role = Role(participant.role)
    with signer_of(wiring, key) as signer:
        check_factors({role}, signer.factors)
        content = new_content(what=what, sha256=digest, operator=name, role=role, time=_now())
        return sign_approval(content, signer)


# The ceremony


@app.command()
@performs(Act.RUN_CEREMONY)
def run(
    context: typer.Context,
    file: Plan,
    by: By = "ceremony",
    *,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Carry out a plan that was approved; after an interruption, what is left of it.

    The transcript is sealed by the audit log's key, and time-stamped where [audit] time-stamp-url says by
    whom. A step that is to be confirmed is asked for.
    """
    read = plans.read_file(file)
    if out is not None:
        check_output(out)
    wiring: Wiring = context.obj
    with _room(wiring, by) as room:
        found = room.run(read, tell=_tell)
        found = _stamped(room, found)
    _hand_out(found, out, as_json=as_json)


@app.command()
@performs(Act.RUN_CEREMONY)
def stamp(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """Get the time-stamp of a transcript that has none, from the authority of [audit] time-stamp-url."""
    wiring: Wiring = context.obj
    with _room(wiring, "ceremony") as room:
        found = room.ceremonies.stamp(_found(room, name).plan, _stamper(wiring))
    _hand_out(found, None, as_json=as_json)


@app.command()
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
    with _room(wiring, by) as room:
        found = room.abandon(_found(room, name).plan, reason)
    _hand_out(found, None, as_json=as_json)


@app.command()
def sign(context: typer.Context, ceremony: Name, *, name: As, key: KeyOf, as_json: AsJson = False) -> None:
    """Sign a sealed transcript, as one of those whom the plan has sign it: an officer, a witness."""
    from trustworks.core.ceremony.model import TRANSCRIPT_KIND  # noqa: PLC0415 - others do without
    from trustworks.core.ceremony.rules import signature_objections  # noqa: PLC0415 - as above

    wiring: Wiring = context.obj
    with _room(wiring, "ceremony") as room:
        found = _found(room, ceremony)
        if found.seal is None:
            raise Rejected("ceremony.under-way", f"There is nothing to sign yet. {found.how_far()}")
        digest = found.seal.digest
        approval = _signature(wiring, found.plan, name, key, what=TRANSCRIPT_KIND, digest=digest)
        room.ceremonies.sign(found.plan, approval)
        signed = [one["content"]["operator"] for one in _found(room, ceremony).signatures]
    missing = signature_objections(found.plan.plan, signed)
    if as_json:
        typer.echo(json.dumps({"transcript": digest, "signed_by": signed, "missing": missing}))
    else:
        left = f"Still: {'; '.join(missing)}." if missing else "All who have to have signed."
        typer.echo(f"{name} signed the transcript of {found.plan.plan.name} ({digest}).\n{left}")


# What there is


@app.command("list")
def list_ceremonies(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the ceremonies, the newest first."""
    wiring: CeremonyWiring = context.obj
    from trustworks.core.ceremony import records  # noqa: PLC0415 - loads SQLAlchemy

    with wiring.open_database() as database, database.read() as connection:
        rows = records.listing(connection)
    if as_json:
        typer.echo(json.dumps([{**row, "opened_at": row["opened_at"].isoformat()} for row in rows]))
        return
    for row in rows:
        state = "time-stamped" if row["time_stamped"] else "sealed" if row["sealed"] else "UNDER WAY"
        typer.echo(
            f"{row['name']:<24}{row['type']:<18}{row['mode']:<12}{state:<14}"
            f"{row['opened_at']:%Y-%m-%d %H:%M} UTC"
        )


@app.command()
def show(
    context: typer.Context,
    name: Name,
    *,
    html: Annotated[bool, typer.Option("--html", help="As one HTML page, to be read and printed.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write it here, as a new file. Default: print.")] = None,
) -> None:
    """Show a transcript, as JSON that `verify` reads or as a page. NAME may also be a transcript's file."""
    found = _transcript(context, name)
    if html:
        from trustworks.core.ceremony.rendering import as_html  # noqa: PLC0415 - loads Jinja2

        text = as_html(found, _verdict(found, [], []))
    else:
        text = _document(found)
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_output(out, [text.encode()])
        typer.echo(f"{printable(str(out))} is written.")


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The transcript's file (JSON).", metavar="TRANSCRIPT")],
    signer: Annotated[
        list[Path] | None,
        typer.Option(help="A certificate (PEM) of a key that may seal transcripts. Default: not compared."),
    ] = None,
    trust: Annotated[
        list[Path] | None,
        typer.Option(help="A trust anchor (PEM) of the time-stamp. Default: only its imprint is compared."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Verify a transcript with nothing but files: no configuration, no database, no network.

    Exit code 1 where anything is wrong.
    """
    verdict = _verdict(_read(file), signer or [], trust or [])
    typer.echo(json.dumps(verdict.as_dict()) if as_json else _verdict_text(verdict))
    if not verdict.ok:
        raise typer.Exit(1)


def _verdict(found: Transcript, signer: list[Path], trust: list[Path]) -> Verdict:
    from trustworks.core.ceremony.verify import verify as verify_transcript  # noqa: PLC0415 - as above

    return verify_transcript(
        found,
        signers={signer_in(one) for one in signer},
        check_token=token_check(trust) if trust else None,
    )


def _verdict_text(verdict: Verdict) -> str:
    lines = [
        f"{verdict.name}: {KINDS[verdict.type].title} ({verdict.mode})",
        f"Plan {verdict.plan}",
        f"Sealed by the key {verdict.signer or 'of nobody'}; time-stamped: {verdict.stamped or 'no'}",
        f"Approved by {', '.join(verdict.approved_by) or 'nobody'}",
        f"Signed by {', '.join(verdict.signed_by) or 'nobody'}",
        *(f"- {one}" for one in verdict.findings),
        *(f"- notice: {one}" for one in verdict.notices),
        "The transcript is whole." if verdict.ok else "THE TRANSCRIPT DOES NOT HOLD.",
    ]
    return "\n".join(map(printable, lines))


# Parts


@contextmanager
def _room(wiring: Wiring, by: str) -> Iterator[Room]:
    """The configuration's tokens, records and audit log, open for a ceremony."""
    from trustworks.app.ceremonies.room import Room  # noqa: PLC0415 - loads the module

    with (
        wiring.open_database() as database,
        wiring.open_recorder("ceremony", database=database) as recorder,
    ):
        room = Room(
            wiring, database=database, recorder=recorder, clock=wiring.open_clock(), by=by, confirm=_ask
        )
        try:
            yield room
        finally:
            room.close()


def _found(room: Room, name: str) -> Transcript:
    found = room.ceremonies.find(name)
    if found is None:
        raise _absent(name)
    return found


def _absent(name: str) -> Rejected:
    return Rejected(
        "ceremony.absent",
        f"There is no ceremony {name!r}; `trustworks keys ceremony list` shows all.",
    )


def _transcript(context: typer.Context, name: str) -> Transcript:
    """The transcript of a ceremony of the database, or the one in a file."""
    if Path(name).is_file():
        return _read(Path(name))
    from trustworks.core.ceremony.ceremonies import find_transcript  # noqa: PLC0415 - loads SQLAlchemy

    wiring: CeremonyWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        found = find_transcript(connection, name)
    if found is None:
        raise _absent(name)
    return found


def _read(file: Path) -> Transcript:
    from trustworks.core.ceremony.transcript import load  # noqa: PLC0415 - `plan` does without

    try:
        content = read_at_most(file, LARGEST)
    except OSError as error:
        raise Malformed(f"The transcript {file} cannot be read: {error.strerror}.") from None
    if len(content) > LARGEST:
        raise Malformed(f"{file} is no transcript: it is longer than {LARGEST:,} octets.")
    return load(content)


def _document(found: Transcript) -> str:
    from trustworks.core.ceremony.transcript import as_document  # noqa: PLC0415 - as above

    return json.dumps(as_document(found), indent=2) + "\n"


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


def _hand_out(found: Transcript, out: Path | None, *, as_json: bool) -> None:
    if out is not None:
        write_output(out, [_document(found).encode()])
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "name": found.plan.plan.name,
                    "plan": found.plan.digest,
                    "mode": found.mode,
                    "steps": len(found.done),
                    "transcript": None if found.seal is None else found.seal.digest,
                    "out": None if out is None else str(out),
                }
            )
        )
        return
    typer.echo(f"{found.plan.plan.name} ({found.mode}): {found.how_far()}")
    if found.seal is not None:
        typer.echo(f"SHA-256 of the transcript's statement: {found.seal.digest}")
    if out is not None:
        typer.echo(f"The transcript is in {printable(str(out))}.")


def _tell(number: int, step: AnyStep) -> None:
    typer.echo(f"{number:>3}  {step.phase}: {step.kind} ({', '.join(step.by) or 'nobody'})", err=True)


def _confirmed(what: str) -> dict[str, Any]:
    del what
    return {"confirmed": "taken for confirmed"}


def _ask(what: str) -> dict[str, Any]:
    """Ask the people; anything but yes is no."""
    answer = typer.prompt(f"     {what} Type yes or no", err=True)
    if answer.strip().lower() != "yes":
        raise Rejected(
            "ceremony.not-confirmed",
            f"It was not confirmed: {what} Put it right and run the plan again, or abandon the ceremony.",
        )
    return {"confirmed": "yes"}
