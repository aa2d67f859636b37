"""`trustworks keys so-pin`: the security officer's PIN of a token, which no one person and no file keeps."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from trustworks.app.commands.key_activation import SealedFile, collected, pin_file
from trustworks.app.commands.key_backups import TokenName  # noqa: TC001 - Typer reads it
from trustworks.app.commands.key_custodians import read_card, read_file
from trustworks.app.commands.key_custody import check_active, register_of
from trustworks.app.commands.tokens import ModuleWiring, held
from trustworks.core.errors import Rejected
from trustworks.core.module import Pkcs11Uri, documents
from trustworks.core.module.activation import Activation, SealedPin, check_whose, new_pin, seal
from trustworks.core.module.officer import change_officer_pin, set_user_pin
from trustworks.core.module.pin import read_pin
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.output import check_output, write_output
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import performs

if TYPE_CHECKING:
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
        about = {"token": here.token, "serial": here.serial, "threshold": threshold}
        changing = False
        # Who gets so far that the token takes the file's PIN has a token whose PIN nobody has changed yet.
        with held(
            context,
            "key.seal-so-pin",
            about | {"officers": _fingerprints(cards)},
            done=lambda _: changing,
        ):
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
            on_event("module.so-pin-sealing-ordered", here, facts)
            # Before the token knows it: else nobody would.
            write_output(out, [documents.write(sealed)], mode=0o600)
            change_officer_pin(here, old, new, **_where(wiring))
            changing = True
            on_event("module.so-pin-sealed", here, facts)
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
        changing = False
        about = {"token": here.token, "serial": here.serial}
        with held(context, "key.discard-so-pin", about, done=lambda _: changing):
            typed = confirm or typer.prompt(
                f"Nobody will set a new PIN of {here.token} any more. Its label again", err=True
            )
            if typed != here.token:
                raise Rejected("keys.not-confirmed", "That is not the token's label; nothing was changed.")
            on_event("module.so-pin-discarding-ordered", here, {})
            change_officer_pin(here, old, new_pin(), **_where(wiring))
            changing = True
            on_event("module.so-pin-discarded", here, {})
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
    about = {"token": given.token, "serial": given.serial, "sealed": given.digest, "threshold": threshold}
    with register_of(context) as (_, on_event):
        changing = False
        asked = about | {"operators": _fingerprints(cards)}
        with held(context, "key.reset-pin", asked, done=lambda _: changing):
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
            on_event("module.pin-reset-ordered", here, facts)
            write_output(out, [documents.write(fresh)], mode=0o600)
            set_user_pin(here, officer_pin, new, **_where(wiring))
            changing = True
            on_event("module.pin-reset", here, facts)
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


def _officer_pin(file: Path) -> bytes:
    return read_pin(Pkcs11Uri(pin_source=f"file:{quote(str(file.absolute()))}"), base=None)


def _fingerprints(cards: list[Custodian]) -> dict[str, str]:
    return {one.name: one.fingerprint for one in cards}


def _sha1(wiring: ModuleWiring) -> bool:
    return wiring.config.provider.lab or wiring.config.module.oaep_sha1


def _where(wiring: ModuleWiring) -> dict[str, Any]:
    return {"settings": wiring.config.module, "base": wiring.base, "lab": wiring.config.provider.lab}
