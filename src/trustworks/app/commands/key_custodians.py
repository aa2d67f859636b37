"""`trustworks keys custodian`: a custodian's own token, and how the other commands come to it."""

from __future__ import annotations

import json
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import quote

import typer

from trustworks.app.commands.tokens import (  # noqa: TC001 - Typer reads them
    Lab,
    Library,
)
from trustworks.core.account import account_state
from trustworks.core.durable import put, put_new, read_at_most
from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.module import (
    Module,
    ModuleSettings,
    Pkcs11Uri,
    documents,
    find_library,
    initialise_token,
)
from trustworks.core.module.custodians import Custodian, make_custodian
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.output import check_output, write_output

if TYPE_CHECKING:
    from collections.abc import Iterator

app = typer.Typer(no_args_is_help=True, help="Custodians: their tokens and cards.")

CARD: Final = "custodian.json"
_PIN: Final = "user.pin"
_SO_PIN: Final = "so.pin"
_TOKEN: Final = "custodian"  # noqa: S105 - a token's label

CustodianPlaces = Annotated[
    list[str],
    typer.Option(
        "--custodian",
        help="A custodian's token: its folder, or its PKCS#11 URI; once for each who is here.",
        metavar="PLACE",
    ),
]


@app.command("make")
def make(
    name: Annotated[str, typer.Argument(help="The custodian's name, in lower case, such as anna.")],
    folder: Annotated[
        Path | None,
        typer.Option(help="A new folder, on the custodian's own medium, for a token of SoftHSM2."),
    ] = None,
    *,
    uri: Annotated[
        str | None, typer.Option(help="The custodian's own token, such as a smart card.", metavar="URI")
    ] = None,
    library: Library = None,
    card: Annotated[Path | None, typer.Option(help="With --uri: the new file for the card.")] = None,
    bits: Annotated[int, typer.Option(help="The length of the RSA keys, 3072 or more.")] = 4096,
    lab: Lab = False,
    as_json: AsJson = False,
) -> None:
    """Make the keys of a custodian on a token of their own, and the card that names them.

    The card is public: backups are made for it. Compare its fingerprint with what the custodian reads out.
    """
    if folder is not None and uri is None and card is None:
        _new_folder(folder)
        place, file = str(folder), folder / CARD
    elif uri is not None and card is not None and folder is None:
        place, file = uri, card
        check_output(card)
    else:
        raise Malformed("Say where the token is: --folder for a new one of SoftHSM2, or --uri with --card.")
    with custodian_token(place, library=library, lab=lab) as module:
        made = make_custodian(module, name, bits=bits)
    write_output(file, [documents.write(made)])
    facts = {"name": name, "card": str(file), "fingerprint": made.fingerprint}
    text = f"The card of {name} is {file}\nfingerprint {made.fingerprint}"
    typer.echo(json.dumps(facts) if as_json else text)


@app.command("show")
def show(
    card: Annotated[Path, typer.Argument(help="The card's file, or the folder with it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show a card: whose it is, and its fingerprint."""
    found = read_card(card)
    facts = {
        "name": found.name,
        "fingerprint": found.fingerprint,
        "token": found.token,
        "serial": found.serial,
        "oaep": [one.value for one in found.oaep],
    }
    text = f"{found.name}: token {found.token} ({found.serial}), fingerprint {found.fingerprint}"
    typer.echo(json.dumps(facts) if as_json else text)


def read_file(file: Path) -> bytes:
    """A document's octets. Raises `Malformed` where it cannot be read."""
    try:
        return read_at_most(file, documents.LARGEST)
    except OSError as error:
        raise Malformed(f"{file} cannot be read: {error.strerror}. Name the right file.") from None


def read_card(file: Path) -> Custodian:
    """A custodian's card; a folder stands for the card in it. Raises `Malformed`."""
    found = file / CARD if file.is_dir() else file
    return documents.read(Custodian, read_file(found), f"The card {found}")


def _new_folder(folder: Path) -> None:
    """A token of SoftHSM2 in a folder of its own, with random PINs in files that the owner alone reads."""
    pins = {name: secrets.token_urlsafe(18) for name in (_PIN, _SO_PIN)}
    try:
        folder.mkdir(mode=0o700)
        (folder / "tokens").mkdir(mode=0o700)
        for name, pin in pins.items():
            put_new(folder / name, (f"{pin}\n".encode(),), mode=0o600)
    except FileExistsError:
        raise Rejected("keys.custodian-exists", f"{folder} exists already; name a new folder.") from None
    except OSError as error:
        raise Unavailable(
            "output.unwritable", f"{folder} cannot be made: {error.strerror}. Check the place."
        ) from None
    initialise_token(label=_TOKEN, so_pin=pins[_SO_PIN], user_pin=pins[_PIN], settings=_settings(folder))


def _settings(folder: Path, library: Path | None = None) -> ModuleSettings:
    """How the token in a folder is reached; the folder may be mounted elsewhere each time.

    SoftHSM2 2.6.1 knows RSA-OAEP with SHA-1 alone. That is declared by whoever makes a backup for it, and by
    the target; a custodian with such a token has no choice any more.
    """
    file = folder.absolute() / "softhsm2.conf"
    wanted = f"directories.tokendir = {folder.absolute() / 'tokens'}\nlog.level = ERROR\n"
    if not file.is_file() or file.read_text(encoding="utf-8") != wanted:
        put(file, wanted)
    values = {"softhsm2-conf": file, "library": library or find_library(), "oaep-sha1": True}
    return ModuleSettings.model_validate(values)


@contextmanager
def custodian_token(place: str, *, library: Path | None = None, lab: bool = False) -> Iterator[Module]:
    """A custodian's token, by its folder or its URI, open read_write."""
    if place.lower().startswith("pkcs11:"):
        settings = ModuleSettings.model_validate({"library": library, "oaep-sha1": True, "lab": lab})
        with Module.open(
            Pkcs11Uri.parse(place), settings=settings, read_write=True, state=account_state()
        ) as module:
            yield module
        return
    folder = Path(place)
    if not (folder / _PIN).is_file():
        raise Unavailable(
            "module.token-absent", f"{folder} holds no custodian's token. Connect it, or name its folder."
        )
    uri = Pkcs11Uri(token=_TOKEN, pin_source=f"file:{quote(str((folder / _PIN).absolute()))}")
    with Module.open(uri, settings=_settings(folder, library), read_write=True) as module:
        yield module
