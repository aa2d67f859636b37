"""What `trustworks serve` runs: which processes, for which listeners, and what must hold before."""

from __future__ import annotations

import contextlib
import sys
from functools import partial
from typing import TYPE_CHECKING

from trustworks.app import logs
from trustworks.app.health import metrics
from trustworks.app.health import supervised as told
from trustworks.app.processes import listeners
from trustworks.app.processes.addresses import reserved
from trustworks.app.processes.supervisor import SILENCE, ProcessSpec, Supervisor, only_one

if TYPE_CHECKING:
    from collections.abc import Callable

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
    numbers = wiring.run_dir / "metrics"
    metrics.prepare(numbers, clear=True)
    supervisor = Supervisor(
        processes(wiring),
        lock=lock,
        on_death=partial(metrics.forget, numbers),
        report=partial(told.write, wiring.run_dir),
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
