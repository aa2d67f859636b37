"""`trustworks keys states`: the register of keys, and changes of their states."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trustworks.app.commands.key_custody import register_of
from trustworks.app.commands.tokens import (
    ModuleWiring,
    approved,
)
from trustworks.core.errors import Rejected
from trustworks.core.keys import records
from trustworks.core.keys.model import living_backups, places
from trustworks.core.module.health import PROBE_LABEL
from trustworks.core.module.states import KeyState, check_transition
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import performs

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from trustworks.core.keys.model import KeyEntry

app = typer.Typer(no_args_is_help=True, help="States of keys: list, set.")


@app.command("list")
def list_states(
    context: typer.Context,
    *,
    history: Annotated[
        bool, typer.Option("--history", help="With everything that was done with each key.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the keys of the register with their states, tokens and backups."""
    wiring: ModuleWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        rows = [_facts(connection, key, history=history) for key in records.keys_with(connection)]
    if as_json:
        typer.echo(json.dumps({"keys": rows}))
        return
    for row in rows:
        where = ", ".join(row["tokens"]) or "on no token"
        typer.echo(
            f"{row['label']:<28}{row['algorithm']:<17}{row['state']:<17}{where:<24}"
            f"{row['backups']} backup(s)  {row['spki_sha256'][:16]}"
            f"{'  probe: only health signs with it' if row['probe'] else ''}"
        )
        for one in row.get("history", ()):
            reason = f": {one['reason']}" if one["reason"] else ""
            typer.echo(f"    {one['at']}  {one['act']:<18}{one['state']:<17}{one['by']}{reason}")


def _facts(connection: Connection, key: KeyEntry, *, history: bool) -> dict[str, Any]:
    done = records.history_of(connection, key.spki_sha256)
    facts: dict[str, Any] = {
        "label": key.label,
        "probe": key.label == PROBE_LABEL,
        "algorithm": key.algorithm,
        "id": key.key_id,
        "spki_sha256": key.spki_sha256,
        "state": key.state.value,
        "entered_at": key.entered_at.isoformat(timespec="seconds"),
        "tokens": sorted(places(done).values()),
        "backups": len(living_backups(done)),
    }
    if history:
        facts["history"] = [
            {
                "number": one.number,
                "act": one.act.value,
                "state": one.state.value,
                "token": one.token,
                "backup": one.backup,
                "at": one.at.isoformat(timespec="seconds"),
                "by": one.by,
                "reason": one.reason,
            }
            for one in done
        ]
    return facts


@app.command("set")
@performs(Act.RUN_CEREMONY)
def set_state(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="The key's label, or the beginning of its SHA-256.")],
    state: Annotated[KeyState, typer.Argument(help="The state that it gets.")],
    reason: Annotated[str, typer.Option(help="Why; goes into the register and the audit log.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Change a key's state. Services hear of it within a second.

    Where operators are enrolled, or [roles] asks for them, the change needs their approvals: the command says
    which are missing, and what is to be approved.
    """
    wiring: ModuleWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        entry = _one(connection, key)
        check_transition(entry.state, state, entry.label)
        number = len(records.history_of(connection, entry.spki_sha256)) + 1
    # This change, of this key, as the next entry of its history: an approval serves once.
    about = {
        "spki_sha256": entry.spki_sha256,
        "before": entry.state.value,
        "after": state.value,
        "number": number,
    }
    found = approved(context, f"key.{state.value}", about)
    with register_of(context) as (register, _):
        written = register.set_state(
            entry.spki_sha256, state, reason=reason, approvals=found.ids, number=number, also=found.use
        )
    facts = {
        "label": entry.label,
        "before": entry.state.value,
        "state": written.state.value,
        "approvals": list(found.ids),
    }
    typer.echo(
        json.dumps(facts) if as_json else f"{entry.label}: {entry.state.value} -> {written.state.value}"
    )


def _one(connection: Connection, name: str) -> KeyEntry:
    found = [
        one for one in records.keys_with(connection) if one.label == name or one.spki_sha256.startswith(name)
    ]
    living = [one for one in found if one.state is not KeyState.DESTROYED]
    if len(living) == 1 or len(found) == 1:
        return (living or found)[0]
    raise Rejected(
        "keys.unknown",
        f"{len(found)} keys of the register are called {name!r}; `trustworks keys states list` shows their "
        "SHA-256.",
    )
