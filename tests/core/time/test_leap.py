"""Leap seconds: the file, the announcements, the window, the step, the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.time import leap
from trustworks.core.time.chrony import ChronySource
from trustworks.core.time.leap_file import LeapFile, day, parse_leap_file
from trustworks.core.time.leap_watch import LeapWatch
from trustworks.core.time.readings import (
    STA_DEL,
    STA_INS,
    TIME_DEL,
    TIME_INS,
    TIME_OK,
    TIME_OOP,
    TIME_WAIT,
    KernelClock,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.core.time.conftest import World

    from trustworks.core.time import Collector, TimeGuard
    from trustworks.core.time.leap import LeapView

SECOND = 1_000_000_000
NEW_YEAR = 1_798_761_600  # 2027-01-01
PAST = [("1972-01-01", 10), ("2017-01-01", 11)]
INSERTING = [*PAST, ("2027-01-01", 12)]
DELETING = [*PAST, ("2027-01-01", 10)]


# -- the file


def test_the_real_file_of_this_machine_is_understood() -> None:
    from pathlib import Path  # noqa: PLC0415

    file = Path("/usr/share/zoneinfo/leap-seconds.list")
    if not file.exists():
        pytest.skip("NOT TESTED: this machine has no leap-seconds.list")
    found = LeapFile(file).read()
    assert found.leap_at(1_483_228_800) == "insert"
    assert found.leap_at(1_483_228_800 + 86_400) == "none"
    assert found.tai_offset(1_500_000_000) == 37
    assert found.tai_offset(0) is None


def test_a_list_is_read(make_leap_list: Callable[..., bytes]) -> None:
    found = parse_leap_file(make_leap_list(DELETING))
    assert found.leap_at(NEW_YEAR) == "delete"
    assert day(found.expires) == "2030-06-28"
    # The first entry is where the list begins, not a leap second.
    assert found.leap_at(found.entries[0][0]) == "none"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.replace(b"\t12", b"\t10"), "does not match its own hash"),
        (lambda data: data[: len(data) // 2], "no line"),
        (lambda data: data + b"\xff", "not ASCII"),
        (lambda data: data + b"3692217600 37\n", "does not match its own hash"),
        (lambda data: data + b"tomorrow 38\n", "cannot be read"),
        (lambda data: data + b"#@\t4000000000\n", "two lines #@"),
        (lambda data: data.replace(b"#@\t", b"#@\tx"), "where seconds since 1900 belong"),
        (lambda _: b"", "no line #\\$"),
    ],
)
def test_a_damaged_list_is_refused(
    make_leap_list: Callable[..., bytes], change: Callable[[bytes], bytes], message: str
) -> None:
    with pytest.raises(Malformed, match=message):
        parse_leap_file(change(make_leap_list(INSERTING)))


@pytest.mark.parametrize(
    "entries", [[], [*PAST, ("2016-01-01", 12)], [*PAST, ("2027-01-01", 13)], [*PAST, ("2027-01-01", 11)]]
)
def test_an_impossible_list_is_refused(
    make_leap_list: Callable[..., bytes], entries: list[tuple[str, int]]
) -> None:
    with pytest.raises(Malformed, match=r"no entries|does not follow"):
        parse_leap_file(make_leap_list(entries))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_list_or_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse_leap_file(data)


def test_a_replaced_file_is_read_again(tmp_path: Path, make_leap_list: Callable[..., bytes]) -> None:
    path = tmp_path / "list"
    file = LeapFile(path)
    with pytest.raises(Unavailable, match="cannot be read"):
        file.read()
    path.write_bytes(make_leap_list(PAST))
    assert file.read().leap_at(NEW_YEAR) == "none"
    path.write_bytes(make_leap_list(INSERTING))
    assert file.read().leap_at(NEW_YEAR) == "insert"
    path.write_bytes(b"nonsense")
    with pytest.raises(Unavailable, match="cannot be read"):
        file.read()


# -- the rules


def kernel(state: int = TIME_OK, status: int = 0, tai: int = 0) -> KernelClock:
    return KernelClock(state, status, 0, 0, 0, tai)


def seen(**changes: Any) -> LeapView:
    values: dict[str, Any] = {
        "now": NEW_YEAR - 1800,
        "tonight": "none",
        "this_month": "none",
        "kernel": "none",
        "announced": {"chrony": "none", "ntp": "none"},
    }
    return leap.LeapView(**{**values, **changes})


def test_midnights() -> None:
    assert leap.next_midnight(NEW_YEAR - 1) == NEW_YEAR
    assert leap.next_midnight(NEW_YEAR) == NEW_YEAR + 86_400
    assert leap.month_end(NEW_YEAR - 86_400 * 20) == NEW_YEAR
    assert leap.month_end(NEW_YEAR) == NEW_YEAR + 31 * 86_400


@pytest.mark.parametrize(
    ("state", "status", "expected"),
    [
        (TIME_OK, 0, "none"),
        (TIME_INS, STA_INS, "insert"),
        (TIME_DEL, STA_DEL, "delete"),
        (TIME_OOP, STA_INS, "insert"),
        (TIME_WAIT, STA_INS, "none"),
    ],
)
def test_the_kernels_flags(state: int, status: int, expected: str) -> None:
    assert leap.kernel_leap(kernel(state, status)) == expected


@pytest.mark.req("EN319421:TIS-7.7.2-07")
@pytest.mark.parametrize(
    "view",
    [
        seen(),
        seen(tonight="insert", this_month="insert", kernel="insert", announced={"ntp": "insert"}),
        seen(tonight="delete", this_month="delete", kernel="delete", announced={"chrony": "delete"}),
        # A day or an hour before, daemons need not have told the kernel yet.
        seen(now=NEW_YEAR - 7200, tonight="insert", this_month="insert"),
        seen(now=NEW_YEAR - 20 * 86_400, this_month="insert", announced={"ntp": "insert"}),
        # Servers may keep their indicator for a day after the leap second.
        seen(now=NEW_YEAR + 3600, last=NEW_YEAR, announced={"ntp": "insert"}),
        # Other announcements stand in for the file.
        seen(tonight=None, this_month=None, kernel="insert", announced={"ntp": "insert"}),
        seen(kernel_tai=37, file_tai=37),
        seen(kernel_tai=37),
        seen(file_tai=37),
    ],
)
def test_agreement_about_a_leap_second(view: LeapView) -> None:
    assert leap.leap_findings(view, 3600) == ()


@pytest.mark.req("EN319421:TIS-7.7.2-07")
@pytest.mark.parametrize(
    ("view", "message"),
    [
        (seen(kernel="insert"), "the leap file says none"),
        (seen(tonight="insert", this_month="insert", kernel="delete"), "the leap file says insert"),
        (
            seen(now=NEW_YEAR - 20 * 86_400, kernel="insert", tonight=None, this_month=None),
            "does not end a month",
        ),
        (seen(now=NEW_YEAR - 20 * 86_400, announced={"ntp": "insert"}), "the leap file says none"),
        (seen(now=NEW_YEAR + 2 * 86_400, last=NEW_YEAR, announced={"ntp": "insert"}), "leap file says none"),
        (
            seen(tonight="insert", this_month="insert", announced={"ntp": "insert"}),
            "the kernel does not know of it",
        ),
        (
            seen(tonight="insert", this_month="insert", kernel="insert", announced={"ntp": "none"}),
            "ntp does not announce it",
        ),
        (seen(tonight=None, this_month=None, announced={"ntp": "insert"}), "the kernel does not know of it"),
        (seen(kernel_tai=36, file_tai=37), "TAI - UTC is 36 s"),
    ],
)
def test_contradictions_about_a_leap_second(view: LeapView, message: str) -> None:
    assert any(message in finding for finding in leap.leap_findings(view, 3600))


@pytest.mark.req("EN319421:TIS-7.7.2-07")
def test_the_window_in_which_no_time_is_given() -> None:
    assert leap.stop_window("none", NEW_YEAR, 1100) is None
    # From 23:59:58.9 to 00:00:01.1.
    assert leap.stop_window("insert", NEW_YEAR, 1100) == (
        NEW_YEAR * SECOND - 1_100_000_000,
        NEW_YEAR * SECOND + 1_100_000_000,
    )


@pytest.mark.req("EN319421:TIS-7.7.2-07")
def test_an_expired_leap_file_excludes_nothing() -> None:
    assert leap.leap_file_findings(NEW_YEAR, NEW_YEAR - 1) == ()
    assert "expired on 2027-01-01" in leap.leap_file_findings(NEW_YEAR, NEW_YEAR)[0]


@pytest.mark.req("EN319421:TIS-7.7.2-08")
@pytest.mark.parametrize(
    ("step", "offset", "which", "expected"),
    [
        (-SECOND, 0, "insert", True),
        (SECOND, 0, "delete", True),
        (-SECOND, 0, "delete", False),
        (-SECOND, 0, "none", False),
        (-SECOND + 20_000_000, 0, "insert", False),
        (-2 * SECOND, 0, "insert", False),
        (-SECOND, -60, "insert", False),
        (-SECOND, 60, "insert", False),
    ],
)
def test_only_the_scheduled_step_is_a_leap_second(step: int, offset: int, which: Any, expected: bool) -> None:
    at = (NEW_YEAR + offset) * SECOND
    found = leap.is_leap_step(step, (at - 500_000_000, at + 500_000_000), which, NEW_YEAR, 10_000_000)
    assert found is expected


@pytest.mark.req("EN319421:TIS-7.7.2-09")
def test_the_record_names_the_second() -> None:
    record = leap.leap_record("insert", NEW_YEAR, -SECOND, 50_000_000, 38)
    assert record["second"] == "2026-12-31T23:59:60Z"
    assert record["step_ns"] == -SECOND
    assert leap.leap_record("delete", NEW_YEAR, SECOND, 1, 36)["second"] == "2026-12-31T23:59:59Z"


# -- a night with a leap second


def night(make_world: Callable[..., World], make_leap_list: Callable[..., bytes], entries: Any) -> World:
    world = make_world("2026-12-31T23:59:50")
    world.leap_file.write_bytes(make_leap_list(entries))
    return world


def through(world: World, collector: Collector, guard: TimeGuard, seconds: float) -> list[str]:
    """Let time run in steps of 0.1 s; answers the codes that the worker gave, without repetition."""
    codes: list[str] = []
    for _ in range(round(seconds * 10)):
        world.run(0.1)
        collector.tick()
        try:
            guard.now()
            code = "ok"
        except Unavailable as error:
            code = error.code
        if not codes or codes[-1] != code:
            codes.append(code)
    return codes


@pytest.mark.req(
    "EN319421:TIS-7.7.2-07", "EN319421:TIS-7.7.2-08", "EN319421:TIS-7.7.2-09", "EN319421:OVR-7.12-04"
)
def test_a_leap_second_is_inserted(
    make_world: Callable[..., World], make_leap_list: Callable[..., bytes]
) -> None:
    world = night(make_world, make_leap_list, INSERTING)
    world.state, world.status, world.chrony_leap, world.tai = TIME_INS, STA_INS, "Insert second", 11
    collector, guard = world.collector(), world.guard()
    assert through(world, collector, guard, 8.8) == ["ok"]
    assert world.realtime == NEW_YEAR * SECOND - 1_200_000_000
    assert guard.now().evidence.leap_state == "insert"
    assert guard.status().leap_state == "insert"
    world.kinds()
    assert through(world, collector, guard, 1.2) == ["clock.leap-window"]
    # The kernel at 24:00:00: the second 23:59:59 runs once more, as 23:59:60.
    world.jump(-1)
    world.state, world.tai = TIME_OOP, 12
    assert through(world, collector, guard, 1.0) == ["clock.leap-window"]
    world.state = TIME_WAIT
    assert through(world, collector, guard, 1.1) == ["clock.leap-window"]
    events = dict(world.events)
    assert events["clock.leap-second-inserted"] == {
        "leap": "insert",
        "second": "2026-12-31T23:59:60Z",
        "step_ns": -SECOND,
        "seen_within_ns": 100_000_000,
        "kernel_tai_offset": 12,
    }
    assert world.kinds() == ["clock.lease-lost", "clock.leap-window-entered", "clock.leap-second-inserted"]
    # After the window the time goes on, chronyd's indicator still being set.
    assert through(world, collector, guard, 2) == ["ok"]
    assert guard.now().utc.isoformat() == "2027-01-01T00:00:03.100000+00:00"
    assert guard.now().evidence.leap_state == "none"
    assert world.kinds() == ["clock.leap-window-left", "clock.lease-acquired"]
    assert not guard.status().latched


def test_a_leap_second_is_deleted(
    make_world: Callable[..., World], make_leap_list: Callable[..., bytes]
) -> None:
    world = night(make_world, make_leap_list, DELETING)
    world.state, world.status, world.chrony_leap = TIME_DEL, STA_DEL, "Delete second"
    collector, guard = world.collector(), world.guard()
    assert through(world, collector, guard, 9.0) == ["ok", "clock.leap-window"]
    world.jump(1)
    world.state = TIME_WAIT
    assert through(world, collector, guard, 1.1) == ["clock.leap-window"]
    assert "clock.leap-second-deleted" in world.kinds()
    assert through(world, collector, guard, 2) == ["ok"]


@pytest.mark.req("EN319421:TIS-7.7.2-07", "EN319421:TIS-7.7.2-08")
def test_a_clock_that_misses_the_leap_second_is_stopped(
    make_world: Callable[..., World], make_leap_list: Callable[..., bytes]
) -> None:
    world = night(make_world, make_leap_list, INSERTING)
    world.state, world.status, world.chrony_leap = TIME_INS, STA_INS, "Insert second"
    collector, guard = world.collector(), world.guard()
    codes = through(world, collector, guard, 13)
    assert codes == ["ok", "clock.leap-window", "clock.leap-missed"]
    assert guard.status().latched
    assert "did not insert the leap second at the end of 2026-12-31" in guard.status().reason


@pytest.mark.req("EN319421:TIS-7.7.2-05", "EN319421:TIS-7.7.2-08")
def test_a_leap_second_that_nobody_scheduled_is_a_jump(world: World) -> None:
    collector = world.collector()
    world.ticks(collector)
    world.jump(-1)
    assert world.ticks(collector).code == "clock.jump"


def test_a_worker_without_collector_never_reaches_the_leap_second(
    make_world: Callable[..., World], make_leap_list: Callable[..., bytes]
) -> None:
    world = night(make_world, make_leap_list, INSERTING)
    world.state, world.status, world.chrony_leap = TIME_INS, STA_INS, "Insert second"
    collector, guard = world.collector(), world.guard()
    world.run(8)
    collector.tick()
    world.kill(collector)
    world.run(0.8)
    guard.now()
    for step in (0.2, 1.0, -1.0, 1.0, 1.2, 0.2):
        if step < 0:
            world.jump(step)
        else:
            world.run(step)
        with pytest.raises(Unavailable):
            guard.now()
    assert not guard.status().latched


def test_a_collector_that_starts_after_the_leap_second_knows_it(
    make_world: Callable[..., World], make_leap_list: Callable[..., bytes]
) -> None:
    world = night(make_world, make_leap_list, INSERTING)
    world.state, world.status, world.chrony_leap = TIME_INS, STA_INS, "Insert second"
    collector = world.collector()
    world.ticks(collector)
    world.kill(collector)
    world.run(30)
    world.jump(-1)
    world.state, world.status, world.chrony_leap = TIME_WAIT, 0, "Normal"
    assert world.ticks(world.collector()).code == "ok"
    assert "clock.leap-second-inserted" in world.kinds()


@pytest.mark.req("EN319421:TIS-7.7.2-07")
def test_a_disagreement_stops_until_it_is_resolved(
    make_world: Callable[..., World], make_leap_list: Callable[..., bytes]
) -> None:
    world = night(make_world, make_leap_list, PAST)
    world.state, world.status = TIME_INS, STA_INS
    collector, guard = world.collector(), world.guard()
    assert world.ticks(collector).code == "clock.leap-disagreement"
    with pytest.raises(Unavailable, match="kernel is set to insert"):
        guard.now()
    world.state, world.status = TIME_OK, 0
    assert world.ticks(collector).code == "ok"


@pytest.mark.req("EN319421:TIS-7.7.2-07")
def test_an_expired_leap_file_stops_unless_announcements_may_stand_in(
    world: World, make_leap_list: Callable[..., bytes]
) -> None:
    world.leap_file.write_bytes(make_leap_list(PAST, expires="2026-06-28"))
    collector, guard = world.collector(), world.guard()
    assert world.ticks(collector).code == "clock.leap-file"
    with pytest.raises(Unavailable, match=r"expired on 2026-06-28.*leap-authority"):
        guard.now()
    world.kill(collector)
    world.with_settings(**{"leap-authority": "announcements"})
    collector, guard = world.collector(), world.guard()
    assert world.ticks(collector).code == "ok"
    guard.now()
    assert guard.status().leap_file_expires == "2026-06-28"
    world.leap_file.unlink()
    assert world.ticks(collector).code == "ok"


def test_with_announcements_as_authority_a_leap_second_is_inserted_as_well(
    make_world: Callable[..., World],
) -> None:
    world = make_world("2026-12-31T23:59:50")
    world.with_settings(**{"leap-authority": "announcements"})
    world.leap_file.unlink()
    world.state, world.status, world.chrony_leap = TIME_INS, STA_INS, "Insert second"
    collector, guard = world.collector(), world.guard()
    assert through(world, collector, guard, 10) == ["ok", "clock.leap-window"]
    world.jump(-1)
    assert through(world, collector, guard, 1) == ["clock.leap-window"]
    world.state, world.status = TIME_WAIT, 0
    assert through(world, collector, guard, 3) == ["clock.leap-window", "ok"]
    assert "clock.leap-second-inserted" in world.kinds()


def test_a_reading_inside_the_window_is_refused_even_under_a_lease(
    make_world: Callable[..., World], make_leap_list: Callable[..., bytes]
) -> None:
    world = night(make_world, make_leap_list, INSERTING)
    world.state, world.status, world.chrony_leap = TIME_INS, STA_INS, "Insert second"
    collector, guard = world.collector(), world.guard()
    world.run(8.8)
    collector.tick()
    guard.now()
    world.run(0.099)
    world.jump(0.002)  # steered ahead, so the lease has not expired yet
    with pytest.raises(Unavailable) as caught:
        guard.now()
    assert caught.value.code == "clock.leap-window"


@pytest.mark.req("EN319421:OVR-7.12-04")
def test_an_announcement_is_an_event(
    make_world: Callable[..., World], make_leap_list: Callable[..., bytes]
) -> None:
    world = make_world("2026-12-30T23:59:59")
    world.leap_file.write_bytes(make_leap_list(INSERTING))
    collector, guard = world.collector(), world.guard()
    world.run(0.5)
    assert collector.tick().leap == "none"
    world.kinds()
    world.ticks(collector)
    assert world.events == [("clock.leap-second-announced", {"leap": "insert", "leap_at": NEW_YEAR})]
    assert guard.now().evidence.leap_state == "insert"


@pytest.mark.req("EN319421:TIS-7.7.2-07")
def test_without_the_kernels_word_on_leap_seconds_there_is_no_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> KernelClock:
        raise Unavailable("clock.kernel", "The kernel refused adjtimex(2).")

    world.with_settings(sources=["chrony"])
    collector = world.collector([ChronySource(world.settings, world.chronyc)])
    monkeypatch.setattr(world, "kernel", refused)
    assert world.ticks(collector).code == "clock.kernel"
    assert world.guard().status().leap_file_expires == "2030-06-28"


def test_a_leap_second_is_told_although_the_kernel_does_not_say_its_offset(
    make_world: Callable[..., World], make_leap_list: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = night(make_world, make_leap_list, INSERTING)
    watch = LeapWatch(world.with_settings(), world)
    watch.pending = ("insert", NEW_YEAR)

    def refused() -> NoReturn:
        raise Unavailable("clock.kernel", "The kernel refused adjtimex(2).")

    monkeypatch.setattr(world, "kernel", refused)
    around = ((NEW_YEAR - 1) * SECOND, NEW_YEAR * SECOND)
    told = watch.step_done(-SECOND, 100_000_000, around, 0.1 * SECOND)
    assert told is not None
    assert told[0] == "clock.leap-second-inserted"
    assert told[1]["kernel_tai_offset"] == 0
    assert watch.pending is None
