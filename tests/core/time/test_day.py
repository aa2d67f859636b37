"""The day by trusted time."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from trustworks.core.errors import Refused, Unavailable
from trustworks.core.module import KeyAlgorithm
from trustworks.core.module.agreed import check_key_algorithm
from trustworks.core.time import TrustedDay
from trustworks.core.time.day import DAY_NAME, RELEASED

if TYPE_CHECKING:
    from tests.core.time.conftest import World


class Steered:
    """A clock, a system clock and a stop-watch that the test sets."""

    def __init__(self) -> None:
        self.trusted: datetime | None = None
        self.system = date(2028, 1, 1)
        self.seconds = 0.0
        self.asked = 0
        clock: Any = SimpleNamespace(now=self.now)
        self.day = TrustedDay(clock, system=lambda: self.system, monotonic=lambda: self.seconds)

    def now(self) -> SimpleNamespace:
        self.asked += 1
        if self.trusted is None:
            raise Unavailable("clock.no-lease", "There is no lease.")
        return SimpleNamespace(utc=self.trusted)

    def after(self, seconds: float) -> date:
        self.seconds += seconds
        return self.day()


@pytest.mark.req("TRUSTWORKS:MODULE-TODAY")
def test_the_day_is_that_of_trusted_time_and_not_of_the_system() -> None:
    steered = Steered()
    steered.trusted = datetime(2031, 1, 1, tzinfo=UTC)
    assert steered.after(0) == date(2031, 1, 1)
    steered.trusted = None  # and the system's clock is set back
    assert steered.after(1) == date(2031, 1, 1)
    steered.system = date(2032, 1, 1)
    assert steered.after(1) == date(2032, 1, 1)
    steered.trusted = datetime(2031, 1, 2, tzinfo=UTC)
    assert steered.after(1) == date(2031, 1, 2)


@pytest.mark.req("TRUSTWORKS:MODULE-TODAY")
def test_before_any_trusted_time_the_system_is_asked() -> None:
    steered = Steered()
    assert steered.after(0) == date(2028, 1, 1)
    steered.system = date(2025, 6, 1)  # set back, to when more was agreed
    assert steered.after(1) == RELEASED


@pytest.mark.req("TRUSTWORKS:MODULE-TODAY")
def test_the_last_trusted_day_outlives_the_process(world: World) -> None:
    world.realtime += 400 * 86_400 * 1_000_000_000
    known = datetime.fromtimestamp(world.realtime // 1_000_000_000, UTC).date()
    world.ticks(world.collector())
    assert TrustedDay(world.guard())() == known
    assert (world.folder / DAY_NAME).stat().st_mode & 0o777 == 0o600
    world.kill(world.opened[0])
    world.reboot()  # no lease, and a clock that somebody sets back
    later = TrustedDay(world.guard(), system=lambda: date(2025, 6, 1))
    assert later() == known
    (world.folder / DAY_NAME).chmod(0o666)  # others could have written it
    assert TrustedDay(world.guard(), system=lambda: date(2025, 6, 1))() == RELEASED
    (world.folder / DAY_NAME).chmod(0o600)
    assert TrustedDay(world.guard(), system=lambda: date(2025, 6, 1))() == known
    (world.folder / DAY_NAME).write_text("soon", encoding="ascii")
    assert TrustedDay(world.guard(), system=lambda: date(2025, 6, 1))() == RELEASED


@pytest.mark.req("TRUSTWORKS:MODULE-TODAY")
def test_a_day_that_cannot_be_kept_is_answered_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trustworks.core.time.day.put", full)
    world.realtime += 400 * 86_400 * 1_000_000_000
    world.ticks(world.collector())
    assert TrustedDay(world.guard())() > RELEASED


@pytest.mark.req("TRUSTWORKS:MODULE-TODAY")
def test_a_clock_that_was_set_back_brings_no_algorithm_back() -> None:
    steered = Steered()
    steered.system = date(2025, 6, 1)
    check_key_algorithm(KeyAlgorithm.RSA_2048, steered.system, lab=False)
    with pytest.raises(Refused, match="agreed until 2025-12-31"):
        check_key_algorithm(KeyAlgorithm.RSA_2048, steered.after(0), lab=False)


def test_the_release_is_not_in_the_future() -> None:
    assert datetime.now(UTC).date() >= RELEASED


def test_the_day_of_the_release_is_that_of_the_changelog() -> None:
    """What to do where it fails is under "To release" in CONTRIBUTING.md."""
    root = Path(__file__).parents[3]
    version = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    changelog = (root / "CHANGELOG.md").read_text("utf-8")
    releases = re.findall(r"(?m)^## \[(\d[^\]]*)\] - (\d{4}-\d{2}-\d{2})$", changelog)
    assert releases[:1] == [(version, str(RELEASED))] if releases else version == "0.1.0"


def test_the_clock_is_asked_once_in_a_second() -> None:
    steered = Steered()
    for _ in range(20):
        steered.after(0.1)
    assert steered.asked in {2, 3}
