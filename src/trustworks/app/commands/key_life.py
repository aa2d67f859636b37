"""`trustworks keys`: keys through their life, under dual control."""

from __future__ import annotations

import typer

from trustworks.app.commands import (
    key_activation,
    key_backups,
    key_custodians,
    key_due,
    key_rollover,
    key_states,
    key_transfers,
    officer_pins,
)
from trustworks.app.commands.ceremony import app as ceremony

app = typer.Typer(
    no_args_is_help=True,
    help="Keys through their life, under dual control: ceremonies, backup, transfer, states.",
)
app.command("due")(key_due.due)
app.add_typer(key_rollover.app, name="rollover")
app.add_typer(ceremony, name="ceremony")
app.add_typer(key_custodians.app, name="custodian")
app.add_typer(key_backups.app, name="backup")
app.command("restore")(key_backups.restore)
app.add_typer(key_transfers.app, name="transfer")
app.add_typer(key_states.app, name="states")
app.command("seal")(key_activation.seal_pin)
app.add_typer(officer_pins.app, name="so-pin")
app.command("activate")(key_activation.activate)
app.command("open-pin")(key_activation.open_for_activation)
app.command("deactivate")(key_activation.deactivate)
