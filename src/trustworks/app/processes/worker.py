"""One worker process: `python -m trustworks.app.processes.worker --config FILE --name NAME --listener KIND`.

Started by the supervisor. Runs one granian server in this process' own event loop; all workers of a listener
listen on the same address (SO_REUSEPORT), and the kernel spreads the connections.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from trustworks.app import logs
from trustworks.app.health import metrics
from trustworks.app.processes.supervisor import BEAT_EVERY, beat, tell_ready, when_orphaned
from trustworks.app.web.client_identity import ClientIdentity, read_secret
from trustworks.app.wiring import Wiring
from trustworks.core.errors import TrustworksError

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    from trustworks.app.web.http import Shell
    from trustworks.app.web.services import Services

log = structlog.get_logger(__name__)

LISTENERS = ("http", "tls", "proxy")
DRAIN = 6.0  # seconds for answers in flight at the stop; the supervisor's patience is a little longer
TRY_AGAIN = 3.0  # seconds between two attempts to open what was absent
FIRST_GENERATION = 20_000  # new objects that outlive others, before the collector looks among them


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until the supervisor says stop."""
    threading.current_thread().name = "main"
    parser = argparse.ArgumentParser(
        prog="python -m trustworks.app.processes.worker", description="A worker process."
    )
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--listener", choices=LISTENERS, required=True)
    given = parser.parse_args(arguments)
    wiring = Wiring.lazy(given.config)
    wiring.watching = True
    logs.configure(wiring.config.log, process=given.name)
    metrics.prepare(wiring.run_dir / "metrics")
    try:
        _run(wiring, given.name, given.listener)
    except TrustworksError as error:
        log.error("worker.refused", reason=str(error))  # noqa: TRY400 - the sentence says it all
        sys.exit(1)


def _run(wiring: Wiring, name: str, listener: str) -> None:
    import uvloop  # noqa: PLC0415 - after the arguments were found right

    from trustworks.app.web.error_pages import ErrorPages  # noqa: PLC0415 - as above
    from trustworks.app.web.http import Shell  # noqa: PLC0415
    from trustworks.app.web.services import Services  # noqa: PLC0415

    traffic = metrics.Traffic()
    services = Services(wiring, name, traffic=traffic, listener=listener)
    identity = _identity(wiring, listener)
    services.attempt()
    inside = listener in wiring.config.http.pages
    pages = LaterPages(services, inside=inside)
    shell = Shell(
        services.routes(),
        pages=pages,
        traffic=traffic,
        identity=identity,
        body_timeout=wiring.config.http.body_timeout,
        errors=ErrorPages(banners=services.banners, version=services.version, inside=inside),
    )
    try:
        uvloop.run(_serve(wiring, listener, shell, services, pages))
    finally:
        services.close()
        log.info("worker.stopped")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads of the server that still hold a connection of a silent client do not delay the end


def _identity(wiring: Wiring, listener: str) -> ClientIdentity:
    proxy = wiring.config.http.proxy
    return ClientIdentity(
        header=proxy.certificate_header,
        secret_header=proxy.secret_header,
        secret=None if proxy.secret_source is None else read_secret(proxy.secret_source),
        unix_socket=listener == "proxy",
        address_header=proxy.address_header or "",
    )


async def _serve(wiring: Wiring, listener: str, shell: Shell, services: Services, pages: LaterPages) -> None:
    from trustworks.app.processes.server import server as server_of  # noqa: PLC0415 - as above

    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def orphaned() -> None:
        with suppress(RuntimeError):  # the loop is closed: we are stopping already
            loop.call_soon_threadsafe(stop.set)

    when_orphaned(orphaned)
    server: Any = server_of(wiring.config.http, listener, shell)
    listening = asyncio.Event()
    server.on_startup(listening.set)
    serving = asyncio.create_task(server.serve())
    opening = asyncio.create_task(_keep_opening(shell, services))
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait((serving, asyncio.create_task(listening.wait())), return_when=asyncio.FIRST_COMPLETED)
    if not serving.done():
        tell_ready()
    beating = asyncio.create_task(_keep_beating(services, stop))
    await pages.load()
    _leave_lasting_objects_alone()
    await asyncio.wait((serving, waiting), return_when=asyncio.FIRST_COMPLETED)
    opening.cancel()
    beating.cancel()
    if serving.done():
        await serving
        raise RuntimeError("The HTTP server ended by itself.")
    server.stop()
    done, _ = await asyncio.wait((serving,), timeout=DRAIN)
    if not done:
        log.warning("worker.drain-timeout", seconds=DRAIN)


def _leave_lasting_objects_alone() -> None:
    """Spare the collector what was made at the start: it would look through all of it now and then.

    A token makes some hundred objects that are gone when its answer leaves, by their reference counts alone;
    the first generation is larger than what a batch of them needs, so that the collector does not run for
    those either.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(FIRST_GENERATION, *gc.get_threshold()[1:])


async def _keep_beating(services: Services, stop: asyncio.Event) -> None:
    """Beat from the loop that answers, so that one that hangs is noticed.

    A worker whose audit log never writes again ends, so that the supervisor starts another.
    """
    while True:
        if services.log.is_open and services.log.get().recorder.died:
            log.error("worker.audit-writer-died")
            stop.set()
            return
        beat()
        await asyncio.sleep(BEAT_EVERY)


async def _keep_opening(shell: Shell, services: Services) -> None:
    """Open what was absent at the start as soon as it is there."""
    while not services.complete:
        await asyncio.sleep(TRY_AGAIN)
        if await asyncio.to_thread(services.attempt):
            shell.replace(services.routes())


class LaterPages:
    """The pages, whose libraries are loaded once the worker serves: protocols do not wait for them."""

    def __init__(self, services: Services, *, inside: bool) -> None:
        self._services = services
        self._inside = inside
        self._pages: Any = None
        self._loading = asyncio.Lock()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Answer one connection."""
        await self.load()
        await self._pages(scope, receive, send)

    async def load(self) -> None:
        """Load them, in a thread."""
        async with self._loading:
            if self._pages is None:
                self._pages = await asyncio.to_thread(self._make)

    def _make(self) -> Any:
        from trustworks.app.web.pages import pages  # noqa: PLC0415 - see above

        return pages(self._services, inside=self._inside)


if __name__ == "__main__":
    main()
