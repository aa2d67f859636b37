"""`trustworks keys seal`, `activate`, `deactivate`: PINs that several operators open together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from trustworks.app.commands.key_backups import TokenName  # noqa: TC001 - Typer reads it
from trustworks.app.commands.key_custodians import custodian_token, read_card, read_file
from trustworks.app.commands.key_custody import check_active, register_of
from trustworks.app.commands.pin_acts import pin_act
from trustworks.app.commands.tokens import ModuleWiring  # noqa: TC001 - an annotation in a command
from trustworks.core.audit.reading import MOST
from trustworks.core.audit.search import newest
from trustworks.core.durable import put
from trustworks.core.errors import Malformed, Rejected, TrustworksError, Unavailable
from trustworks.core.module import Pkcs11Uri, documents
from trustworks.core.module.activation import (
    Activation,
    ActivationRequest,
    PinOpening,
    SealedPin,
    check_attended,
    check_sealed,
    check_whose,
    in_memory,
    new_pin,
    open_pin,
    seal,
)
from trustworks.core.module.pin import pin_path, read_pin
from trustworks.core.module.tokens import change_pin, token_state
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.output import check_output, write_output
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import performs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustworks.core.audit.search import Stored

# What the log says where a token's PIN was sealed, or came out of a sealed file (as one of a ceremony).
_SEALED: Final = ("module.pin-sealed", "module.pin-reset", "module.activated")

SealedFile = Annotated[Path, typer.Argument(help="The sealed PIN.", metavar="SEALED")]


@performs(Act.ACTIVATE_KEY)
def seal_pin(
    context: typer.Context,
    token: TokenName,
    operator: Annotated[
        list[Path], typer.Option(help="An operator's card, or the folder with it; once for each operator.")
    ],
    threshold: Annotated[int, typer.Option(help="How many operators together activate the token.")],
    out: Annotated[Path, typer.Option(help="The new file for the sealed PIN.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Give a token a random PIN that nobody sees, sealed for operators; its PIN file is removed.

    Name a PIN file on a file system in memory under [tokens] afterwards, such as /run/trustworks/issuing.pin.
    """
    wiring: ModuleWiring = context.obj
    operators = [read_card(file) for file in operator]
    check_output(out)
    before = read_pin(wiring.token_uri(token), base=wiring.base)  # wherever it lies: it is on its way out
    with (
        register_of(context) as (_, on_event),
        wiring.open_module(token, read_write=True, pin=before) as module,
    ):
        pin, here = new_pin(), module.token_uri
        about: dict[str, Any] = {"token": here.token, "serial": here.serial, "threshold": threshold}
        about |= {"operators": {one.name: one.fingerprint for one in operators}}
        kinds = ("module.pin-sealing-ordered", "module.pin-sealed")
        with pin_act(context, "key.seal", about, on_event, kinds) as act:
            sealed = seal(
                pin,
                token=here.token or "",
                serial=here.serial or "",
                operators=operators,
                threshold=threshold,
                sha1=module.oaep_sha1,
            )
            facts = {"sealed": sealed.digest, "operators": list(sealed.operators), "threshold": threshold}
            act.order(here, facts)
            write_output(
                out, [documents.write(sealed)], mode=0o600
            )  # before the token knows it: else nobody would
            act.changing = True
            change_pin(module, pin)
            act.tell(here, facts)
    pin_file(wiring, token).unlink(missing_ok=True)
    left = [str(one) for one in wiring.officer_pins(token) if one.exists()]
    text = (
        f"The sealed PIN is {out}\n{threshold} of {', '.join(sealed.operators)} activate the token.\n"
        "Its PIN file is removed."
    ) + "".join(f"\nThe security officer's PIN still lies in {one}: trustworks keys so-pin" for one in left)
    typer.echo(json.dumps(facts | {"file": str(out), "officer_pins": left}) if as_json else text)


@performs(Act.ACTIVATE_KEY)
def activate(
    context: typer.Context,
    sealed: SealedFile,
    token: TokenName,
    operator: Annotated[
        list[str] | None,
        typer.Option(
            help="An operator's token that is here: its folder, or its URI; once for each.", metavar="PLACE"
        ),
    ] = None,
    *,
    request: Annotated[
        Path | None,
        typer.Option(help="For operators elsewhere: the new file for the request to them."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Collect what operators open, and put the PIN where services find it, until the machine stops.

    Services that wait for the token open it by themselves. One that does not open the token changes nothing.
    """
    wiring: ModuleWiring = context.obj
    given = documents.read(SealedPin, read_file(sealed), f"The sealed PIN {sealed}")
    file = pin_file(wiring, token)
    check_attended(
        memory=in_memory(file),
        unattended=wiring.config.module.unattended_start,
        lab=wiring.config.provider.lab,
        file=file,
    )
    check_whose(given, of_officer=False)
    _check_token(wiring, token, given)
    activation = Activation(given)
    opened_by = collected(activation, operator or (), request)
    check_active(context, opened_by)
    pin = activation.pin()
    with register_of(context) as (_, on_event):
        # By the token's own PIN alone: a wrong one that is tried brings a token nearer to being locked.
        with wiring.open_module(token, pin=pin) as module:
            uri = module.token_uri
        left = _put_pin(file, pin + b"\n")
        try:
            on_event("module.activated", uri, {"sealed": given.digest, "operators": opened_by})
        except TrustworksError:
            _put_pin(file, left)
            raise
    facts = {"token": token, "opened_by": opened_by, "pin_file": str(file)}
    text = f"{token} is activated by {' and '.join(opened_by)}; services open it within seconds."
    typer.echo(json.dumps(facts) if as_json else text)


def collected(activation: Activation, here: Iterable[str], request: Path | None) -> list[str]:
    """Let operators open a sealed PIN, those `here` and those who get the `request`; answers who did."""
    opened_by = []
    for place in here:
        with custodian_token(place) as module:
            opening = open_pin(
                module, activation.sealed, activation.request, fingerprint=activation.request.fingerprint
            )
        activation.add(opening)
        opened_by.append(opening.name)
    if activation.missing and request is not None:
        write_output(request, [documents.write(activation.request)])
        typer.echo(f"The request is {request}\nfingerprint {activation.request.fingerprint}", err=True)
        while activation.missing:
            answer = Path(typer.prompt("The file that an operator opened", err=True))
            opening = documents.read(PinOpening, read_file(answer), f"The opening {answer}")
            activation.add(opening)
            opened_by.append(opening.name)
    return opened_by


def open_for_activation(
    request: Annotated[Path, typer.Argument(help="The request of the process.", metavar="REQUEST")],
    sealed: SealedFile,
    operator: Annotated[
        str, typer.Option(help="Your token: its folder, or its PKCS#11 URI.", metavar="PLACE")
    ],
    fingerprint: Annotated[str, typer.Option(help="What the process shows, read from there.")],
    out: Annotated[Path, typer.Option(help="The new file for what you opened.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Operators elsewhere: open your part of a sealed PIN for the process that asks."""
    check_output(out)
    asked = documents.read(ActivationRequest, read_file(request), f"The request {request}")
    given = documents.read(SealedPin, read_file(sealed), f"The sealed PIN {sealed}")
    with custodian_token(operator) as module:
        opening = open_pin(module, given, asked, fingerprint=fingerprint)
    write_output(out, [documents.write(opening)], mode=0o600)
    whose = "security officer's" if given.of_officer else "user's"
    facts = {"opening": str(out), "operator": opening.name, "of_officer": given.of_officer}
    text = f"{opening.name} opened the {whose} PIN of {given.token}; {out} goes to the process."
    typer.echo(json.dumps(facts) if as_json else text)


@performs(Act.ACTIVATE_KEY)
def deactivate(
    context: typer.Context,
    token: TokenName,
    *,
    sealed: Annotated[
        Path | None,
        typer.Option(help="The sealed PIN, where the audit log does not know of one.", metavar="SEALED"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Remove a token's PIN, where it is sealed; the next start of a service needs operators again.

    Services that run keep their sessions: stop them, too.
    """
    wiring: ModuleWiring = context.obj
    file = pin_file(wiring, token)
    with register_of(context) as (_, on_event):
        there = file.exists()
        if there:
            _check_comes_back(wiring, token, sealed)
        file.unlink(missing_ok=True)
        on_event("module.deactivated", wiring.token_uri(token), {"was_active": there})
    facts = {"token": token, "pin_file": str(file), "was_active": there}
    typer.echo(
        json.dumps(facts) if as_json else f"{token}: its PIN is removed. Stop the services that use it."
    )


def pin_file(wiring: ModuleWiring, token: str) -> Path:
    """The file that the configuration names for a token's PIN. Raises `Malformed`."""
    uri: Pkcs11Uri = wiring.token_uri(token)
    if uri.pin_source is None:
        raise Malformed(f"[tokens] {token} names no PIN file; add ?pin-source=file:PATH.")
    return pin_path(uri.pin_source, wiring.base)


def _token_serial(wiring: ModuleWiring, token: str) -> str:
    """The serial number of the token that is there, which it tells anybody."""
    return token_state(wiring.token_uri(token), settings=wiring.config.module, base=wiring.base).serial


def _check_token(wiring: ModuleWiring, token: str, sealed: SealedPin) -> None:
    """Refuse the sealed PIN of another token, before anything is tried with it. Raises `Rejected`."""
    serial = _token_serial(wiring, token)
    if serial != sealed.serial:
        raise Rejected(
            "keys.other-request",
            f"The sealed PIN is of the token {sealed.token} with the serial number {sealed.serial}, and "
            f"{token} is the one with {serial}. Take its own file.",
        )


def _check_comes_back(wiring: ModuleWiring, token: str, file: Path | None) -> None:
    """Refuse to remove the PIN of a token of which no sealed PIN is known: it may be the only one.

    Known is one that the log says was sealed, or opened, for the token's serial number, and one that is shown
    in a `file`. Raises `Refused` (TRUSTWORKS:KEYS-ONLY-PIN-KEPT; also for the
    officer's PIN) and `Rejected` (keys.other-request).
    """
    if file is not None:
        given = documents.read(SealedPin, read_file(file), f"The sealed PIN {file}")
        check_whose(given, of_officer=False)
        _check_token(wiring, token, given)
        return
    serial = _token_serial(wiring, token)
    with wiring.open_database() as database, database.read() as connection:
        known = any(
            one.type == kind and _serial_in(one) == serial
            for kind in _SEALED
            for one in newest(connection, type_prefix=kind, limit=MOST)
        )
    check_sealed(token, serial, known=known)


def _serial_in(event: Stored) -> str | None:
    """The serial number of the token that an event is about."""
    return Pkcs11Uri.parse(str(event.value["subject"].get("token", "pkcs11:"))).serial


def _put_pin(file: Path, pin: bytes | None) -> bytes | None:
    """Write the PIN file, or remove it for None; answers what was in it before, None for no file."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = file.read_bytes() if file.exists() else None
        if pin is None:
            file.unlink(missing_ok=True)
        else:
            put(file, pin, mode=0o600)
    except OSError as error:
        raise Unavailable(
            "module.pin-file", f"The PIN file {file} cannot be written: {error.strerror}. Check the folder."
        ) from None
    return before
