"""What `trustworks keys` shares: the register that is written, and a recovery with all custodians at hand."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from trustworks.app.commands.key_custodians import custodian_token, read_file
from trustworks.app.last_copies import loss_check
from trustworks.core.account import account
from trustworks.core.errors import Rejected
from trustworks.core.keys import KeyRegister, registered_events
from trustworks.core.module import openings, transfer
from trustworks.core.module.backup import Backup, read_backup
from trustworks.core.roles.performing import operator_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from trustworks.app.commands.tokens import ModuleWiring
    from trustworks.core.module.events import OnEvent
    from trustworks.core.module.openings import Opening, Request


@contextmanager
def register_of(context: typer.Context) -> Iterator[tuple[KeyRegister, OnEvent]]:
    """The register of keys and the audit log of the configuration."""
    wiring: ModuleWiring = context.obj
    by = operator_of(context) or account()
    with wiring.open_recorder("operator") as recorder:
        may_go = loss_check(wiring.config)
        yield (
            KeyRegister(recorder, by=by, may_go=may_go),
            registered_events(recorder, by=by, may_go=may_go),
        )


def backup_in(file: Path) -> Backup:
    """The backup in a file. Raises `Malformed`."""
    return read_backup(read_file(file), f"The backup {file}")


def check_active(context: typer.Context, names: Iterable[str]) -> None:
    """Refuse custodians who were operators and are none any more. Raises `Refused`."""
    from trustworks.core.roles import list_operators  # noqa: PLC0415 - these commands alone
    from trustworks.core.roles.rules.custody import check_custodians  # noqa: PLC0415 - as above

    wiring: ModuleWiring = context.obj
    with wiring.open_database() as database, database.read() as connection:
        check_custodians(names, list_operators(connection))


def whose(places: Sequence[str], backup: Backup) -> dict[str, str]:
    """Which custodian of the backup each token belongs to: name -> place."""
    found: dict[str, str] = {}
    for place in places:
        with custodian_token(place) as module:
            name = transfer.custodian_of(module, backup)
        if name is None:
            known = ", ".join(one.name for one in backup.custodians)
            raise Rejected(
                "keys.other-custodian", f"{place} is the token of none of {known}. Connect the right one."
            )
        found[name] = place
    if len(found) != backup.threshold:
        raise Rejected(
            "keys.quorum",
            f"{backup.threshold} different custodians must be here to bring {backup.key.label!r} back; here: "
            f"{', '.join(found) or 'nobody'}.",
        )
    return found


def open_all(
    request: Request, backup: Backup, places: dict[str, str], opening: Opening | None = None
) -> Opening | None:
    """Let those custodians open whose turn it is and whose tokens are at hand."""
    while (name := openings.whose_turn(request, opening)) in places:
        with custodian_token(places[name]) as module:
            opening = transfer.open_next(module, request, backup, opening, fingerprint=request.fingerprint)
        typer.echo(f"{name} opened.", err=True)
    return opening
