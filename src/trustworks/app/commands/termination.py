"""`trustworks termination`: the plan by which authorities end; checked, rehearsed, approved, carried out."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trustworks.core.account import account
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.printable import printable
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import operator_of, performs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from trustworks.app.termination.plan import Read
    from trustworks.app.termination.run import Termination
    from trustworks.app.wiring import Wiring

app = typer.Typer(no_args_is_help=True, help="Termination plans: plan, check, rehearse, run, status, verify.")

PlanFile = Annotated[Path, typer.Argument(help="The plan's file (TOML).", metavar="PLAN")]
Out = Annotated[Path, typer.Option(help="The new folder for the export: records, status, log, documents.")]


@app.command()
def plan(context: typer.Context) -> None:
    """Print a plan to begin with, every line explained, with the authorities that there are."""
    from importlib.resources import files  # noqa: PLC0415 - one command reads it

    from trustworks.issuance import records  # noqa: PLC0415 - loads SQLAlchemy

    wiring: Wiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        known = {
            one.name: one.parent
            for one in records.list_authorities(connection)
            if records.terminated_by_plan(connection, one.name) is None
        }
    text = files("trustworks.app.termination").joinpath("template.toml").read_text(encoding="utf-8")
    typer.echo(text.replace("@AUTHORITIES@", json.dumps(_from_below(known))), nl=False)


def _from_below(parents: dict[str, str | None]) -> list[str]:
    """Authorities with those below before those above."""

    def depth(name: str) -> int:
        above = parents.get(name)
        return 0 if above is None else 1 + depth(above)

    return sorted(parents, key=lambda name: (-depth(name), name))


@app.command()
def check(context: typer.Context, file: PlanFile, *, as_json: AsJson = False) -> None:
    """Say what stands against carrying a plan out, and which approvals it lacks. Exit code 1: faults."""
    with _opened(context, file) as (read, termination):
        wrong, missing = termination.objections(), termination.missing_approvals()
    if as_json:
        told = {"plan": read.digest, "ok": not wrong, "objections": wrong, "approvals_missing": missing}
        typer.echo(json.dumps(told))
    else:
        for one in wrong:
            typer.echo(f"- {printable(one)}")
        for one in missing:
            typer.echo(f"- not approved: {printable(one)}")
        typer.echo(f"SHA-256 of the plan: {read.digest}")
    if wrong:
        raise typer.Exit(1)


@app.command()
@performs(Act.RUN_CEREMONY)
def rehearse(context: typer.Context, file: PlanFile, out: Out, *, as_json: AsJson = False) -> None:
    """Do what changes nothing: count what would be revoked, look for the keys, export, verify the export."""
    with _opened(context, file) as (_, termination):
        found = termination.rehearse(out)
    if as_json:
        typer.echo(json.dumps(found))
        return
    for name, counted in found["authorities"].items():
        typer.echo(f"{name}: {counted['to_revoke']:,} certificates would be revoked; its key is there.")
    typer.echo(f"{out}: {found['certificates']:,} certificates, {found['events']:,} events, verified.")


@app.command()
@performs(Act.RUN_CEREMONY)
def run(
    context: typer.Context,
    file: PlanFile,
    out: Out,
    told: Annotated[
        list[str] | None,
        typer.Option(help="A party of the plan whom people told themselves; may be given several times."),
    ] = None,
    confirm: Annotated[
        str | None, typer.Option(help="The plan's name again; asked for where it is absent.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Carry a plan out, for good: notices, the end of issuance, revocations, last answers and lists, keys.

    Where it is interrupted, whatever the reason, the same command goes on with what is left.
    """
    by = operator_of(context) or account()

    def tell(step: str) -> None:
        typer.echo(step, err=True)

    with _opened(context, file, by=by, told=told or (), tell=tell) as (read, termination):
        if confirm is None:
            ends = ", ".join(read.plan.authorities)
            confirm = typer.prompt(f"This ends {ends} for good. Type the plan's name", err=True)
        if confirm != read.plan.name:
            from trustworks.core.errors import Rejected  # noqa: PLC0415 - here alone

            raise Rejected("termination.confirmation", "The name was not repeated; nothing was done.")
        done = termination.run(out)
    _print_steps(done, as_json=as_json)


@app.command()
def status(context: typer.Context, file: PlanFile, *, as_json: AsJson = False) -> None:
    """Say how far a plan was carried out. Exit code 1 while something is left."""
    from trustworks.app.termination.plan import steps_of  # noqa: PLC0415 - loads Pydantic

    with _opened(context, file) as (read, termination):
        done = termination.done()
    names = {one.step for one in done}
    left = [step for step in steps_of(read.plan) if step not in names]
    _print_steps(done, left, as_json=as_json)
    if left:
        raise typer.Exit(1)


def _print_steps(done: Sequence[Any], left: Sequence[str] = (), *, as_json: bool) -> None:
    if as_json:
        rows = [
            {"step": one.step, "at": one.done_at.isoformat(), "by": one.done_by, **one.result} for one in done
        ]
        typer.echo(json.dumps({"done": rows, "left": list(left)}))
        return
    for one in done:
        result = " ".join(f"{name}={value}" for name, value in one.result.items())
        typer.echo(printable(f"{one.done_at:%Y-%m-%d %H:%M:%S}  {one.step}  {result}".rstrip()))
    for step in left:
        typer.echo(f"left: {step}")


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="What `termination run` or `rehearse` exported.")],
    certificate: Annotated[
        Path | None, typer.Option(help="The certificate (PEM) of who has to have signed it. Default: any.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Verify an export, anywhere: files, signature, log, records against lists. Exit code 1: not sound."""
    from trustworks.app.certificates import read_one  # noqa: PLC0415 - loads the libraries of signatures
    from trustworks.app.termination.verify import verify as verify_export  # noqa: PLC0415 - as above
    from trustworks.core.der.x509 import public_key_info  # noqa: PLC0415 - as above

    verdict = verify_export(
        folder, signer=None if certificate is None else public_key_info(read_one(certificate))
    )
    if as_json:
        typer.echo(json.dumps(verdict.as_dict()))
    else:
        compared = "" if certificate is not None else " (compared with no certificate: give --certificate)"
        typer.echo(
            f"{verdict.files:,} files, {verdict.events:,} events, signed by the key "
            f"{verdict.signer}{compared}"
        )
        if verdict.ended:
            typer.echo(
                f"{', '.join(verdict.ended)}: {verdict.certificates:,} certificates against their last "
                f"lists, {verdict.answers:,} last answers"
            )
        for one in verdict.findings:
            typer.echo(f"- {printable(one)}")
        if verdict.more:
            typer.echo(f"- and {verdict.more:,} more")
        typer.echo("The export is sound." if verdict.ok else "THE EXPORT IS NOT SOUND.")
    if not verdict.ok:
        raise typer.Exit(1)


@contextmanager
def _opened(
    context: typer.Context,
    file: Path,
    *,
    by: str = "operator",
    told: Sequence[str] = (),
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[Read, Termination]]:
    from trustworks.app.termination.plan import read_file  # noqa: PLC0415 - loads Pydantic
    from trustworks.app.termination.run import Termination  # noqa: PLC0415 - loads the services

    wiring: Wiring = context.obj
    read = read_file(file)
    with ExitStack() as stack:
        database = stack.enter_context(wiring.open_database())
        recorder = stack.enter_context(wiring.open_recorder("termination", database=database))
        yield (
            read,
            Termination(
                wiring,
                read,
                by=by,
                database=database,
                recorder=recorder,
                stack=stack,
                told=told,
                tell=tell,
                progress=lambda done: tell(f"  {done:,} certificates"),
            ),
        )
