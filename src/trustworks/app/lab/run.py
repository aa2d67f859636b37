"""The order in which a laboratory comes up: addresses, folder, lock, what is missing, services."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, cast, get_args

from pydantic import TypeAdapter, ValidationError
from rich.console import Console

from trustworks.app.configuration.settings import Address
from trustworks.app.lab import layout as places
from trustworks.app.lab import show
from trustworks.app.lab.layout import Clock, Layout
from trustworks.app.processes import serving
from trustworks.app.processes.addresses import reserved
from trustworks.app.processes.supervisor import only_one
from trustworks.app.wiring import TOKENS, Wiring
from trustworks.core.durable import put
from trustworks.core.errors import Malformed, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

FIRST_LISTEN: Address = "127.0.0.1:8080"


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

    Nothing is changed before it is sure that the addresses are free and that no other process uses the
    folder. Raises `Malformed` for the options, `Unavailable` (serve.*) for addresses and folder in use.
    """
    started = time.perf_counter()
    console = Console(highlight=False)
    layout = Layout(folder.absolute())
    _check(listen, "--listen")
    _check(tls_listen, "--tls-listen")
    if public_url is not None and not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+", public_url):
        raise Malformed(f"--public-url: write http://HOST or http://HOST:PORT, not {public_url!r}.")
    if clock is not None and clock not in get_args(Clock):
        raise Malformed(f"--clock is {' or '.join(get_args(Clock))}, not {clock!r}.")
    places.check_folder(layout)
    with ExitStack() as held:
        known = layout.lock.exists()
        lock = held.enter_context(only_one(layout.lock)) if known else None
        text = _config(layout, listen, tls_listen, clock, public_url)
        for address in _addresses(text):
            if not setup_only:
                held.enter_context(reserved(address))
        try:
            places.make_folders(layout)
            lock = held.enter_context(only_one(layout.lock)) if lock is None else lock
            wiring = _make(layout, text, console)
        except OSError as error:
            raise Unavailable("lab.folder", f"{layout.folder} cannot be set up: {error}.") from error
        console.print(f"Set up in {time.perf_counter() - started:.1f} s.")
        if setup_only:
            return
        serving.run(wiring, lock=lock, on_ready=lambda: show.serving(layout, wiring.config.http, console))


def _check(address: str | None, option: str) -> None:
    if address is None:
        return
    try:
        TypeAdapter(Address).validate_python(address)
    except ValidationError as error:
        raise Malformed(f"{option}: {error.errors()[0]['msg'].removeprefix('Value error, ')}.") from None


def _config(
    layout: Layout, listen: str | None, tls_listen: str | None, clock: str | None, public_url: str | None
) -> str:
    """The text of the configuration that is to hold."""
    if not layout.config.exists():
        first = listen or FIRST_LISTEN
        chosen = cast("Clock", clock or "lab")
        return places.config_text(first, tls_listen or places.tls_beside(first), chosen, public_url)
    text = layout.config.read_text(encoding="utf-8")
    if listen is not None or tls_listen is not None or public_url is not None:
        found = _addresses(text)
        plain = listen or found[0]
        secure = tls_listen or (places.tls_beside(plain) if listen else found[-1])
        text = places.moved(text, plain, secure, public_url)
    if clock is not None:
        text = places.with_clock(text, cast("Clock", clock))
    return text


def _addresses(text: str) -> list[Address]:
    """Where the configuration `text` lets the services listen."""
    found = [re.search(rf'(?m)^{key} = "([^"\n]*)"$', text) for key in ("listen", "tls-listen")]
    return [match[1] for match in found if match is not None]


def _make(layout: Layout, text: str, console: Console) -> Wiring:
    """Write the configuration, and make what is missing."""
    _remove_leftovers(layout.folder)
    if not layout.softhsm2.exists():
        put(layout.softhsm2, places.softhsm2_text(layout.tokens))
    if not layout.config.exists() or layout.config.read_text(encoding="utf-8") != text:
        put(layout.config, text)
    wiring = Wiring.lazy(layout.config)
    _ = wiring.config  # a configuration that was changed by hand is complained about before anything is made
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
                console.print(f"The laboratory in {show.shown(layout.folder)} is complete.")
                return wiring
    from trustworks.app.lab.steps import Setup  # noqa: PLC0415 - a complete laboratory does without

    console.print(f"Setting up a laboratory in {show.shown(layout.folder)}:")
    if wiring.config.time.mode == "enforce":
        console.print("The set-up itself dates with this machine's clock, which nobody checks.")
    setup = Setup(layout)
    try:
        show.work(setup.steps(), console)
    finally:
        setup.close()
    for note in setup.notes:
        console.print(note, markup=False, soft_wrap=True)
    return Wiring.lazy(layout.config)  # read anew: the set-up may have named another unit


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
