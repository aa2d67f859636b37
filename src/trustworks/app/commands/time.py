"""`trustworks time`: the state of the trusted clock, the release of a latched stop, the collector alone."""

from __future__ import annotations

import json
import signal
import threading
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from trustworks.core.errors import Rejected
from trustworks.core.options import AsJson  # noqa: TC001 - Typer reads it
from trustworks.core.roles.model import Act
from trustworks.core.roles.performing import Officers, performs
from trustworks.core.time import Collector, open_clock, release

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from trustworks.app.configuration.config import Config
    from trustworks.core.audit import Recorder
    from trustworks.core.time import ClockStatus

app = typer.Typer(
    no_args_is_help=True, help="The trusted clock: its state, and the release of a latched stop."
)


class ClockWiring(Officers, Protocol):
    """What the commands of the clock need of the application's wiring."""

    @property
    def config(self) -> Config:
        """The configuration."""

    @property
    def state_dir(self) -> Path:
        """Where the clock's lease and its latched stop lie; survives restarts."""

    def open_recorder(self, role: str) -> AbstractContextManager[Recorder]:
        """The audit log, for a stream of its own."""


@app.command()
def status(
    context: typer.Context,
    *,
    as_json: AsJson = False,
) -> None:
    """Say whether the clock gives time, with which bound, and why not. Exit code 1 when it gives none."""
    wiring: ClockWiring = context.obj
    found = open_clock(wiring.config.time, wiring.state_dir).status()
    typer.echo(json.dumps(found.as_dict()) if as_json else status_text(found))
    if not found.ok:
        raise typer.Exit(1)


def status_text(found: ClockStatus) -> str:
    """The status as lines for a person."""
    lines = [
        ("clock", "gives time" if found.ok else f"gives no time ({found.code})"),
        ("because", found.reason),
        ("mode", found.mode),
    ]
    if found.lease is not None:
        age = "" if found.lease_age is None else f", {found.lease_age:.1f} s old"
        lines.append(("lease", f"{found.lease}{age}"))
    if found.bound_us is not None and found.mode == "enforce":
        lines.append(("bound", f"{found.bound_us} us"))
    if found.sources:
        lines.append(("sources", ", ".join(found.sources)))
    if found.mode == "enforce":
        lines.append(("leap", found.leap_state))
    if found.leap_file_expires is not None:
        lines.append(("leap file", f"expires {found.leap_file_expires}"))
    if found.latch is not None:
        lines.append(
            ("stopped", f"{found.latch['clock_said']} by the clock, found by {found.latch['found_by']}")
        )
    return "\n".join(f"{name:<10}{text}" for name, text in lines)


@app.command("release")
@performs(Act.OPERATE, by="operator")
def release_command(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="What was found, and what was done about it.")],
    operator: Annotated[
        str, typer.Option(help="Who releases; once there are operators: --as.", show_default=False)
    ] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Lift a latched stop, after the clock was put right and compared with UTC."""
    wiring: ClockWiring = context.obj
    lease_file = wiring.config.time.lease_path(wiring.state_dir)
    lifted = release(wiring.state_dir, operator, reason, lease_file)
    if as_json:
        typer.echo(json.dumps(lifted.as_dict()))
    else:
        typer.echo(
            f"The stop {lifted.latch} ({lifted.code}) is released by {lifted.operator}. "
            "The collector records that in the audit log, and gives time again when the sources agree; "
            "see `trustworks time status`."
        )


@app.command()
def collect(context: typer.Context) -> None:
    """Run the collector in the foreground until SIGTERM or Ctrl-C; `trustworks serve` runs one by itself."""
    wiring: ClockWiring = context.obj
    settings = wiring.config.time
    if settings.mode == "lab":
        raise Rejected(
            "clock.lab", 'With [time] mode = "lab" the clock is unchecked, so there is nothing to collect.'
        )
    from trustworks.core.audit.clock import clock_events  # noqa: PLC0415 - the others do without the log

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with wiring.open_recorder("clock") as recorder:
        collector = Collector(settings, wiring.state_dir, clock_events(recorder))
        typer.echo(
            f"The collector renews {settings.lease_path(wiring.state_dir)}; stop it with Ctrl-C.", err=True
        )
        collector.run(stop)
