"""`trustworks keys so-pin`: the security officer's PIN of a token, which no one person and no file keeps."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from trustworks.app.commands.key_activation import SealedFile, collected, pin_file
from trustworks.app.commands.key_backups import TokenName  # noqa: TC001 - Typer reads it
from trustworks.app.commands.key_custodians import read_card, read_file
from trustworks.app.commands.key_custody import check_active, register_of
from trustworks.app.commands.pin_acts import PinAct, pin_act
from trustworks.app.commands.tokens import ModuleWiring  # noqa: TC001 - an annotation in a command
from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.module import Pkcs11Uri, documents
from trustworks.core.module.activation import Activation, SealedPin, check_whose, new_pin, seal
from trustworks.core.module.officer import NOT_LOGGED_IN, change_officer_pin, set_user_pin
from trustworks.core.module.pin import read_pin
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.output import check_output, take_back, write_output
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import performs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.core.module.custodians import Custodian

app = typer.Typer(
    no_args_is_help=True,
    help="The security officer's PIN of a token: seal it, throw it away, or set a new user PIN by it.",
)

PinFile = Annotated[
    Path, typer.Option("--so-pin-file", help="The file with the security officer's PIN; it is removed.")
]
Cards = Annotated[
    list[Path], typer.Option("--officer", help="An officer's card, or the folder with it; once for each.")
]


@app.command("seal")
@performs(Act.ACTIVATE_KEY)
def seal_officer_pin(  # noqa: PLR0917 - options, which have names
    context: typer.Context,
    token: TokenName,
    so_pin_file: PinFile,
    officer: Cards,
    threshold: Annotated[int, typer.Option(help="How many officers together open it.")],
    out: Annotated[Path, typer.Option(help="The new file for the sealed PIN.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Give a token a random PIN of the security officer that nobody sees, sealed for several officers.

    The file with the PIN before is removed.
    """
    wiring: ModuleWiring = context.obj
    cards = [read_card(file) for file in officer]
    check_output(out)
    old = _officer_pin(so_pin_file)
    with register_of(context) as (_, on_event):
        here = _there(wiring, token)
        about: dict[str, Any] = {"token": here.token, "serial": here.serial, "threshold": threshold}
        about |= {"officers": _fingerprints(cards)}
        kinds = ("module.so-pin-sealing-ordered", "module.so-pin-sealed")
        with pin_act(context, "key.seal-so-pin", about, on_event, kinds) as act:
            new = new_pin()
            sealed = seal(
                new,
                token=here.token or "",
                serial=here.serial or "",
                operators=cards,
                threshold=threshold,
                sha1=_sha1(wiring),
                of_officer=True,
            )
            facts = {"sealed": sealed.digest, "officers": list(sealed.operators), "threshold": threshold}
            act.order(here, facts)
            # Before the token knows it: else nobody would.
            write_output(out, [documents.write(sealed)], mode=0o600)
            with _changing(act, out):
                change_officer_pin(here, old, new, **_where(wiring))
            act.tell(here, facts)
    so_pin_file.unlink(missing_ok=True)
    text = (
        f"The sealed PIN is {out}\n{threshold} of {', '.join(sealed.operators)} open it together.\n"
        f"{so_pin_file} is removed."
    )
    typer.echo(json.dumps(facts | {"file": str(out)}) if as_json else text)


@app.command("discard")
@performs(Act.ACTIVATE_KEY)
def discard(
    context: typer.Context,
    token: TokenName,
    so_pin_file: PinFile,
    confirm: Annotated[
        str | None, typer.Option(help="The token's label again; asked for where it is absent.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Give a token a random PIN of the security officer that nobody ever has, and remove the file.

    Nobody sets a new user PIN from then on: a token whose user PIN is lost is lost, with its keys.
    """
    wiring: ModuleWiring = context.obj
    old = _officer_pin(so_pin_file)
    with register_of(context) as (_, on_event):
        here = _there(wiring, token)
        about = {"token": here.token, "serial": here.serial}
        kinds = ("module.so-pin-discarding-ordered", "module.so-pin-discarded")
        with pin_act(context, "key.discard-so-pin", about, on_event, kinds) as act:
            typed = confirm or typer.prompt(
                f"Nobody will set a new PIN of {here.token} any more. Its label again", err=True
            )
            if typed != here.token:
                raise Rejected("keys.not-confirmed", "That is not the token's label; nothing was changed.")
            act.order(here, {})
            with _changing(act):
                change_officer_pin(here, old, new_pin(), **_where(wiring))
            act.tell(here, {})
    so_pin_file.unlink(missing_ok=True)
    text = f"Nobody has the security officer's PIN of {here.token} any more; {so_pin_file} is removed."
    typer.echo(json.dumps({"token": token, "removed": str(so_pin_file)}) if as_json else text)


@app.command("reset")
@performs(Act.ACTIVATE_KEY)
def reset(  # noqa: PLR0917 - as above
    context: typer.Context,
    sealed: SealedFile,
    token: TokenName,
    operator: Annotated[
        list[Path], typer.Option(help="An operator's card, or the folder with it; once for each operator.")
    ],
    threshold: Annotated[int, typer.Option(help="How many operators together activate the token.")],
    out: Annotated[Path, typer.Option(help="The new file for the sealed PIN of the user.")],
    *,
    officer: Annotated[
        list[str] | None,
        typer.Option(
            help="An officer's token that is here: its folder, or its URI; once for each.", metavar="PLACE"
        ),
    ] = None,
    request: Annotated[
        Path | None, typer.Option(help="For officers elsewhere: the new file for the request to them.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set a new user PIN by the sealed PIN of the security officer, and seal it for operators.

    For a token whose user PIN is locked or lost. Neither PIN is seen by anybody, nor written to a file.
    """
    wiring: ModuleWiring = context.obj
    given = documents.read(SealedPin, read_file(sealed), f"The sealed PIN {sealed}")
    check_whose(given, of_officer=True)
    cards = [read_card(file) for file in operator]
    check_output(out)
    here = replace(wiring.token_uri(token), serial=given.serial, pin_source=None)
    about: dict[str, Any] = {
        "token": given.token,
        "serial": given.serial,
        "sealed": given.digest,
        "threshold": threshold,
    }
    with register_of(context) as (_, on_event):
        about |= {"operators": _fingerprints(cards)}
        kinds = ("module.pin-reset-ordered", "module.pin-reset")
        with pin_act(context, "key.reset-pin", about, on_event, kinds) as act:
            activation = Activation(given)
            opened_by = collected(activation, officer or (), request)
            check_active(context, opened_by)
            officer_pin, new = activation.pin(), new_pin()
            fresh = seal(
                new,
                token=given.token,
                serial=given.serial,
                operators=cards,
                threshold=threshold,
                sha1=_sha1(wiring),
            )
            facts: dict[str, Any] = {"sealed": fresh.digest, "operators": list(fresh.operators)}
            facts |= {"threshold": threshold, "opened_by": opened_by}
            act.order(here, facts)
            write_output(out, [documents.write(fresh)], mode=0o600)
            with _changing(act, out):
                set_user_pin(here, officer_pin, new, **_where(wiring))
            act.tell(here, facts)
    pin_file(wiring, token).unlink(missing_ok=True)
    text = (
        f"{' and '.join(opened_by)} opened; the new sealed PIN is {out}\n"
        f"{threshold} of {', '.join(fresh.operators)} activate the token."
    )
    typer.echo(json.dumps(facts | {"file": str(out)}) if as_json else text)


def _there(wiring: ModuleWiring, token: str) -> Pkcs11Uri:
    """Which token it is, by its serial number; it is opened for that, so its PIN must be there."""
    pin = read_pin(wiring.token_uri(token), base=wiring.base)  # wherever it lies: no service starts by this
    with wiring.open_module(token, pin=pin) as module:
        return module.token_uri


@contextmanager
def _changing(act: PinAct, out: Path | None = None) -> Iterator[None]:
    """The moment in which a PIN is changed; `out`, which opens nothing then, goes where it was not.

    After any other error than that the officer was not logged in the token may have either PIN.
    """
    act.changing = True
    try:
        yield
    except Unavailable as error:
        if error.code in NOT_LOGGED_IN:
            act.changing = False
            if out is not None:
                take_back(out)
        raise


def _officer_pin(file: Path) -> bytes:
    return read_pin(Pkcs11Uri(pin_source=f"file:{quote(str(file.absolute()))}"), base=None)


def _fingerprints(cards: list[Custodian]) -> dict[str, str]:
    return {one.name: one.fingerprint for one in cards}


def _sha1(wiring: ModuleWiring) -> bool:
    return wiring.config.provider.lab or wiring.config.module.oaep_sha1


def _where(wiring: ModuleWiring) -> dict[str, Any]:
    return {"settings": wiring.config.module, "base": wiring.base, "lab": wiring.config.provider.lab}
