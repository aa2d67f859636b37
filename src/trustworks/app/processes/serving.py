"""What `trustworks serve` runs: which processes, for which listeners, and what must hold before."""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
from functools import partial
from typing import TYPE_CHECKING

from trustworks.app import logs
from trustworks.app.configuration.settings import split_address
from trustworks.app.health import metrics
from trustworks.app.health import supervised as told
from trustworks.app.processes import listeners
from trustworks.app.processes.supervisor import SILENCE, ProcessSpec, Supervisor, only_one
from trustworks.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trustworks.app.configuration.settings import Address
    from trustworks.app.wiring import Wiring


def serve(wiring: Wiring) -> None:
    """Serve until a signal comes.

    Raises `Malformed` (configuration), `Unavailable` (serve.running, serve.address, serve.tls) and `Refused`
    (what no other try would change) before anything is started. What the services need beside that, they look
    for themselves; `/healthz` says what is missing.
    """
    http = wiring.config.http
    if wiring.config.timestamping is not None:
        from trustworks.timestamping.service import check_authority  # noqa: PLC0415 - where it is configured

        check_authority(wiring.config.timestamping, wiring.config.time)
    with only_one(wiring.run_dir / "serve.lock") as lock, contextlib.ExitStack() as held:
        for address in (http.listen, http.tls_listen):
            if address is not None:
                held.enter_context(reserved(address))
        run(wiring, lock=lock)


def run(wiring: Wiring, *, lock: int, on_ready: Callable[[], None] | None = None) -> None:
    """Run all processes until a signal comes; lock and addresses are held by the caller."""
    listeners.check(wiring.config.http)
    logs.configure(wiring.config.log, process="supervisor")
    metrics.prepare(wiring.run_dir / "metrics", clear=True)
    supervisor = Supervisor(
        processes(wiring), lock=lock, on_death=metrics.forget, report=partial(told.write, wiring.run_dir)
    )
    supervisor.catch_signals()
    supervisor.run(on_ready=on_ready)


def processes(wiring: Wiring) -> list[ProcessSpec]:
    """The workers of every listener, and the jobs process."""
    http = wiring.config.http
    python, file = sys.executable, str(wiring.loaded.file)

    def worker(name: str, listener: str) -> ProcessSpec:
        command = (python, "-m", "trustworks.app.processes.worker", "--config", file, "--name", name)
        return ProcessSpec(name=name, command=(*command, "--listener", listener), silence=SILENCE)

    specs = [worker(f"http-{number}", "http") for number in range(1, http.workers + 1)]
    if http.tls_listen is not None:
        specs += [worker(f"https-{number}", "tls") for number in range(1, http.tls_workers + 1)]
    if http.proxy.unix_socket is not None:
        specs.append(worker("proxy-1", "proxy"))
    command = (python, "-m", "trustworks.app.processes.jobs", "--config", file)
    jobs = ProcessSpec(name="jobs", command=command, last=True, silence=SILENCE)
    return [*specs, jobs]


@contextlib.contextmanager
def reserved(address: Address) -> Iterator[None]:
    """Hold an address for the workers, who listen on it together.

    A first socket without SO_REUSEPORT finds out whether somebody else listens there, also another
    Trustworks; a second one with it, that never listens, keeps the address while no worker is up. Raises
    `Unavailable`.
    """
    host, port = split_address(address)
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise Unavailable("serve.address", f"{address} is no address here: {error.strerror}.") from None
    with socket.socket(family, kind, protocol) as first, socket.socket(family, kind, protocol) as second:
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        second.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        second.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            first.bind(where)
            first.listen(1)
            first.close()
            second.bind(where)
        except OSError as error:
            raise Unavailable("serve.address", _why_not(address, error)) from None
        yield


def _why_not(address: Address, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"Another program listens on {address} already. Stop it, or choose another address."
        case errno.EACCES:
            return (
                f"This user may not listen on {address}. Choose a port above 1023, or put a proxy before it."
            )
        case errno.EADDRNOTAVAIL:
            return f"{address} is no address of this machine."
        case _:
            return f"{address} cannot be listened on: {error.strerror}."
