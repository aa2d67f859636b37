"""What `trustworks serve` runs: which processes, for which listeners, and what must hold before."""

from __future__ import annotations

import contextlib
import sys
from functools import partial
from typing import TYPE_CHECKING

from trustworks.app import logs
from trustworks.app.health import metrics
from trustworks.app.health import supervised as told
from trustworks.app.processes import listeners, starting
from trustworks.app.processes.addresses import reserved
from trustworks.app.processes.supervisor import SILENCE, ProcessSpec, Supervisor, only_one

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.app.wiring import Wiring

WORKER, JOBS = "trustworks.app.processes.worker", "trustworks.app.processes.jobs"
IMPORTS = (  # what the processes import after their start; a service that is not configured costs little
    "uvloop",
    WORKER,
    JOBS,
    "trustworks.app.configuration.config",
    "trustworks.app.processes.server",
    "trustworks.app.processes.tasks",
    "trustworks.app.rollover.authority",
    "trustworks.app.rollover.responder",
    "trustworks.app.rollover.unit",
    "trustworks.app.web.console.office",
    "trustworks.app.web.error_pages",
    "trustworks.app.web.http",
    "trustworks.app.web.pages",
    "trustworks.app.web.services",
    "trustworks.core.time.collector",
    "trustworks.issuance.http.enrolment",
    "trustworks.issuance.notices.ending",
    "trustworks.issuance.service",
    "trustworks.timestamping.http",
)


def serve(wiring: Wiring) -> None:
    """Serve until a signal comes.

    Raises `Malformed` (configuration), `Unavailable` (serve.running, serve.address, serve.tls) and `Refused`
    (what no other try would change) before anything is started. What the services need beside that, they look
    for themselves; `/healthz` says what is missing.
    """
    sys.dont_write_bytecode = True  # this process would add to an installation that was signed as it is
    http = wiring.config.http
    if wiring.config.timestamping is not None:
        from trustworks.timestamping.undertaking import check_authority  # noqa: PLC0415 - where it is configured

        check_authority(wiring.config.timestamping, wiring.config.time)
    with only_one(wiring.run_dir / "serve.lock") as lock, contextlib.ExitStack() as held:
        for address in (http.listen, http.tls_listen):
            if address is not None:
                held.enter_context(reserved(address))
        run(wiring, lock=lock)


def run(wiring: Wiring, *, lock: int, on_ready: Callable[[], None] | None = None) -> None:
    """Run all processes until a signal comes; lock and addresses are held by the caller. Raises as it."""
    listeners.check(wiring.config.http)
    logs.configure(wiring.config.log, process="supervisor")
    environment = starting.check(wiring)
    numbers = wiring.run_dir / "metrics"
    metrics.prepare(numbers, clear=True)
    supervisor = Supervisor(
        processes(wiring),
        lock=lock,
        imports=IMPORTS,
        environment=environment,
        on_death=partial(metrics.forget, numbers),
        report=partial(told.write, wiring.run_dir),
    )
    supervisor.catch_signals()
    supervisor.run(on_ready=on_ready)


def processes(wiring: Wiring) -> list[ProcessSpec]:
    """The workers of every listener, and the jobs process."""
    http = wiring.config.http
    config = ("--config", str(wiring.loaded.file))

    def worker(name: str, listener: str) -> ProcessSpec:
        arguments = (*config, "--name", name, "--listener", listener)
        return ProcessSpec(name=name, module=WORKER, arguments=arguments, silence=SILENCE)

    specs = [worker(f"http-{number}", "http") for number in range(1, http.workers + 1)]
    if http.tls_listen is not None:
        specs += [worker(f"https-{number}", "tls") for number in range(1, http.tls_workers + 1)]
    if http.proxy.unix_socket is not None:
        specs.append(worker("proxy-1", "proxy"))
    return [*specs, ProcessSpec(name="jobs", module=JOBS, arguments=config, last=True, silence=SILENCE)]
