"""`trustworks keys transfer`: a key to another module, step by step, wherever the custodians are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trustworks.app.commands.key_backups import BackupFile, Bits, TokenName  # noqa: TC001 - as below
from trustworks.app.commands.key_custodians import CustodianPlaces, custodian_token, read_file
from trustworks.app.commands.key_custody import backup_in, check_active, register_of
from trustworks.app.commands.tokens import ModuleWiring, held
from trustworks.core.errors import Rejected
from trustworks.core.keys import custody
from trustworks.core.module import documents, openings, transfer
from trustworks.core.module.events import key_facts
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.output import check_output, write_output
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import performs

if TYPE_CHECKING:
    from trustworks.core.module.openings import Opening

app = typer.Typer(no_args_is_help=True, help="Transfers: begin at the target, wrap, unwrap at the target.")

RequestFile = Annotated[Path, typer.Argument(help="The request of the target.", metavar="REQUEST")]


@app.command("begin")
@performs(Act.RUN_CEREMONY)
def begin(
    context: typer.Context,
    backup: BackupFile,
    token: TokenName,
    custodian: Annotated[list[str], typer.Option("--by", help="A custodian who will open; once for each.")],
    out: Annotated[Path, typer.Option(help="The new file for the request.")],
    *,
    bits: Bits = 4096,
    as_json: AsJson = False,
) -> None:
    """At the target: make a transport key, and the request for the custodians.

    Read the fingerprint out to them: they open for nothing else.
    """
    wiring: ModuleWiring = context.obj
    found = backup_in(backup)
    check_active(context, custodian)
    check_output(out)
    with register_of(context) as (_, on_event), wiring.open_module(token, read_write=True) as module:
        about = {"backup": found.digest, "label": found.key.label, "serial": module.token_uri.serial}
        begun = False
        # A process that ended before it wrote the request has left a transport key that nobody asks for.
        asked = about | {"custodians": sorted(custodian)}
        with held(context, "key.transfer", asked, done=lambda _: begun):
            request = transfer.begin(module, found, custodians=custodian, purpose="transfer", bits=bits)
            begun = True
            on_event(
                "module.transport-key-made",
                module.token_uri,
                {
                    "backup": found.digest,
                    "request": request.fingerprint,
                    "custodians": list(request.custodians),
                },
            )
    write_output(out, [documents.write(request)])
    facts = {
        "request": str(out),
        "fingerprint": request.fingerprint,
        "custodians": list(request.custodians),
    }
    typer.echo(
        json.dumps(facts)
        if as_json
        else f"The request is {out}\nfingerprint {request.fingerprint}\nIn this order: "
        f"{', then '.join(request.custodians)}."
    )


@app.command("wrap")
def wrap(
    request: RequestFile,
    backup: BackupFile,
    custodian: CustodianPlaces,
    fingerprint: Annotated[
        str, typer.Option(help="What the target shows, read from there and not from the file.")
    ],
    out: Annotated[Path, typer.Option(help="The new file for what was opened.")],
    *,
    opening: Annotated[
        Path | None, typer.Option(help="What the custodian before opened. Default: nobody did yet.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Custodians: open the backup in your own tokens, in the request's order, and wrap it for the target."""
    check_output(out)
    asked = openings.read_request(read_file(request), f"The request {request}")
    found = backup_in(backup)
    reached: Opening | None = None
    if opening is not None:
        reached = openings.read_opening(read_file(opening), f"The opening {opening}")
    for place in custodian:
        with custodian_token(place) as module:
            reached = transfer.open_next(module, asked, found, reached, fingerprint=fingerprint)
    if reached is None:
        raise Rejected("keys.custodians-missing", "Nobody opened: name a custodian's token by --custodian.")
    write_output(out, [documents.write(reached)], mode=0o600)
    following = openings.whose_turn(asked, reached)
    facts = {"opening": str(out), "opened_by": list(reached.opened_by), "next": following}
    typer.echo(
        json.dumps(facts)
        if as_json
        else f"{' and '.join(reached.opened_by)} opened; {out} goes to {following or 'the target'}."
    )


@app.command("unwrap")
@performs(Act.RUN_CEREMONY)
def unwrap(
    context: typer.Context,
    request: RequestFile,
    backup: BackupFile,
    opening: Annotated[Path, typer.Argument(help="What the custodians opened.", metavar="OPENING")],
    token: TokenName,
    *,
    as_json: AsJson = False,
) -> None:
    """At the target: bring the key to its token, not extractable, and destroy the transport key."""
    wiring: ModuleWiring = context.obj
    asked = openings.read_request(read_file(request), f"The request {request}")
    found, reached = backup_in(backup), openings.read_opening(read_file(opening), f"The opening {opening}")
    check_active(context, reached.opened_by)
    with (
        register_of(context) as (register, _),
        wiring.open_module(token, read_write=True) as module,
    ):
        about = {"backup": found.digest, "label": found.key.label, "serial": module.token_uri.serial}
        with held(
            context,
            "key.transfer-finished",
            about | {"request": asked.fingerprint},
            done=lambda _: module.has(key_id=found.key.key_id),
            completes=True,
        ):
            key, state = custody.finish(register, module, asked, found, reached)
        facts = key_facts(key) | {"state": state.value, "opened_by": list(reached.opened_by)}
    typer.echo(json.dumps(facts) if as_json else f"{facts['uri']}\nis here, {state.value}.")


@app.command("abandon")
@performs(Act.RUN_CEREMONY)
def abandon(context: typer.Context, token: TokenName, *, as_json: AsJson = False) -> None:
    """At the target: destroy the transport keys of all transfers that were begun and not finished."""
    wiring: ModuleWiring = context.obj
    with register_of(context) as (_, on_event), wiring.open_module(token, read_write=True) as module:
        removed = transfer.remove_transport_keys(module, "transfer")
        if removed:
            on_event("module.transport-keys-destroyed", module.token_uri, {"number": removed})
    typer.echo(json.dumps({"destroyed": removed}) if as_json else f"{removed} transport key(s) destroyed.")
