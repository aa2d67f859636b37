"""The order in which a laboratory comes up: addresses, folder, lock, what is missing, services."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast, get_args

from pydantic import TypeAdapter, ValidationError
from rich.console import Console

from trustworks.app.configuration.config import parse, read_text
from trustworks.app.configuration.objections import objection
from trustworks.app.configuration.settings import Address, Origin
from trustworks.app.lab import configuration, show
from trustworks.app.lab import layout as places
from trustworks.app.lab.configuration import Clock
from trustworks.app.lab.layout import Layout
from trustworks.app.processes import serving
from trustworks.app.processes.addresses import reserved
from trustworks.app.processes.supervisor import only_one
from trustworks.app.wiring import TOKENS, Wiring
from trustworks.core.durable import put
from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.store.sqlite import check_path
from trustworks.core.time import LabClock

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.app.configuration.config import Loaded
    from trustworks.core.store import Database

FIRST_LISTEN: Address = "127.0.0.1:8080"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line asks for, checked; None: as before, or what a laboratory begins with."""

    listen: Address | None
    tls_listen: Address | None
    clock: Clock | None
    public_url: str | None


def run(
    folder: Path,
    *,
    listen: str | None,
    tls_listen: str | None,
    clock: str | None,
    public_url: str | None = None,
    setup_only: bool = False,
) -> None:
    """Make what is missing and serve.

    Nothing is changed before it is sure that the configuration is good, that the addresses are free and that
    no other process uses the folder. Raises `Malformed` for options and configuration, `Unavailable`
    (serve.*) for addresses and folder in use, (lab.folder) for what the system does not allow.
    """
    started = time.perf_counter()
    console = Console(highlight=False)
    if clock is not None and clock not in get_args(Clock):
        raise Malformed(f"--clock is {' or '.join(get_args(Clock))}, not {clock!r}.")
    asked = Asked(
        listen=_checked(listen, "--listen", Address),
        tls_listen=_checked(tls_listen, "--tls-listen", Address),
        clock=cast("Clock | None", clock),
        public_url=_checked(public_url, "--public-url", Origin),
    )
    try:
        layout = Layout(folder.expanduser().absolute())
    except RuntimeError:
        raise Malformed(
            f"--dir: there is no home of that name, {folder}; write the folder in full."
        ) from None
    with ExitStack() as held:
        try:
            lock, wiring = _prepare(layout, asked, held, console, setup_only=setup_only)
        except OSError as error:
            raise Unavailable(
                "lab.folder",
                f"{layout.folder} cannot be set up: {error}. Mend that, or name another folder with --dir.",
            ) from error
        console.print(f"Set up in {time.perf_counter() - started:.1f} s.")
        if setup_only:
            return
        serving.run(wiring, lock=lock, on_ready=lambda: show.serving(layout, wiring.config, console))


def _checked(value: str | None, option: str, kind: Any) -> str | None:
    """The value of an option, which is written as the setting of that `kind`. Raises `Malformed`."""
    if value is None:
        return None
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise Malformed(f"{option}: {objection(error.errors()[0])}, not {value!r}.") from None
    return value


def _prepare(
    layout: Layout, asked: Asked, held: ExitStack, console: Console, *, setup_only: bool
) -> tuple[int, Wiring]:
    """Set up what is to be served, and `held` holds what it needs: the lock of the folder, the addresses."""
    places.check_folder(layout)
    lock = held.enter_context(only_one(layout.lock)) if layout.lock.exists() else None
    text, token = _text(layout, asked)
    config = _would_be(layout, text).config
    if config.store.sqlite_file is not None:
        check_path(config.store.sqlite_file)
    http = config.http
    for address in (http.listen, http.tls_listen):
        if address is not None and not setup_only:
            held.enter_context(reserved(address))
    places.make_folders(layout)
    if lock is None:
        lock = held.enter_context(only_one(layout.lock))
        text, token = _text(layout, asked)  # another process may have set it up meanwhile
    return lock, _make(layout, text, token, console)


def _text(layout: Layout, asked: Asked) -> tuple[str, str]:
    """The text of the configuration that is to hold, and the token of the laboratory's client."""
    kept = places.kept_token(layout)
    token = kept or places.new_token()
    if not layout.config.exists():
        listen = asked.listen or FIRST_LISTEN
        tls_listen = asked.tls_listen or configuration.tls_beside(listen)
        clock = asked.clock or "lab"
        return configuration.config_text(listen, tls_listen, clock, asked.public_url, token=token), token
    text = configuration.moved(
        read_text(layout.config),
        listen=asked.listen,
        tls_listen=asked.tls_listen,
        public_url=asked.public_url,
    )
    text = text if asked.clock is None else configuration.with_clock(text, asked.clock)
    return text if kept else configuration.with_token(text, token), token


def _would_be(layout: Layout, text: str) -> Loaded:
    """The configuration that `text` is, checked before it takes the place of one that is good."""
    unchanged = layout.config.exists() and read_text(layout.config) == text
    return parse(text, layout.config, named=None if unchanged else f"With these options {layout.config}")


def _make(layout: Layout, text: str, token: str, console: Console) -> Wiring:
    """Write the configuration, and make what is missing; `token`: of the client that it names."""
    _remove_leftovers(layout.folder)
    if places.use_own_tokens(layout):
        console.print(
            f"{show.shown(layout.softhsm2)} named other tokens than this laboratory's, as in a folder that "
            "was copied or moved; it names its own now.",
            markup=False,
            soft_wrap=True,
        )
    if not layout.config.exists() or read_text(layout.config) != text:
        put(layout.config, text)
    _keep_token(layout, text, token, console)
    wiring = Wiring.lazy(layout.config)
    if wiring.config.time.mode == "enforce" and not wiring.config.time.traceable_to:
        console.print(
            "The checked clock gives no time before [time] traceable-to says which UTC(k) laboratories your "
            f"time sources trace to: its line in {show.shown(layout.config)} waits for their names.",
            markup=False,
            soft_wrap=True,
        )
    _pins(layout, wiring)
    if layout.complete.is_file():
        from trustworks.app.lab.complete import is_complete  # noqa: PLC0415 - after the cheap question

        with wiring.open_database(check=False) as database:
            database.upgrade()  # after a new version was installed; does nothing otherwise
            if is_complete(layout, wiring, database):
                _state(wiring, database)
                console.print(f"The laboratory in {show.shown(layout.folder)} is complete.", markup=False)
                return wiring
    from trustworks.app.lab.steps import Setup  # noqa: PLC0415 - a complete laboratory does without

    console.print(f"Setting up a laboratory in {show.shown(layout.folder)}:", markup=False)
    if wiring.config.time.mode == "enforce":
        console.print("The set-up itself dates with this machine's clock, which nobody checks.")
    setup = Setup(layout)
    try:
        show.work(setup.steps(), console)
        wiring = Wiring.lazy(layout.config)  # read anew: the set-up may have named another unit
        with wiring.open_database() as database:
            _state(wiring, database)
    finally:
        setup.close()
    for note in setup.notes:
        console.print(note, markup=False, soft_wrap=True)
    return wiring


def _keep_token(layout: Layout, text: str, token: str, console: Console) -> None:
    """Keep a new token of the client, once the configuration has its digest."""
    if places.kept_token(layout) or not configuration.is_clients(text, token):
        return
    put(layout.client_token, f"{token}\n", mode=0o600)
    if layout.complete.exists():
        console.print(
            f"The token of the client {configuration.CLIENT} was gone; {show.shown(layout.client_token)} has "
            "another, and the one from before is good for nothing.",
            markup=False,
            soft_wrap=True,
        )


def _state(wiring: Wiring, database: Database) -> None:
    """Publish the statements that say something else than before, or were never published."""
    from trustworks.app.statements import service  # noqa: PLC0415 - after what may go wrong before

    with database.read() as connection:
        if not service.differences(wiring.config, connection):
            return
    with wiring.open_recorder("lab", database=database) as recorder:
        service.publish(wiring.config, database=database, recorder=recorder, clock=LabClock(), by="lab")


def _pins(layout: Layout, wiring: Wiring) -> None:
    """Draw the PINs of tokens to be made. Raises `Unavailable` where the PIN of one that is there is lost.

    A new one would not open it, and each try with a wrong one brings the token nearer to locking itself.
    """
    if all(file(name).exists() for name in TOKENS for file in (layout.pin, layout.so_pin)):
        return
    from trustworks.core.module import token_labels  # noqa: PLC0415 - loads the binding
    from trustworks.core.module.pin import read_pin  # noqa: PLC0415

    labels = token_labels(settings=wiring.config.module, base=wiring.base)
    present = {name for name in TOKENS if (wiring.token_uri(name).token or name) in labels}
    for name in present:
        read_pin(wiring.token_uri(name), base=wiring.base)
    places.make_pins(layout, present)


def _remove_leftovers(folder: Path) -> None:
    """Remove files that an interrupted run did not come to rename to their places."""
    for here in (folder, *(folder / name for name in ("secrets", "certs", "trust", "state"))):
        for entry in here.glob(".*"):
            if re.fullmatch(places.LEFTOVER, entry.name) and entry.is_file():
                entry.unlink()
