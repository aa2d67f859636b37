"""`trustworks module init-token`: a new token, and the files with its PINs."""

from __future__ import annotations

import json
import secrets
from contextlib import contextmanager, nullcontext
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from trustworks.app.commands.tokens import ModuleWiring, held, log_of
from trustworks.core.durable import put_new
from trustworks.core.errors import Malformed, Rejected, TrustworksError, Unavailable
from trustworks.core.module import Module, Pkcs11Uri, initialise_token, token_labels
from trustworks.core.module.events import add_probe_key, order_token, record_token
from trustworks.core.module.officer import note_file
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import performs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager


@performs(Act.RUN_CEREMONY, alone=True)
def init_token(
    context: typer.Context,
    label: Annotated[str, typer.Option("--label", "-l", help="The new token's label.")],
    pin_file: Annotated[Path, typer.Option(help="A new file (mode 0600) for the user's PIN.")],
    so_pin_file: Annotated[Path, typer.Option(help="A new file for the security officer's PIN.")],
    library: Annotated[
        Path | None, typer.Option(help="The PKCS#11 library. Default: [module] library, else SoftHSM2.")
    ] = None,
    *,
    probe_key: Annotated[
        bool, typer.Option("--probe-key/--no-probe-key", help="Make the key that `health` signs with.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Make a new token with random PINs on a free slot; one that exists already is never touched.

    Who makes it has both PINs, so others approve it (key.init-token); in a ceremony nobody has them.
    Seal the security officer's PIN or throw it away afterwards (`keys so-pin`): no service needs it.
    """
    _check_named(pin_file)
    where: dict[str, Any] = {"library": library} if library else _configured(context)
    with log_of(context, alone=True) as (on_event, _):
        with (
            _approved(context, label, pin_file, so_pin_file, where),
            _new_pins(pin_file, so_pin_file) as (user_pin, so_pin),
        ):
            order_token(on_event, label)
            initialise_token(label=label, user_pin=user_pin, so_pin=so_pin, **where)
        _note(context, label, so_pin_file)
        record_token(on_event, label)
        if probe_key:
            here = Pkcs11Uri(token=label, pin_source=f"file:{quote(str(pin_file.absolute()))}")
            with Module.open(here, read_write=True, **where) as module:
                add_probe_key(on_event, module)
    named = Pkcs11Uri(token=label, pin_source=f"file:{quote(str(pin_file))}")
    if as_json:
        facts = {"uri": str(named), "pin_file": str(pin_file), "so_pin_file": str(so_pin_file)}
        typer.echo(json.dumps(facts))
    else:
        typer.echo(
            f"{named}\nPut that line under [tokens]. Seal the PIN in {so_pin_file} or throw it away "
            "(trustworks keys so-pin), or take the file off this machine."
        )


def _approved(
    context: typer.Context, label: str, pin_file: Path, so_pin_file: Path, where: dict[str, Any]
) -> AbstractContextManager[object]:
    """The approvals without which nobody makes a token of a provider: who does has both of its PINs.

    Without a configuration there is no provider, and nobody to approve.
    """
    if context.obj is None:
        return nullcontext()
    about = {"label": label, "pin_file": str(pin_file.absolute()), "so_pin_file": str(so_pin_file.absolute())}
    return held(context, "key.init-token", about, done=lambda _: label in token_labels(**where))


def _check_named(pin_file: Path) -> None:
    """Refuse a PIN file that no URI could name, before there is a token. Raises `Malformed`."""
    name = str(pin_file.absolute())
    try:
        quote(name)
    except UnicodeEncodeError:
        raise Malformed(
            f"--pin-file: {name!a} is no UTF-8, and the token's URI could not name it. Name another file."
        ) from None


def _configured(context: typer.Context) -> dict[str, Any]:
    """The library of the configuration, where there is a configuration."""
    wiring: ModuleWiring | None = context.obj
    if wiring is None:
        return {}
    try:
        return {"settings": wiring.config.module, "base": wiring.base}
    except Malformed:
        if wiring.given is not None:
            raise
        return {}


def _note(context: typer.Context, label: str, so_pin_file: Path) -> None:
    """Keep where the security officer's PIN lies, where there is a configuration: `health` looks there."""
    if _configured(context):
        wiring: ModuleWiring = context.obj
        note_file(wiring.state_dir, label, so_pin_file)


@contextmanager
def _new_pins(*files: Path) -> Iterator[list[str]]:
    """A random PIN in each of the files, which must not exist; only their owner can read them.

    They go again where an error says that no token was begun. Whatever else ends the block leaves them: a
    token may have the PINs, and without them nobody comes to it again.
    """
    made: list[Path] = []
    pins = [secrets.token_urlsafe(18) for _ in files]
    try:
        for file, pin in zip(files, pins, strict=True):
            _write_pin(file, pin)
            made.append(file)
        yield pins
    except TrustworksError as error:
        if isinstance(error, Unavailable) and error.code == "module.token-half-made":
            raise Unavailable(error.code, f"{error} They are in {' and '.join(map(str, made))}.") from error
        for file in made:
            file.unlink(missing_ok=True)
        raise


def _write_pin(file: Path, pin: str) -> None:
    try:
        put_new(file, (f"{pin}\n".encode(),), mode=0o600)
    except FileExistsError:
        raise Rejected(
            "module.pin-file", f"{file} exists already; a PIN is never written over another. Name a new file."
        ) from None
    except OSError as error:
        raise Unavailable(
            "module.pin-file", f"The PIN file {file} cannot be written: {error.strerror}. Check the folder."
        ) from None
