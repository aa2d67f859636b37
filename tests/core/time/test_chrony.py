"""chronyd's word: parsed strictly, believed only as far as it can be checked."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.time import TimeSettings
from trustworks.core.time.chrony import ChronySource, parse_tracking, tracking_bound, tracking_findings
from trustworks.core.time.readings import SystemReadings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.core.time.conftest import World

# Printed by chronyd 4.3 with nothing but `local stratum 10`.
TRAP = (
    "7F7F0101,,10,1795516868.176099169,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,"
    "0.000000000,0.000000000,0.0,Normal\n"
)
GOOD = (
    "C0000201,192.0.2.1,2,1795516800.000000000,-0.000020000,0.000003000,0.000004000,-12.345,0.001,0.020,"
    "0.010000000,0.000500000,64.5,Normal\n"
)
NOW = 1_795_516_900.0


def findings(line: str, now: float = NOW) -> str:
    return " ".join(tracking_findings(parse_tracking(line), now, 4, 2200.0))


def test_a_line_is_read() -> None:
    tracking = parse_tracking(GOOD)
    assert (tracking.reference_id, tracking.name, tracking.stratum) == ("C0000201", "192.0.2.1", 2)
    assert tracking.system_offset == -0.00002
    assert tracking.frequency_ppm == -12.345
    assert tracking.leap == "none"
    assert findings(GOOD) == ""


def test_the_bound_adds_offset_dispersion_half_the_delay_and_aging() -> None:
    at_least, bound = tracking_bound(parse_tracking(GOOD), NOW)
    # 20 us + 500 us + 5 ms + 0.02 ppm * 100 s
    assert bound == pytest.approx(5_522_000, abs=2)
    assert at_least == 0
    far = GOOD.replace("-0.000020000", "-0.100000000")
    assert tracking_bound(parse_tracking(far), NOW)[0] == pytest.approx(94_498_000, abs=2)


@pytest.mark.req("EN319421:TIS-7.7.2-02", "EN319411-1:REV-6.2.4-07")
def test_a_chronyd_that_follows_only_itself_is_refused() -> None:
    assert "127.127.x.y" in findings(TRAP)
    # Also when its stratum is made to look good.
    assert "127.127.x.y" in findings(TRAP.replace(",10,", ",1,"))


@pytest.mark.req("EN319421:TIS-7.7.2-02", "EN319411-1:REV-6.2.4-07")
@pytest.mark.parametrize("name", ["169.254.169.123", "216.239.35.8", "time2.google.com"])
def test_a_chronyd_that_follows_a_smearing_server_is_refused(name: str) -> None:
    tracking = parse_tracking(GOOD.replace("192.0.2.1", name))
    (finding,) = tracking_findings(tracking, tracking.reference_time, 4, 2200.0)
    assert f"chronyd follows {name}, which smears leap seconds" in finding


@pytest.mark.req("EN319421:TIS-7.7.2-02", "EN319411-1:REV-6.2.4-07")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("Normal", "Not synchronised"), "not synchronised to any source"),
        (("C0000201", "00000000"), "not synchronised to any source"),
        ((",2,", ",0,"), "not synchronised to any source"),
        ((",2,", ",5,"), "stratum 5, above the 4"),
        (("1795516800.", "1795510000."), "6900 s old"),
        (("1795516800.", "1795517000."), "100 s in the future"),
    ],
)
def test_what_speaks_against_chronyds_word(change: tuple[str, str], message: str) -> None:
    assert message in findings(GOOD.replace(*change))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "\n",
        GOOD + GOOD,
        GOOD.replace(",Normal", ""),
        GOOD.replace("Normal", "Perfect"),
        GOOD.replace(",2,", ",two,"),
        GOOD.replace(",2,", ",-2,"),
        GOOD.replace("C0000201", "c0000201"),
        GOOD.replace("C0000201", "C000020"),
        GOOD.replace("0.000500000", "nan"),
        GOOD.replace("0.000500000", "-0.000500000"),
        GOOD.replace("0.000500000", "1e-9"),
        GOOD.replace("0.000500000", ""),
        "506 Cannot talk to daemon\n",
    ],
)
def test_a_garbled_line_is_malformed(line: str) -> None:
    with pytest.raises(Malformed):
        parse_tracking(line)


@given(st.text(max_size=200))
def test_any_text_is_a_line_or_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse_tracking(text)


@given(st.integers(0, len(GOOD) - 2), st.characters(codec="ascii"))
def test_a_line_with_one_changed_character_is_read_or_malformed(place: int, character: str) -> None:
    try:
        tracking = parse_tracking(GOOD[:place] + character + GOOD[place + 1 :])
    except Malformed:
        return
    tracking_findings(tracking, NOW, 4, 2200.0)


def test_leap_announcements_and_names_reach_the_estimate(world: World) -> None:
    world.chrony_leap = "Insert second"
    source = ChronySource(world.settings, world.chronyc)
    estimate = source.estimate(world.moment())
    assert (estimate.leap, estimate.ids) == ("insert", ("chrony:192.0.2.1",))
    world.chrony = GOOD.replace("192.0.2.1", "").replace("1795516800", str(world.realtime // 10**9))
    assert source.estimate(world.moment()).ids == ("chrony:C0000201",)
    world.chrony = "garbage"
    with pytest.raises(Unavailable, match="Only chrony 3 and 4"):
        source.estimate(world.moment())


# -- the program itself


def script(folder: Path, text: str) -> str:
    file = folder / "chronyc"
    file.write_text(f"#!/bin/sh\n{text}\n", encoding="ascii")
    file.chmod(0o755)
    return str(file)


def source(**changes: str) -> ChronySource:
    return ChronySource(TimeSettings.model_validate({"traceable-to": ["UTC(TEST)"], **changes}))


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="install chrony"):
        source(chronyc=str(tmp_path / "none")).estimate(SystemReadings().moment())
    (tmp_path / "chronyc").write_bytes(b"")
    with pytest.raises(Unavailable, match="cannot be run"):
        source(chronyc=str(tmp_path / "chronyc")).estimate(SystemReadings().moment())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("echo '506 Cannot talk to daemon'; exit 1", "does not answer .506 Cannot talk to daemon.; start it"),
        ("exit 3", "chronyc ended with 3"),
        ("printf '\\377'", "cannot be run"),
        ("echo", "in place of 14"),
    ],
)
def test_a_program_that_fails_is_a_refusal(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(Unavailable, match=message):
        source(chronyc=script(tmp_path, text)).estimate(SystemReadings().moment())


def test_a_program_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trustworks.core.time.chrony._TIMEOUT", 0.05)
    with pytest.raises(Unavailable, match="no answer within"):
        source(chronyc=script(tmp_path, "exec sleep 5")).estimate(SystemReadings().moment())


@pytest.fixture
def chronyd() -> Iterator[Callable[[str], str]]:
    """A function that starts a private chronyd that leaves the clock alone, and answers its socket."""
    program = shutil.which("chronyd") or shutil.which("chronyd", path="/usr/sbin:/sbin")
    if program is None or shutil.which("chronyc") is None:
        pytest.skip("NOT TESTED: chrony is not installed")
    folder = Path(tempfile.mkdtemp(prefix="tw"))  # a short path: it names a Unix socket
    started: list[subprocess.Popen[bytes]] = []

    def start(directives: str) -> str:
        configuration = folder / "chrony.conf"
        configuration.write_text(
            f"{directives}\nport 0\ncmdport 0\nbindcmdaddress {folder}/c.sock\npidfile {folder}/pid\n",
            encoding="ascii",
        )
        command = [program, "-x", "-d", "-U", "-u", _account(), "-f", str(configuration)]
        log = (folder / "log").open("wb")
        started.append(subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL))
        log.close()
        deadline = time.monotonic() + 10
        while not (folder / "c.sock").exists():
            if started[-1].poll() is not None or time.monotonic() > deadline:
                pytest.skip(f"NOT TESTED: chronyd does not start here: {(folder / 'log').read_text()!r}")
            time.sleep(0.01)
        return f"{folder}/c.sock"

    yield start
    for process in started:
        process.terminate()
        process.wait(10)
    shutil.rmtree(folder)


def _account() -> str:
    import getpass  # noqa: PLC0415

    return getpass.getuser()


@pytest.mark.interop
@pytest.mark.req("EN319421:TIS-7.7.2-02", "EN319411-1:REV-6.2.4-07")
def test_a_real_chronyd_that_follows_only_itself_is_refused(chronyd: Callable[[str], str]) -> None:
    trap = source(**{"chrony-address": chronyd("local stratum 10")})
    printed = ""
    deadline = time.monotonic() + 20
    while not printed.endswith("Normal\n"):
        assert time.monotonic() < deadline, printed
        time.sleep(0.05)
        printed = trap._chronyc()
    # It looks perfect: synchronised, offset, delay and dispersion zero.
    assert re.match(r"7F7F0101,,10,[0-9.]+,0\.000000000,", printed)
    with pytest.raises(Unavailable, match=r"127\.127\.x\.y"):
        trap.estimate(SystemReadings().moment())


@pytest.mark.interop
def test_a_real_chronyd_without_servers_is_refused(chronyd: Callable[[str], str]) -> None:
    with pytest.raises(Unavailable, match="not synchronised to any source"):
        source(**{"chrony-address": chronyd("")}).estimate(SystemReadings().moment())


@pytest.mark.interop
def test_without_a_chronyd_the_sentence_says_so() -> None:
    if shutil.which("chronyc") is None:
        pytest.skip("NOT TESTED: chrony is not installed")
    with pytest.raises(Unavailable, match=r"chronyd does not answer.*start it"):
        source(**{"chrony-address": "/nonexistent/chronyd.sock"}).estimate(SystemReadings().moment())
