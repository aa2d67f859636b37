from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

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
    assert list(tmp_path.iterdir()) == []
