"""A machine whose clocks a test moves by hand, with a collector and readers on it."""

from __future__ import annotations

import hashlib
import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from trustworks.core.audit.canonical import canonical
from trustworks.core.errors import Unavailable
from trustworks.core.time import Collector, TimeGuard, TimeSettings
from trustworks.core.time.chrony import ChronySource
from trustworks.core.time.readings import KernelClock, Moment
from trustworks.core.time.sources import KernelSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trustworks.core.time.estimate import Source
    from trustworks.core.time.lease import Lease

SECOND = 1_000_000_000
NTP_TO_UNIX = 2_208_988_800
FIRST_LEAPS = (("1972-01-01", 10), ("1972-07-01", 11), ("1973-01-01", 12))
BOOTS = itertools.count(1)


def unix(text: str) -> int:
    """A UTC date or time as Unix seconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def leap_list(entries: list[tuple[str, int]], expires: str = "2030-06-28") -> bytes:
    """A leap second file with a correct hash."""
    updated, end = unix("2026-07-01") + NTP_TO_UNIX, unix(expires) + NTP_TO_UNIX
    numbers = [(unix(date) + NTP_TO_UNIX, offset) for date, offset in entries]
    digits = f"{updated}{end}" + "".join(f"{start}{offset}" for start, offset in numbers)
    digest = hashlib.sha1(digits.encode(), usedforsecurity=False).hexdigest()
    words = " ".join(digest[place : place + 8].lstrip("0") for place in range(0, 40, 8))
    lines = ["#\ta comment", f"#$\t{updated}", f"#@\t{end}"]
    lines += [f"{start}\t{offset}\t# a date" for start, offset in numbers]
    return "\n".join([*lines, "#", f"#h\t{words}", ""]).encode()


class World:
    """One machine: its clocks, kernel, chronyd, leap file, state folder and audit log."""

    def __init__(self, folder: Path, start: str = "2026-11-24T10:00:00") -> None:
        self.folder = folder
        self.realtime = unix(start) * SECOND
        self.raw = self.monotonic = self.boottime = 5_000 * SECOND
        self.gap = 500
        self.boot = f"boot-{next(BOOTS)}"
        self.state, self.status, self.max_error_us, self.tai = 0, 0, 2_000, 0
        self.chrony: str | None = None
        self.chrony_offset = "0.000010000"
        self.chrony_leap = "Normal"
        self.audit_fails = False
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.leap_file = folder / "leap-seconds.list"
        self.leap_file.write_bytes(leap_list([*FIRST_LEAPS, ("1974-01-01", 13)]))
        self.settings = self.with_settings()
        self.opened: list[Collector] = []
        self.kernel_calls = 0

    def with_settings(self, **changes: Any) -> TimeSettings:
        """The settings, with changes by their names in the file."""
        table = {"traceable-to": ["UTC(TEST)"], "leap-file": str(self.leap_file), **changes}
        self.settings = TimeSettings.model_validate(table)
        return self.settings

    # -- what the product reads

    def realtime_ns(self) -> int:
        return self.realtime

    def moment(self) -> Moment:
        return Moment(self.realtime, self.raw, self.monotonic, self.boottime, self.gap)

    def kernel(self) -> KernelClock:
        return KernelClock(self.state, self.status, 0, self.max_error_us, 100, self.tai)

    def discipline(self) -> tuple[int, int, int]:
        self.kernel_calls += 1
        return self.state, self.status, self.max_error_us

    def boot_id(self) -> str:
        return self.boot

    def chronyc(self) -> str:
        if self.chrony is not None:
            return self.chrony
        time = f"{self.realtime / SECOND - 10:.9f}"
        offset = self.chrony_offset
        return (
            f"C0000201,192.0.2.1,2,{time},{offset},0.000001000,0.000002000,1.000,0.001,0.010,0.010000000,"
            f"0.001000000,64.2,{self.chrony_leap}\n"
        )

    # -- what a test does

    def run(self, seconds: float) -> None:
        """All clocks go on."""
        step = round(seconds * SECOND)
        self.realtime += step
        self.raw += step
        self.monotonic += step
        self.boottime += step

    def jump(self, seconds: float) -> None:
        """Somebody sets the clock."""
        self.realtime += round(seconds * SECOND)

    def suspend(self, seconds: float) -> None:
        """The machine sleeps."""
        self.realtime += round(seconds * SECOND)
        self.boottime += round(seconds * SECOND)

    def reboot(self) -> None:
        self.raw = self.monotonic = self.boottime = 20 * SECOND
        self.boot = f"boot-{next(BOOTS)}"

    def on_event(self, kind: str, detail: dict[str, Any]) -> None:
        if self.audit_fails:
            raise Unavailable("audit.unwritable", "The log is full.")
        canonical(detail)  # as the log does; raises ValueError for what it cannot write
        self.events.append((kind, detail))

    def kinds(self) -> list[str]:
        """The types of the events since the last call."""
        kinds = [kind for kind, _ in self.events]
        self.events.clear()
        return kinds

    def collector(self, sources: list[Source] | None = None) -> Collector:
        if sources is None:
            sources = [KernelSource(self.settings, self), ChronySource(self.settings, self.chronyc)]
        collector = Collector(self.settings, self.folder, self.on_event, readings=self, sources=sources)
        self.opened.append(collector)
        return collector

    def kill(self, collector: Collector) -> None:
        """The collector's process dies without a word."""
        collector._writer.close()
        self.opened.remove(collector)

    def guard(self) -> TimeGuard:
        return TimeGuard(self.settings, self.folder, self)

    def ticks(self, collector: Collector, count: int = 1) -> Lease:
        """Some seconds of a running collector."""
        for _ in range(count - 1):
            self.run(1)
            collector.tick()
        self.run(1)
        return collector.tick()


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """A function that makes a machine at a chosen time."""
    made: list[World] = []

    def make(start: str = "2026-11-24T10:00:00") -> World:
        folder = tmp_path / f"world-{len(made)}"
        folder.mkdir()
        made.append(World(folder, start))
        return made[-1]

    yield make
    for world in made:
        for collector in world.opened:
            collector._writer.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A machine with a disciplined clock, without a collector yet."""
    return make_world()


@pytest.fixture
def make_leap_list() -> Callable[..., bytes]:
    """`leap_list`, for tests of the file itself."""
    return leap_list
