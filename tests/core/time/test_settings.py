"""The table [time], the declared accuracy, and the clocks that `open_clock` opens."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from trustworks.core.errors import Refused
from trustworks.core.time import LabClock, TimeGuard, TimeSettings, check_declared_accuracy, open_clock
from trustworks.core.time.config import split_server
from trustworks.core.time.readings import SystemReadings
from trustworks.core.time.sources import make_sources

if TYPE_CHECKING:
    from tests.core.time.conftest import World


def settings(**table: Any) -> TimeSettings:
    return TimeSettings.model_validate(table)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ptbtime1.ptb.de", ("ptbtime1.ptb.de", 123)),
        ("192.0.2.1:1123", ("192.0.2.1", 1123)),
        ("2001:db8::1", ("2001:db8::1", 123)),
        ("[2001:db8::1]", ("2001:db8::1", 123)),
        ("[2001:db8::1]:1123", ("2001:db8::1", 1123)),
    ],
)
def test_names_of_servers(value: str, expected: tuple[str, int]) -> None:
    assert split_server(value) == expected


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"mode": "monitor"}, "'enforce' or 'lab'"),
        ({"colour": 1}, "Extra inputs"),
        ({"sources": []}, "at least 1 item"),
        ({"sources": ["kernel"]}, "the kernel alone proves no error bound"),
        ({"sources": ["chrony", "chrony"]}, "a source twice"),
        ({"sources": ["ntp"]}, "at least 3 different servers"),
        ({"sources": ["ntp"], "ntp-servers": ["a", "b"]}, "at least 3 different servers"),
        ({"ntp-servers": ["a", "a", "b"]}, "a is named twice"),
        ({"ntp-servers": ["b.example", "a.example", "a.example:123"]}, "a.example is named twice"),
        ({"ntp-servers": ["a.example", "A.example."]}, "named twice"),
        ({"ntp-servers": ["192.0.2.1:123", "192.0.2.1:0123"]}, "named twice"),
        ({"ntp-servers": ["192.0.2.1", "::ffff:192.0.2.1"]}, "named twice"),
        ({"ntp-servers": ["2001:db8::1", "[2001:DB8:0::1]:123"]}, "named twice"),
        ({"max-reference-age": float("inf")}, "less than or equal to 86400"),
        ({"max-reference-age": float("nan")}, "finite|less than or equal|greater than"),
        ({"max-reference-age": 86_401}, "less than or equal to 86400"),
        ({"report-every": float("inf")}, "less than or equal to 86400"),
        ({"lease-seconds": float("nan")}, "finite|less than or equal|greater than"),
        ({"oscillator-ppm": float("inf")}, "less than or equal to 1000"),
        ({"slew-ppm": float("inf")}, "less than or equal to 100000"),
        ({"ntp-poll": float("inf")}, "less than or equal to 1024"),
        ({"ntp-timeout": float("nan")}, "finite|less than or equal|greater than"),
        ({"ntp-servers": ["host:0"]}, "HOST:PORT"),
        ({"ntp-servers": [":123"]}, "HOST:PORT"),
        ({"ntp-servers": ["host:ntp"]}, "HOST:PORT"),
        ({"ntp-quorum": 2}, "greater than or equal to 3"),
        ({"leap-window-ms": 500}, "greater than or equal to 1000"),
    ],
)
def test_bad_settings_are_named(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        settings(**table)


@pytest.mark.parametrize(
    "server",
    [
        "time.google.com",
        "TIME3.Google.com.:123",
        "time.android.com",
        "metadata.google.internal",
        "metadata.google.internal.",
        "time1.facebook.com",
        "time5.facebook.com:123",
        "time.aws.com",
        "time3.aws.com",
        "169.254.169.123",
        "169.254.169.254",
        "::ffff:169.254.169.123",
        "[FD00:EC2:0::123]:123",
        "216.239.35.4",
        "2001:4860:4806:0::",
    ],
)
def test_servers_that_smear_leap_seconds_are_refused(server: str) -> None:
    with pytest.raises(ValidationError, match="smears leap seconds"):
        settings(**{"ntp-servers": [server]})


@pytest.mark.parametrize("server", ["notgoogle.com.example", "time.example", "xaws.com", "192.0.2.1"])
def test_other_servers_are_taken(server: str) -> None:
    assert settings(**{"ntp-servers": [server]}).ntp_servers == (server,)


@pytest.mark.req("EN319421:TIS-7.7.2-03")
@pytest.mark.parametrize("declared", [0, -1, 1_000_001])
@pytest.mark.parametrize("mode", ["enforce", "lab"])
def test_one_second_is_the_worst_that_may_be_declared(declared: int, mode: str) -> None:
    with pytest.raises(Refused) as caught:
        check_declared_accuracy(settings(mode=mode), declared, 1)
    assert caught.value.requirement == "EN319421:TIS-7.7.2-03"
    check_declared_accuracy(settings(mode=mode), 1_000_000, 1)


@pytest.mark.req("EN319421:TIS-7.7.1-05", "EN319421:TIS-7.7.1-06")
def test_the_declared_accuracy_covers_bound_holdover_and_resolution() -> None:
    # 100 ms bound; 5 s at 100 + 1000 ppm and a step of 5 ms: 10.5 ms; resolution 1 ms.
    check_declared_accuracy(settings(), 111_500, 1000)
    with pytest.raises(Refused, match="Declare at least 111500 us") as caught:
        check_declared_accuracy(settings(), 111_499, 1000)
    assert caught.value.requirement == "EN319421:TIS-7.7.1-05"
    with pytest.raises(Refused):
        check_declared_accuracy(settings(**{"lease-seconds": 60}), 111_500, 1000)
    # The laboratory's clock keeps no accuracy that a setting could break.
    check_declared_accuracy(settings(mode="lab"), 1, 1)


@pytest.mark.req("EN319421:TIS-7.7.1-06", "EN319421:TIS-7.7.1-07")
def test_no_time_is_ever_given_with_a_larger_error_than_was_declared_for(world: World) -> None:
    collector, guard = world.collector(), world.guard()
    world.chrony_offset = "0.093000000"  # with delay and dispersion just below the limit
    world.ticks(collector)
    world.run(4.999)
    world.jump(0.0099)
    bound = guard.now().bound_us
    assert bound > 100_000
    check_declared_accuracy(world.settings, bound + 1, 1) if bound >= 110_500 else None
    assert bound + 1 <= 110_501


def test_the_collector_asks_what_is_configured() -> None:
    table = {"sources": ["kernel", "chrony", "ntp"], "ntp-servers": ["192.0.2.1", "192.0.2.2", "192.0.2.3"]}
    found = make_sources(settings(**table), SystemReadings())
    assert [source.name for source in found] == ["kernel", "chrony", "ntp"]


def test_open_clock_follows_the_mode(tmp_path: Path) -> None:
    assert isinstance(open_clock(settings(), tmp_path), TimeGuard)
    clock = open_clock(settings(mode="lab"), tmp_path)
    assert isinstance(clock, LabClock)
    assert clock.mode == clock.status().mode == "lab"
    assert settings(**{"lease-file": "/run/x"}).lease_path(tmp_path) == Path("/run/x")


def test_the_labs_clock_says_that_nothing_was_checked(world: World) -> None:
    now = LabClock(world).now()
    assert now.utc == datetime(2026, 11, 24, 10, tzinfo=UTC)
    assert now.bound_us == 0
    assert now.evidence.as_dict() == {
        "mode": "lab",
        "lease": "none",
        "sources": ["unchecked"],
        "bound_us": None,
        "leap_state": "unchecked",
    }
    assert "not checked" in LabClock().status().reason
    assert LabClock().now().utc.tzinfo is UTC
