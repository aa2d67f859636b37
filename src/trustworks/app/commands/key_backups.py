"""`trustworks keys backup` and `restore`: keys that several custodians bring back."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trustworks.app.commands.key_custodians import CustodianPlaces, read_card
from trustworks.app.commands.key_custody import backup_in, check_active, open_all, register_of, whose
from trustworks.app.commands.keys import check_last
from trustworks.app.commands.tokens import Label, ModuleWiring, approved, held
from trustworks.core.errors import Rejected
from trustworks.core.keys import custody, records
from trustworks.core.keys.model import last_use, living_backups
from trustworks.core.module import KeyAlgorithm, documents, openings, transfer
from trustworks.core.module.events import key_facts
from trustworks.core.module.states import KeyState
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.output import check_output, write_output
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import performs

if TYPE_CHECKING:
    from trustworks.core.keys.model import BackupEntry, HistoryEntry, KeyEntry
    from trustworks.core.module.backup import Backup
    from trustworks.core.module.openings import Opening, Purpose, Request

app = typer.Typer(no_args_is_help=True, help="Backups: create, list, drill, destroy.")

BackupFile = Annotated[Path, typer.Argument(help="The backup's file.", metavar="BACKUP")]
TokenName = Annotated[
    str,
    typer.Option("--token", "-t", help="A token of the configuration: root, issuing, tsu, services, audit."),
]
Bits = Annotated[int, typer.Option(help="The length of the transport key (RSA), 3072 or more.")]


@app.command("create")
@performs(Act.RUN_CEREMONY)
def create(
    context: typer.Context,
    label: Label,
    token: TokenName,
    card: Annotated[
        list[Path],
        typer.Option(help="A custodian's card, or the folder with it; once for each custodian."),
    ],
    threshold: Annotated[int, typer.Option(help="How many custodians together bring the key back.")],
    *,
    out: Annotated[Path, typer.Option(help="The new file for the backup.")],
    algorithm: Annotated[
        KeyAlgorithm, typer.Option("--algorithm", "-a", help="The kind of key.")
    ] = KeyAlgorithm.P384,
    pre_operational: Annotated[
        bool,
        typer.Option("--pre-operational", help="The key waits for its certificate and signs nothing yet."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a key together with its backup; afterwards the key never leaves the module.

    A key that was made without a backup can get none: it was never extractable.
    """
    wiring: ModuleWiring = context.obj
    custodians = [read_card(file) for file in card]
    check_output(out)

    def keep(backup: Backup) -> None:
        write_output(out, [documents.write(backup)], mode=0o600)

    with (
        register_of(context) as (register, on_event),
        wiring.open_module(token, read_write=True) as module,
    ):
        about = {"token": token, "label": label, "algorithm": algorithm.value, "threshold": threshold}
        cards = {one.name: one.fingerprint for one in custodians}
        with held(
            context,
            "key.backup",
            about | {"custodians": cards},
            done=lambda one: module.has(key_id=bytes.fromhex(one)) or out.exists(),
        ) as hold:
            key, backup = custody.make_key_with_backup(
                register,
                on_event,
                module,
                label=label,
                algorithm=algorithm,
                custodians=custodians,
                threshold=threshold,
                keep=keep,
                state=KeyState.PRE_OPERATIONAL if pre_operational else KeyState.OPERATIONAL,
                key_id=None if hold is None else bytes.fromhex(hold.hold_id),
            )
        facts = key_facts(key) | _backup_facts(backup) | {"file": str(out)}
    text = (
        f"{facts['uri']}\nSHA-256 of the SPKI {facts['spki_sha256']}\nThe backup is {out}\n"
        f"SHA-256 of the backup {backup.digest}\n"
        f"{threshold} of {', '.join(facts['custodians'])} bring the key back."
    )
    typer.echo(json.dumps(facts) if as_json else text)


def _backup_facts(backup: Backup) -> dict[str, Any]:
    return {
        "backup": backup.digest,
        "label": backup.key.label,
        "threshold": backup.threshold,
        "custodians": [one.name for one in backup.custodians],
        "made_at": backup.made_at.isoformat(),
    }


@app.command("list")
def list_backups(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the backups with their keys, custodians and last drills."""
    wiring: ModuleWiring = context.obj
    rows = []
    with wiring.open_database() as database, database.read() as connection:
        keys = {one.spki_sha256: one for one in records.keys_with(connection)}
        for entry in records.backups_of(connection):
            history = records.history_of(connection, entry.spki_sha256)
            rows.append(_listed(entry, keys[entry.spki_sha256], history))
    typer.echo(json.dumps({"backups": rows}) if as_json else "\n".join(map(_listed_text, rows)))


def _listed(entry: BackupEntry, key: KeyEntry, history: list[HistoryEntry]) -> dict[str, Any]:
    shown = last_use(history, entry.backup)
    return {
        **asdict(entry),
        "made_at": entry.made_at.isoformat(),
        "label": key.label,
        "state": key.state.value,
        "shown_at": shown.at.isoformat(timespec="seconds") if shown else None,
        "shown_by": shown.act.value if shown else None,
        "destroyed": entry.backup not in living_backups(history),
    }


def _listed_text(row: dict[str, Any]) -> str:
    worked = "NEVER DRILLED"
    if row["destroyed"]:
        worked = "DESTROYED"
    elif row["shown_at"]:
        worked = f"{row['shown_by']} {row['shown_at']}"
    who = f"{row['threshold']} of {', '.join(row['custodians'])}"
    return f"{row['backup'][:16]}  {row['label']:<24}{row['state']:<17}{who}  {worked}"


@app.command("drill")
@performs(Act.RUN_CEREMONY)
def drill(
    context: typer.Context,
    backup: BackupFile,
    token: TokenName,
    custodian: CustodianPlaces,
    *,
    bits: Bits = 4096,
    as_json: AsJson = False,
) -> None:
    """Show that a backup brings its key back: for one session, in which it signs a nonce; nothing stays."""
    found = backup_in(backup)
    request, opening = _recover(context, found, token, custodian, "drill", bits)
    wiring: ModuleWiring = context.obj
    with (
        register_of(context) as (register, _),
        wiring.open_module(token, read_write=True) as module,
    ):
        shown = custody.drill(register, module, request, found, opening)
    facts = _backup_facts(found) | {
        "nonce": shown.nonce.hex(),
        "signature": shown.signature.hex(),
        "opened_by": list(opening.opened_by),
    }
    text = f"{found.key.label} came back and signed a nonce; the drill is in the register. Nothing was kept."
    typer.echo(json.dumps(facts) if as_json else text)


@performs(Act.RUN_CEREMONY)
def restore(
    context: typer.Context,
    backup: BackupFile,
    token: TokenName,
    custodian: CustodianPlaces,
    *,
    bits: Bits = 4096,
    as_json: AsJson = False,
) -> None:
    """Bring a key back to a token, with its custodians' tokens at hand, one after another.

    Where the custodians are elsewhere: `trustworks keys transfer`. After a restore that was interrupted, the
    same command completes it.
    """
    found = backup_in(backup)
    wiring: ModuleWiring = context.obj

    def is_there(_hold: str) -> bool:
        with wiring.open_module(token) as module:
            return module.has(key_id=found.key.key_id)

    with wiring.open_module(token) as module:
        about = {"backup": found.digest, "label": found.key.label, "serial": module.token_uri.serial}
    with held(context, "key.restore", about, done=is_there, completes=True):
        request, opening = _recover(context, found, token, custodian, "restore", bits)
        with (
            register_of(context) as (register, _),
            wiring.open_module(token, read_write=True) as module,
        ):
            key, state = custody.finish(register, module, request, found, opening)
            facts = key_facts(key) | {"state": state.value, "opened_by": list(opening.opened_by)}
    text = f"{facts['uri']}\nis back, {state.value}. Restart the services that use it."
    typer.echo(json.dumps(facts) if as_json else text)


def _recover(  # noqa: PLR0917 - one step of both commands
    context: typer.Context, backup: Backup, token: str, places: list[str], purpose: Purpose, bits: int
) -> tuple[Request, Opening]:
    """What the target asks for, and what the custodians open; one token is open at a time.

    SoftHSM2 knows one configuration at a time in a process, and each custodian has a folder of their own.
    """
    wiring: ModuleWiring = context.obj
    names = whose(places, backup)
    check_active(context, names)
    with wiring.open_module(token, read_write=True) as module:
        request = transfer.begin(module, backup, custodians=list(names), purpose=purpose, bits=bits)
    opening = open_all(request, backup, names)
    if opening is None or openings.whose_turn(request, opening) is not None:
        raise Rejected("keys.custodians-missing", "Not all custodians opened; nothing was brought back.")
    return request, opening


@app.command("destroy")
@performs(Act.RUN_CEREMONY)
def destroy(
    context: typer.Context,
    backup: Annotated[str, typer.Argument(help="The SHA-256 of the backup, or its beginning.")],
    reason: Annotated[
        str, typer.Option(help="Why, and how the copies were destroyed; goes into the audit log.")
    ],
    *,
    confirm: Annotated[
        str | None, typer.Option(help="The key's label again; asked for where it is absent.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Enter that all copies of a backup's file were destroyed; with the last copy a key's life ends.

    The files are yours to destroy, wherever they are: this enters that you did.
    """
    wiring: ModuleWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        entries = [one for one in records.backups_of(connection) if one.backup.startswith(backup)]
        keys = {one.spki_sha256: one for one in records.keys_with(connection)}
    if len(entries) != 1 or not backup:
        raise Rejected(
            "keys.unknown-backup",
            f"{len(entries)} backups begin with {backup!r}; `trustworks keys backup list` shows them.",
        )
    key = keys[entries[0].spki_sha256]
    if confirm is None:
        confirm = typer.prompt(f"No copy of this backup of {key.label} is left? Type its label", err=True)
    if confirm != key.label:
        raise Rejected("module.confirmation", "The label was not repeated; nothing was entered.")
    check_last(context, key.spki_sha256, backup=entries[0].backup)
    found = approved(context, "key.backup-destroyed", {"backup": entries[0].backup, "label": key.label})
    with register_of(context) as (register, _):
        written = register.backup_destroyed(key.spki_sha256, entries[0].backup, reason=reason, also=found.use)
    facts = {"label": key.label, "backup": entries[0].backup, "state": written.state.value}
    typer.echo(json.dumps(facts) if as_json else f"Entered. {key.label} is {written.state.value}.")
