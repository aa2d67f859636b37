"""The collector and its readers on a machine whose clocks the test moves."""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from trustworks.core.audit.canonical import canonical
from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.time import release
from trustworks.core.time.estimate import Estimate
from trustworks.core.time.events import writable
from trustworks.core.time.latch import RELEASES_NAME, REPORTED_NAME, LatchFiles
from trustworks.core.time.readings import STA_UNSYNC, TIME_ERROR, Moment
from trustworks.core.time.stop import Release, new_latch

if TYPE_CHECKING:
    from tests.core.time.conftest import World

SECOND = 1_000_000_000


class FixedSource:
    """A source that always says the same."""

    def __init__(self, name: str, *, bound: int | None, at_least: int = 0) -> None:
        self.name = name
        self.said = Estimate(name=name, ids=(name,), bound_ns=bound, at_least_ns=at_least)

    def estimate(self, moment: Moment) -> Estimate:
        del moment
        return self.said


def released_by_hand(world: World, operator: str = "Test Operator") -> None:
    """What `release` does, with the clocks of the test's machine."""
    files = LatchFiles(world.folder)
    latch = files.read()
    assert latch is not None
    files.lift(
        Release(
            latch=latch.id,
            code=latch.code,
            operator=operator,
            reason="checked against UTC",
            account="root",
            boot=world.boot,
            boottime=world.boottime,
            clock_said="",
        )
    )


@pytest.mark.req("EN319421:OVR-7.12-04", "EN319421:OVR-7.12-05")
def test_a_disciplined_clock_gives_time_with_bound_and_evidence(world: World) -> None:
    collector, guard = world.collector(), world.guard()
    lease = world.ticks(collector)
    assert lease.code == "ok"
    # |offset| 10 us + dispersion 1 ms + delay/2 5 ms + skew 0.01 ppm * 10 s.
    assert 6_010_000 <= lease.bound <= 6_011_000
    world.run(0.25)
    now = guard.now()
    assert now.utc.isoformat() == "2026-11-24T10:00:01.250000+00:00"
    # The oscillator's 100 ppm over a quarter of a second.
    assert 6_035 <= now.bound_us <= 6_040
    assert now.evidence.as_dict() == {
        "mode": "enforce",
        "lease": lease.name,
        "sources": ["kernel", "chrony:192.0.2.1"],
        "bound_us": now.bound_us,
        "leap_state": "none",
    }
    kinds = world.kinds()
    assert kinds == ["clock.lease-acquired", "clock.synchronised"]
    world.ticks(collector, 3)
    assert world.kinds() == []
    assert guard.status().ok
    assert guard.status().leap_file_expires == "2030-06-28"


@pytest.mark.req("EN319421:OVR-7.12-05")
def test_the_synchronisation_is_reported_from_time_to_time(world: World) -> None:
    collector = world.collector()
    world.ticks(collector)
    world.kinds()
    world.run(3600)
    collector.tick()
    assert world.events[-1][0] == "clock.synchronised"
    assert world.events[-1][1]["chrony"]["reference_id"] == "C0000201"


@pytest.mark.req("EN319421:TIS-7.7.2-02", "EN319421:OVR-7.12-06")
def test_an_undisciplined_kernel_stops_the_workers_at_once(world: World) -> None:
    collector, guard = world.collector(), world.guard()
    world.ticks(collector)
    guard.now()
    world.kinds()
    world.state, world.status = TIME_ERROR, STA_UNSYNC
    guard.now()
    world.run(0.001)
    with pytest.raises(Unavailable, match=r"TIME_ERROR and STA_UNSYNC") as caught:
        guard.now()
    assert caught.value.code == "clock.unsynchronised"
    assert world.ticks(collector).code == "clock.unsynchronised"
    assert world.kinds() == ["clock.lease-lost"]
    assert not guard.status().latched
    # A plain loss comes back by itself.
    world.state, world.status = 0, 0
    world.ticks(collector)
    assert world.kinds() == ["clock.lease-acquired"]
    guard.now()


def test_without_the_kernel_as_source_its_flags_do_not_stop_the_workers(world: World) -> None:
    world.with_settings(sources=["chrony"])
    world.state, world.status = TIME_ERROR, STA_UNSYNC
    collector = world.collector([FixedSource("chrony", bound=1_000_000)])
    world.ticks(collector)
    world.guard().now()
    assert world.kernel_calls == 0


@pytest.mark.req("EN319421:TIS-7.7.2-02")
def test_the_kernels_own_error_estimate_is_a_gate(world: World) -> None:
    world.max_error_us = 1_000_001
    lease = world.ticks(world.collector())
    assert lease.code == "clock.unsynchronised"
    assert "1000001 us, more than the 1000000 us" in lease.reason


def test_all_reasons_are_told_together(world: World) -> None:
    world.with_settings()
    world.settings = world.settings.model_copy(update={"traceable_to": ()})
    world.state, world.status = TIME_ERROR, STA_UNSYNC
    world.chrony = "7F7F0101,,10,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,Normal\n"
    world.leap_file.unlink()
    world.ticks(world.collector())
    with pytest.raises(Unavailable) as caught:
        world.guard().now()
    for part in ("adjtimex", "127.127.x.y", "traceable-to", "leap-seconds.list cannot be read"):
        assert part in str(caught.value)


@pytest.mark.req("EN319421:TIS-7.7.1-04")
def test_without_a_named_utc_laboratory_there_is_no_time(world: World) -> None:
    world.settings = world.settings.model_copy(update={"traceable_to": (" ",)})
    assert world.ticks(world.collector()).code == "clock.untraceable"


@pytest.mark.req("EN319421:TIS-7.7.2-01")
@pytest.mark.parametrize(
    ("sources", "part"),
    [
        ([FixedSource("kernel", bound=None)], "No source gives a bound"),
        ([FixedSource("ntp", bound=100_000_001)], "more than the 100000 us"),
        (
            [FixedSource("chrony", bound=1_000_000), FixedSource("ntp", bound=9_000_000, at_least=2_000_000)],
            "contradict each other",
        ),
    ],
)
def test_what_the_sources_must_show_together(world: World, sources: list[Any], part: str) -> None:
    lease = world.ticks(world.collector(sources))
    assert lease.code == "clock.unsynchronised"
    assert part in lease.reason


def test_the_largest_bound_of_all_sources_counts(world: World) -> None:
    sources: list[Any] = [FixedSource("chrony", bound=1_000_000), FixedSource("ntp", bound=20_000_000)]
    assert world.ticks(world.collector(sources)).bound == 20_000_000 + world.gap


def test_another_source_is_an_event(world: World) -> None:
    collector = world.collector()
    world.ticks(collector)
    world.kinds()
    world.chrony = world.chronyc().replace("192.0.2.1", "192.0.2.9")
    world.ticks(collector)
    assert world.events[0][0] == "clock.source-changed"
    assert world.events[0][1]["to"] == ["kernel", "chrony:192.0.2.9"]


def test_a_lease_lapses_when_the_collector_dies(world: World) -> None:
    collector, guard = world.collector(), world.guard()
    world.ticks(collector)
    world.kill(collector)
    world.run(4.9)
    guard.now()
    world.run(0.2)
    with pytest.raises(Unavailable, match=r"last renewed 5 s ago") as caught:
        guard.now()
    assert caught.value.code == "clock.lease-expired"
    assert guard.status().lease_age == pytest.approx(5.1)
    world.kinds()
    world.ticks(world.collector())
    assert world.kinds() == ["clock.collector-died", "clock.lease-acquired", "clock.synchronised"]
    guard.now()


def test_a_stopped_collector_withdraws_the_lease(world: World) -> None:
    collector, guard = world.collector(), world.guard()
    world.ticks(collector)
    collector.close()
    world.opened.clear()
    assert world.kinds()[-2:] == ["clock.lease-lost", "clock.collector-stopped"]
    with pytest.raises(Unavailable, match=r"collector was stopped") as caught:
        guard.now()
    assert caught.value.code == "clock.collector-stopped"


def test_run_starts_and_stops(world: World) -> None:
    stop = threading.Event()

    class Source(FixedSource):
        started = threading.Event()

        def run(self, until: threading.Event) -> None:
            self.started.set()
            until.wait()

        def estimate(self, moment: Moment) -> Estimate:
            assert self.started.wait(5)
            stop.set()
            return super().estimate(moment)

    world.collector([Source("ntp", bound=1000)]).run(stop)
    world.opened.clear()
    assert world.kinds() == [
        "clock.collector-started",
        "clock.lease-acquired",
        "clock.synchronised",
        "clock.lease-lost",
        "clock.collector-stopped",
    ]


@pytest.mark.req("EN319421:TIS-7.7.2-05", "EN319421:TIS-7.7.2-06", "EN319421:OVR-7.13-04")
@pytest.mark.parametrize("seconds", [0.02, -0.02, 3600, -3600])
def test_a_jump_seen_by_a_worker_latches(world: World, seconds: float) -> None:
    collector, guard = world.collector(), world.guard()
    world.ticks(collector)
    guard.now()
    world.kinds()
    world.jump(seconds)
    with pytest.raises(Unavailable, match=r"jumped (forward|back).*trustworks time release") as caught:
        guard.now()
    assert caught.value.code == "clock.jump"
    # The clock set right again does not help, nor does another process or a restart.
    world.jump(-seconds)
    for one in (guard, world.guard()):
        with pytest.raises(Unavailable, match=r"The clock is stopped"):
            one.now()
        assert one.status().latched
    assert world.ticks(collector, 5).code == "clock.jump"
    assert world.kinds() == ["clock.latched", "clock.lease-lost"]
    # Released, it goes on, once the release is in the audit log.
    released_by_hand(world)
    with pytest.raises(Unavailable):
        guard.now()
    world.ticks(collector)
    assert world.events[0][0] == "clock.released"
    assert world.events[0][1]["operator"] == "Test Operator"
    assert world.kinds() == ["clock.released", "clock.lease-acquired"]
    guard.now()


@pytest.mark.req("EN319421:TIS-7.7.2-05", "EN319421:TIS-7.7.2-06")
@pytest.mark.parametrize("seconds", [0.02, -0.02, 3600, -3600])
def test_a_jump_seen_by_the_collector_latches(world: World, seconds: float) -> None:
    collector, guard = world.collector(), world.guard()
    world.ticks(collector)
    world.jump(seconds)
    assert world.ticks(collector).code == "clock.jump"
    assert "clock.latched" in world.kinds()
    with pytest.raises(Unavailable) as caught:
        guard.now()
    assert caught.value.code == "clock.jump"
    latch = guard.status().latch
    assert latch is not None
    assert latch["found_by"] == "collector"
    assert latch["detail"]["step_ns"] == pytest.approx(seconds * SECOND, abs=1000)


@pytest.mark.req("EN319421:TIS-7.7.2-05")
def test_a_suspended_machine_latches(world: World) -> None:
    collector, guard = world.collector(), world.guard()
    world.ticks(collector)
    world.suspend(2)
    with pytest.raises(Unavailable, match=r"suspended for 2\.000 s") as caught:
        guard.now()
    assert caught.value.code == "clock.suspended"
    # The first finding stands.
    world.suspend(600)
    assert world.ticks(collector).code == "clock.suspended"
    assert "2.000 s" in guard.status().reason


@pytest.mark.req("EN319421:TIS-7.7.2-05")
def test_a_long_suspension_is_found_by_the_collector(world: World) -> None:
    collector, guard = world.collector(), world.guard()
    world.ticks(collector)
    world.suspend(3600)
    with pytest.raises(Unavailable) as caught:
        guard.now()
    assert caught.value.code == "clock.lease-expired"
    assert world.ticks(collector).code == "clock.suspended"


def test_before_the_first_lease_the_discipline_may_step_the_clock(world: World) -> None:
    world.state, world.status = TIME_ERROR, STA_UNSYNC
    collector = world.collector()
    world.ticks(collector)
    world.jump(86_400)
    world.ticks(collector)
    world.suspend(60)
    world.state, world.status = 0, 0
    assert world.ticks(collector).code == "ok"
    assert "clock.jump-before-lease" in world.kinds()
    world.jump(1)
    assert world.ticks(collector).code == "clock.jump"


@pytest.mark.req("EN319421:TIS-7.7.1-07")
def test_steering_counts_into_the_bound(world: World) -> None:
    collector, guard = world.collector(), world.guard()
    world.ticks(collector)
    before = guard.now().bound_us
    world.jump(0.004)  # below the tolerance of a jump
    assert 4_000 <= guard.now().bound_us - before <= 4_001


@pytest.mark.req("EN319421:TIS-7.7.1-07")
def test_too_large_a_bound_is_refused_by_the_worker(world: World) -> None:
    world.with_settings(**{"jump-tolerance-us": 100})
    collector, guard = world.collector([FixedSource("ntp", bound=100_000_000)]), world.guard()
    world.with_settings(**{"jump-tolerance-us": 100})
    world.ticks(collector)
    guard.now()
    world.gap = 8_000_000  # the readings lie 8 ms apart, so the error is not known better
    with pytest.raises(Unavailable, match="may be 1080") as caught:
        guard.now()
    assert caught.value.code == "clock.bound"


@pytest.mark.req("EN319421:TIS-7.7.2-06", "EN319421:TIS-7.7.1-07")
def test_a_clock_that_a_source_proves_wrong_latches(world: World) -> None:
    collector, guard = world.collector(), world.guard()
    world.ticks(collector)
    world.chrony_offset = "0.150000000"
    assert world.ticks(collector).code == "clock.out-of-bound"
    with pytest.raises(Unavailable, match=r"chrony proves that the clock is at least 1439"):
        guard.now()
    world.chrony_offset = "0.000000000"
    assert world.ticks(collector, 3).code == "clock.out-of-bound"


@pytest.mark.req("EN319421:TIS-7.7.2-06")
def test_a_clock_that_merely_became_uncertain_does_not_latch(world: World) -> None:
    collector = world.collector()
    world.ticks(collector)
    world.chrony = world.chronyc().replace("0.010000000", "0.900000000")
    assert world.ticks(collector).code == "clock.unsynchronised"
    world.chrony = None
    assert world.ticks(collector).code == "ok"


@pytest.mark.req("EN319421:OVR-7.13-04")
def test_the_stop_survives_restarts_and_reboots(world: World) -> None:
    collector = world.collector()
    world.ticks(collector)
    world.jump(5)
    world.ticks(collector)
    world.kill(collector)
    world.reboot()
    collector = world.collector()
    assert world.ticks(collector, 2).code == "clock.jump"
    with pytest.raises(Unavailable, match="jumped forward"):
        world.guard().now()
    released_by_hand(world)
    assert world.ticks(collector).code == "ok"


@pytest.mark.req("EN319421:OVR-7.13-04")
def test_a_stop_that_is_removed_by_hand_comes_back(world: World) -> None:
    collector, guard = world.collector(), world.guard()
    world.ticks(collector)
    world.jump(5)
    with pytest.raises(Unavailable):
        guard.now()
    file = world.folder / "clock.latched"
    file.unlink()
    with pytest.raises(Unavailable, match="jumped"):
        guard.now()
    assert file.exists()
    world.ticks(collector)
    file.unlink()
    assert world.ticks(collector).code == "clock.jump"
    assert file.exists()
    # Also when nobody was running to see it.
    file.unlink()
    world.kill(collector)
    collector = world.collector()
    assert world.ticks(collector).code == "clock.jump"
    assert "removed by hand" in LatchFiles(world.folder).read().reason  # type: ignore[union-attr]


@pytest.mark.req("EN319421:OVR-7.13-04")
def test_a_jump_while_no_collector_ran_is_found_at_its_start(world: World) -> None:
    collector = world.collector()
    world.ticks(collector)
    world.kill(collector)
    world.run(30)
    world.jump(-2)
    assert world.ticks(world.collector()).code == "clock.jump"


@pytest.mark.req("EN319421:OVR-7.13-04")
@pytest.mark.parametrize("seconds", [200 * 86400, -200 * 86400])
def test_the_log_takes_every_event_after_months_of_uptime_and_a_jump_of_months(
    world: World, seconds: int
) -> None:
    world.boottime += 200 * 86400 * SECOND
    world.monotonic += 200 * 86400 * SECOND
    collector = world.collector()
    world.ticks(collector)
    world.jump(seconds)
    assert world.ticks(collector).code == "clock.jump"
    released_by_hand(world)
    world.jump(-seconds)
    assert world.ticks(collector, 2).code == "ok"
    latched, released = (
        detail for kind, detail in world.events if kind in {"clock.latched", "clock.released"}
    )
    assert abs(int(latched["detail"]["step_ns"]) - seconds * SECOND) < SECOND
    assert int(released["boottime"]) == world.boottime - 2 * SECOND


@pytest.mark.req("EN319421:OVR-7.13-04")
def test_a_release_without_a_collector_is_reported_at_its_start(world: World) -> None:
    collector = world.collector()
    world.ticks(collector)
    world.jump(5)
    world.ticks(collector)
    world.kill(collector)
    world.run(60)
    released_by_hand(world)
    world.kinds()
    world.run(60)
    assert world.ticks(world.collector()).code == "ok"
    assert world.kinds() == ["clock.released", "clock.lease-acquired", "clock.synchronised"]


@pytest.mark.req("EN319421:OVR-7.13-04")
def test_a_release_that_a_crash_cut_short_does_not_lift_the_stop(world: World) -> None:
    collector = world.collector()
    world.ticks(collector)
    world.jump(5)
    world.ticks(collector)
    text = (world.folder / "clock.latched").read_bytes()
    released_by_hand(world)
    (world.folder / "clock.latched").write_bytes(text)
    world.kinds()
    assert world.ticks(collector, 2).code == "clock.jump"
    assert "clock.released" not in world.kinds()


@pytest.mark.req("EN319421:OVR-7.13-04")
def test_a_damaged_latch_file_is_a_stop(world: World) -> None:
    (world.folder / "clock.latched").write_bytes(b"{")
    collector = world.collector()
    assert world.ticks(collector).code == "clock.latch-unreadable"
    with pytest.raises(Unavailable, match="cannot be read") as caught:
        world.guard().now()
    assert caught.value.code == "clock.latch-unreadable"
    released_by_hand(world)
    assert world.ticks(collector).code == "ok"


@pytest.mark.req("EN319421:OVR-7.13-04")
@pytest.mark.parametrize(("operator", "reason"), [("", "clock checked"), ("A. Operator", "ok"), (" ", " ")])
def test_a_release_needs_an_operator_and_a_reason(world: World, operator: str, reason: str) -> None:
    collector = world.collector()
    world.ticks(collector)
    world.jump(5)
    world.ticks(collector)
    with pytest.raises(Refused) as caught:
        release(world.folder, operator, reason)
    assert caught.value.requirement == "EN319421:OVR-7.13-04"
    assert world.ticks(collector).code == "clock.jump"


def test_the_operators_release_is_recorded_with_account_and_stop(world: World) -> None:
    collector = world.collector()
    world.ticks(collector)
    world.jump(5)
    world.ticks(collector)
    lifted = release(world.folder, "A. Operator", "hypervisor set the clock; compared with UTC(TEST)")
    assert lifted.code == "clock.jump"
    assert lifted.account
    world.kinds()
    world.ticks(collector)
    assert world.events[0] == ("clock.released", lifted.as_dict())
    with pytest.raises(Rejected, match="nothing to release"):
        release(world.folder, "A. Operator", "once more please")


def test_a_stop_that_cannot_be_kept_still_stops(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    collector, guard = world.collector(), world.guard()
    world.ticks(collector)
    world.jump(5)
    with monkeypatch.context() as disk:
        disk.setattr("trustworks.core.time.latch.put_new", full)
        for _ in range(2):
            with pytest.raises(Unavailable, match=r"jumped.*cannot be kept.*No space left") as caught:
                guard.now()
            assert caught.value.code == "clock.latch-unwritable"
        world.jump(-5)  # the worker's stop stands although the clock is right again
        with pytest.raises(Unavailable):
            guard.now()
        world.jump(5)
        assert world.ticks(collector, 2).code == "clock.jump"
        assert world.kinds().count("clock.latched") == 1
    assert not (world.folder / "clock.latched").exists()
    assert world.ticks(collector).code == "clock.jump"
    assert (world.folder / "clock.latched").exists()
    assert world.kinds() == []
    with pytest.raises(Unavailable, match="jumped"):
        guard.now()


def test_a_latch_file_that_cannot_be_read_is_a_stop(world: World) -> None:
    (world.folder / "clock.latched").mkdir()
    collector = world.collector()
    assert world.ticks(collector).code == "clock.latch-unreadable"
    assert "Is a directory" in world.guard().status().reason


def raise_key_error(_user: int) -> Any:
    raise KeyError("getpwuid(): uid not found")


def test_a_release_on_another_system_is_recorded_without_its_clocks(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = world.collector()
    world.ticks(collector)
    world.jump(5)
    world.ticks(collector)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(pwd, "getpwuid", raise_key_error)
    lifted = release(world.folder, "A. Operator", "compared with UTC")
    assert (lifted.boot, lifted.boottime) == ("", 0)
    assert lifted.account.startswith("uid ")
    assert world.ticks(collector).code == "ok"


def test_a_release_that_cannot_be_recorded_lifts_nothing(world: World) -> None:
    collector = world.collector()
    world.ticks(collector)
    world.jump(5)
    world.ticks(collector)
    (world.folder / "clock.releases").mkdir()
    with pytest.raises(Unavailable, match="cannot be recorded"):
        release(world.folder, "A. Operator", "clock checked")
    assert (world.folder / "clock.latched").exists()


@pytest.mark.req("EN319421:OVR-7.12-04", "EN319421:OVR-7.12-06")
def test_without_an_audit_log_there_is_no_lease(world: World) -> None:
    world.audit_fails = True
    collector, guard = world.collector(), world.guard()
    assert world.ticks(collector, 3).code == "clock.audit"
    with pytest.raises(Unavailable, match="audit log"):
        guard.now()
    world.audit_fails = False
    world.ticks(collector)
    guard.now()
    assert world.kinds() == ["clock.refusal-changed", "clock.lease-acquired", "clock.synchronised"]
    # A loss is told to the workers at once, and to the log as soon as it takes it.
    world.audit_fails = True
    world.state = TIME_ERROR
    assert world.ticks(collector).code == "clock.unsynchronised"
    world.state = 0
    assert world.ticks(collector).code == "clock.audit"
    world.audit_fails = False
    assert world.ticks(collector).code == "ok"
    assert world.kinds() == ["clock.lease-lost", "clock.refusal-changed", "clock.lease-acquired"]


def test_a_release_must_be_in_the_audit_log_before_the_next_lease(world: World) -> None:
    collector = world.collector()
    world.ticks(collector)
    world.jump(5)
    world.ticks(collector)
    world.kinds()
    world.audit_fails = True
    released_by_hand(world)
    assert world.ticks(collector).code == "clock.audit"
    world.audit_fails = False
    assert world.ticks(collector).code == "ok"
    assert world.kinds()[:2] == ["clock.refusal-changed", "clock.released"]


def test_a_lost_report_mark_repeats_a_release_and_loses_none(world: World) -> None:
    collector = world.collector()
    world.ticks(collector)
    world.jump(5)
    world.ticks(collector)
    released_by_hand(world)
    with (world.folder / "clock.releases").open("ab") as file:
        file.write(b'{"cut')
    world.ticks(collector)
    assert world.kinds().count("clock.released") == 1
    (world.folder / REPORTED_NAME).unlink()
    world.ticks(collector)
    assert world.kinds().count("clock.released") == 0
    world.kill(collector)
    (world.folder / REPORTED_NAME).unlink()
    world.ticks(world.collector())
    assert world.kinds().count("clock.released") == 1


def test_a_release_that_cannot_be_marked_is_told_once_and_gives_no_lease(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = world.collector()
    world.ticks(collector)
    world.jump(5)
    world.ticks(collector)
    released_by_hand(world)
    genuine = os.fsync

    def full(file: int) -> None:
        if REPORTED_NAME in Path(f"/proc/self/fd/{file}").readlink().name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        genuine(file)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        lease = world.ticks(collector, 4)
    assert lease.code == "clock.release-unwritable"
    assert "No space left on device" in lease.reason
    assert world.ticks(collector, 2).code == "ok"
    assert world.kinds().count("clock.released") == 1
    world.kill(collector)
    world.ticks(world.collector())
    assert "clock.released" not in world.kinds()


def test_a_second_collector_is_refused(world: World) -> None:
    world.collector()
    with pytest.raises(Unavailable) as caught:
        world.collector()
    assert caught.value.code == "clock.collector-running"


def test_a_lease_of_an_earlier_boot_gives_no_time(world: World) -> None:
    collector = world.collector()
    world.ticks(collector)
    world.reboot()
    world.boottime = 5_001 * SECOND  # as long after boot as the lease of the earlier boot says
    with pytest.raises(Unavailable, match="from before the machine was started"):
        world.guard().now()
    world.kill(collector)
    # The clocks of the earlier boot say nothing about jumps.
    world.jump(500)
    collector = world.collector()
    assert world.ticks(collector).code == "ok"


def test_genTime_never_goes_back(world: World) -> None:  # noqa: N802 - the name of the field
    collector, guard = world.collector(), world.guard()
    world.ticks(collector)
    guard.now()
    world.jump(-0.001)  # too small to be a jump
    world.run(0.0001)
    with pytest.raises(Unavailable) as caught:
        guard.now()
    assert caught.value.code == "clock.backwards"
    world.run(0.001)
    guard.now()


def test_a_thread_that_was_overtaken_is_not_a_clock_that_went_back(world: World) -> None:
    collector, guard = world.collector(), world.guard()
    world.ticks(collector)
    world.run(0.001)
    guard.now()
    world.run(-0.001)
    earlier = guard.now()
    assert earlier.utc.microsecond == 0


def test_many_long_source_names_fit_the_page(world: World) -> None:
    source = FixedSource("ntp", bound=1000)
    source.said = Estimate(
        name="ntp", ids=tuple(f"ntp:{'é' * 200}{number}" for number in range(32)), bound_ns=1000
    )
    lease = world.ticks(world.collector([source]))
    assert lease.sources[-1] == "and 27 more"
    assert len(world.guard().now().evidence.sources) == 6


def test_the_status_of_every_refusal_says_why(world: World) -> None:
    guard = world.guard()
    status = guard.status()
    assert (status.ok, status.code) == (False, "clock.no-lease")
    assert "trustworks time collect" in status.reason
    assert status.as_dict()["latched"] is False
    world.state, world.status = TIME_ERROR, STA_UNSYNC
    world.ticks(world.collector())
    status = guard.status()
    assert status.code == "clock.unsynchronised"
    assert "adjtimex" in status.reason
    assert status.bound_us is None


def test_a_release_that_was_cut_short_does_not_swallow_the_next(world: World) -> None:
    files = LatchFiles(world.folder)
    releases = world.folder / RELEASES_NAME
    for torn in (b'{"latch": "a', b'{"latch": "a"}'):
        releases.write_bytes(torn)
        files.set(new_latch("clock.jump", "It jumped.", found_by="t", realtime_ns=0, boot="b", detail={}))
        released_by_hand(world)
        assert [one.operator for one in files.releases()] == ["Test Operator"]
        assert not files.stands()


def test_a_release_that_is_not_written_whole_lifts_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = LatchFiles(world.folder)
    files.set(new_latch("clock.jump", "It jumped.", found_by="t", realtime_ns=0, boot="b", detail={}))
    genuine = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda file, data: genuine(file, data[: len(data) // 2]))
        with pytest.raises(Unavailable, match="No space left") as caught:
            released_by_hand(world)
    assert caught.value.code == "clock.release-unwritable"
    assert files.stands()
    assert files.releases() == []
    released_by_hand(world)
    assert len(files.releases()) == 1


@pytest.mark.parametrize("name", [RELEASES_NAME, REPORTED_NAME])
def test_releases_that_cannot_be_read_are_told_and_leave_no_lock_behind(world: World, name: str) -> None:
    world.ticks(world.collector())
    world.opened.pop().close()
    (world.folder / name).mkdir()
    with pytest.raises(Unavailable) as caught:
        world.ticks(world.collector())
    assert caught.value.code == "clock.releases-unreadable"
    for one in world.opened:
        with contextlib.suppress(Unavailable):
            one.close()
    world.opened.clear()
    (world.folder / name).rmdir()
    assert world.ticks(world.collector()).code == "ok"


def test_a_collector_that_cannot_read_its_clocks_gives_the_lock_back_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = world.collector()
    world.ticks(collector)
    with monkeypatch.context() as patched:
        patched.setattr(world, "moment", lambda: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            world.opened.pop().close()
    assert world.ticks(world.collector()).code == "ok"


class FailingSource(FixedSource):
    """A source with a thread of its own, as long as it is not told to end."""

    def __init__(self) -> None:
        super().__init__("test", bound=1_000_000)
        self.ended = threading.Event()

    def run(self, stop: threading.Event) -> None:
        if stop.wait(10):
            self.ended.set()


def test_a_collector_that_fails_says_why_and_ends_its_sources(world: World) -> None:
    released = world.folder / RELEASES_NAME
    released.touch(mode=0o600)
    released.chmod(0o666)
    source, never = FailingSource(), threading.Event()
    collector = world.collector([source])
    with pytest.raises(Unavailable, match="mode 0666"):
        collector.run(never)
    assert source.ended.wait(10)
    world.opened.remove(collector)
    with pytest.raises(Unavailable) as caught:
        world.guard().now()
    assert "clock.releases is not trusted" in str(caught.value)
    assert "mode 0666" in str(caught.value)


def test_a_collector_that_fails_by_a_fault_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    source = FailingSource()
    collector = world.collector([source])

    def fault() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(collector, "tick", fault)
    with pytest.raises(ZeroDivisionError):
        collector.run(threading.Event())
    assert source.ended.wait(10)
    world.opened.remove(collector)
    with pytest.raises(Unavailable, match="failed by a fault of this program"):
        world.guard().now()


@pytest.mark.parametrize(
    ("told", "written"),
    [
        ({"server": "M\udcfcller"}, {"server": "M\\udcfcller"}),
        ({"\udcfc": 1}, {"\\udcfc": 1}),
        ({"bound": float("nan"), "at": 2**60}, {"bound": "nan", "at": "1152921504606846976"}),
        ({"list": ["\ud800", 1.5, None, True]}, {"list": ["\\ud800", 1.5, None, True]}),
    ],
)
def test_every_detail_can_be_written(told: dict[str, Any], written: dict[str, Any]) -> None:
    found = writable(told)
    assert found == written
    canonical(found)
