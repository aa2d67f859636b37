from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

COUNT = """
import errno, os, pathlib, sys
from trustworks.app.health import metrics
metrics.prepare(pathlib.Path(sys.argv[1]))
if sys.argv[2] == "full":
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.posix_fallocate = full
traffic = metrics.Traffic()
for number in range(int(sys.argv[3])):
    traffic.count(f"/a/rather/long/route/{number}", 200, 0.001)
    traffic.resource("clock", up=True)
    traffic.timestamp("tsu-1", "granted")
    traffic.timestamp("-", "badDataFormat")
    traffic.ocsp_response("good")
print(metrics.exposition()[0].decode())
"""


def counted(folder: Path, disk: str, number: int) -> str:
    command = [sys.executable, "-c", COUNT, str(folder), disk, str(number)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_files_of_numbers_have_no_holes_that_a_full_disk_could_tear_open(tmp_path: Path) -> None:
    said = counted(tmp_path, "empty", 400)
    assert said.count("trustworks_http_requests_total{") == 400
    assert 'trustworks_timestamps_total{result="granted",unit="tsu-1"} 400.0' in said
    assert 'trustworks_timestamps_total{result="badDataFormat",unit="-"} 400.0' in said
    assert 'trustworks_ocsp_responses_total{result="good"} 400.0' in said
    for file in tmp_path.glob("*.db"):
        found = file.stat()
        assert found.st_blocks * 512 >= found.st_size, f"{file.name} has holes"
    assert any(file.stat().st_size > 1 << 18 for file in tmp_path.glob("*.db")), "no file has grown"


def test_the_processes_numbers_are_added_up(tmp_path: Path) -> None:
    counted(tmp_path, "empty", 2)
    said = counted(tmp_path, "empty", 3)
    assert 'trustworks_timestamps_total{result="granted",unit="tsu-1"} 5.0' in said
    assert 'trustworks_ocsp_responses_total{result="good"} 5.0' in said


def test_without_room_nothing_is_counted_and_nothing_fails(tmp_path: Path) -> None:
    assert "trustworks" not in counted(tmp_path, "full", 3)
    assert list(tmp_path.glob("*.db")) == []


FORGET = """
import pathlib, sys
from trustworks.app.health import metrics
folder = pathlib.Path(sys.argv[1])
metrics.prepare(folder)
for file in list(folder.glob("counter_*.db")):
    pid = file.stem.partition("_")[2]
    if pid.isdecimal():
        metrics.forget(folder, int(pid))
print(metrics.exposition()[0].decode())
"""


def test_the_numbers_of_processes_that_ended_are_kept_in_one_file_of_each_kind(tmp_path: Path) -> None:
    said = ""
    for _ in range(3):
        counted(tmp_path, "empty", 2)
        command = [sys.executable, "-c", FORGET, str(tmp_path)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert 'trustworks_timestamps_total{result="granted",unit="tsu-1"} 6.0' in said
    assert 'trustworks_http_request_seconds_count{route="/a/rather/long/route/1"} 3.0' in said
    assert "trustworks_resource_up" not in said
    assert {file.name for file in tmp_path.glob("*.db")} == {"counter_ended.db", "histogram_ended.db"}


# Asks for the numbers between the two steps of moving them.
BETWEEN = """
import pathlib, sys, threading
from trustworks.app.health import metrics
folder = pathlib.Path(sys.argv[1])
metrics.prepare(folder)
add, asked = metrics._add, []
def between(file, numbers):
    add(file, numbers)
    asking = threading.Thread(target=lambda: asked.append(metrics.exposition()[0].decode()))
    asking.start()
    asking.join(1)
    threads.append(asking)
threads = []
metrics._add = between
(file,) = folder.glob("counter_[0-9]*.db")
metrics.forget(folder, int(file.stem.partition("_")[2]))
for one in threads:
    one.join()
for text in asked:
    print(next(line for line in text.splitlines() if line.startswith("trustworks_ocsp_responses_total{")))
"""


def test_whoever_asks_while_numbers_move_counts_none_twice(tmp_path: Path) -> None:
    counted(tmp_path, "empty", 2)
    command = [sys.executable, "-c", BETWEEN, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ['trustworks_ocsp_responses_total{result="good"} 2.0'] * 2


@pytest.mark.parametrize("octets", [b"", b"\1", b"\xff\xff\xff\x7f" * 4], ids=["empty", "short", "wrong"])
def test_a_file_that_was_spoilt_spoils_no_other(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "counter_1.db").write_bytes(octets)
    assert 'trustworks_ocsp_responses_total{result="good"} 2.0' in counted(tmp_path, "empty", 2)
