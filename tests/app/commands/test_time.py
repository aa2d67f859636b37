"""`trustworks time`, as an operator calls it."""

from __future__ import annotations

import json
import signal
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from nobody_acts import NobodyActs
from typer.testing import CliRunner

from trustworks.app.commands.time import app, status_text
from trustworks.core.errors import Refused, Rejected
from trustworks.core.time import ClockStatus, TimeSettings
from trustworks.core.time.latch import LatchFiles
from trustworks.core.time.stop import new_latch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Wiring(NobodyActs):
    """As much of the application's wiring as the clock needs."""

    def __init__(self, folder: Path, **table: Any) -> None:
        super().__init__()
        self.config = SimpleNamespace(time=TimeSettings.model_validate(table))
        self.state_dir = folder
        self.recorded: list[Any] = []
        self.roles: list[str] = []

    @contextmanager
    def open_recorder(self, role: str) -> Iterator[Any]:
        self.roles.append(role)
        yield SimpleNamespace(record=self.recorded.append)


def stop(folder: Path) -> None:
    LatchFiles(folder).set(
        new_latch(
            "clock.jump",
            "The clock jumped back by 2000.000 ms.",
            found_by="collector",
            realtime_ns=1_795_516_900_000_000_000,
            boot="boot",
            detail={},
        )
    )


def test_status_says_why_there_is_no_time(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["status"], obj=Wiring(tmp_path))
    assert done.exit_code == 1
    assert "gives no time (clock.no-lease)" in done.stdout
    done = CliRunner().invoke(app, ["status", "--json"], obj=Wiring(tmp_path))
    assert done.exit_code == 1
    assert json.loads(done.stdout)["code"] == "clock.no-lease"


def test_status_of_the_laboratory(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["status"], obj=Wiring(tmp_path, mode="lab"))
    assert done.exit_code == 0
    assert "not checked against anything" in done.stdout


def test_status_shows_all_that_is_known() -> None:
    text = status_text(
        ClockStatus(
            ok=True,
            mode="enforce",
            code="ok",
            reason="Fine.",
            bound_us=1234,
            lease="abc-7",
            lease_age=0.51,
            sources=("kernel", "chrony:192.0.2.1"),
            leap_state="insert",
            leap_file_expires="2027-06-28",
        )
    )
    assert text.splitlines() == [
        "clock     gives time",
        "because   Fine.",
        "mode      enforce",
        "lease     abc-7, 0.5 s old",
        "bound     1234 us",
        "sources   kernel, chrony:192.0.2.1",
        "leap      insert",
        "leap file expires 2027-06-28",
    ]


@pytest.mark.req("EN319421:OVR-7.13-04")
def test_an_operator_releases_a_stop(tmp_path: Path) -> None:
    stop(tmp_path)
    wiring = Wiring(tmp_path)
    assert "found by collector" in CliRunner().invoke(app, ["status"], obj=wiring).stdout
    command = ["release", "--operator", "A. Operator", "--reason", "compared with UTC"]
    done = CliRunner().invoke(app, command, obj=wiring)
    assert done.exit_code == 0
    assert "(clock.jump) is released by A. Operator" in done.stdout
    assert not LatchFiles(tmp_path).stands()
    assert isinstance(CliRunner().invoke(app, command, obj=wiring).exception, Rejected)
    stop(tmp_path)
    done = CliRunner().invoke(app, [*command, "--json"], obj=wiring)
    assert json.loads(done.stdout)["reason"] == "compared with UTC"


@pytest.mark.req("EN319421:OVR-7.13-04")
def test_a_release_without_a_reason_is_refused(tmp_path: Path) -> None:
    stop(tmp_path)
    command = ["release", "--operator", "A. Operator", "--reason", "ok"]
    done = CliRunner().invoke(app, command, obj=Wiring(tmp_path))
    assert isinstance(done.exception, Refused)
    assert LatchFiles(tmp_path).stands()


def test_the_laboratory_has_nothing_to_collect(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["collect"], obj=Wiring(tmp_path, mode="lab"))
    assert isinstance(done.exception, Rejected)


@pytest.mark.req("EN319421:OVR-7.12-06")
def test_collect_runs_until_it_is_told_to_stop(tmp_path: Path) -> None:
    wiring = Wiring(tmp_path, **{"chronyc": str(tmp_path / "chronyc"), "traceable-to": ["UTC(TEST)"]})
    # The collector itself asks this program once a second: it ends the collector as an operator would.
    (tmp_path / "chronyc").write_text("#!/bin/sh\nkill -TERM $PPID\nexit 1\n", encoding="ascii")
    (tmp_path / "chronyc").chmod(0o755)
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        done = CliRunner().invoke(app, ["collect"], obj=wiring)
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
    assert done.exit_code == 0
    assert wiring.roles == ["clock"]
    kinds = [event.type for event in wiring.recorded]
    assert kinds[0] == "clock.collector-started"
    assert kinds[-1] == "clock.collector-stopped"
    assert "clock.refusal-changed" in kinds
