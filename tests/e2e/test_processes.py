"""Processes that die, stop, and start a second time."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import asn1crypto.tsp
import httpx
import pytest
from laboratory import QUERY, Lab, until

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.e2e


@pytest.mark.crash
def test_killed_workers_are_started_again_and_every_token_has_its_record(
    lab: Lab, request_der: bytes
) -> None:
    serials: set[int] = set()
    stop = threading.Event()

    def client() -> None:
        with httpx.Client(timeout=30) as session:
            while not stop.is_set():
                try:
                    answer = session.post(f"{lab.url}/tsa", content=request_der, headers=QUERY)
                except httpx.HTTPError:
                    continue
                response = asn1crypto.tsp.TimeStampResp.load(answer.content)
                assert response["status"]["status"].native == "granted"
                serial = (
                    response["time_stamp_token"]["content"]["encap_content_info"]["content"]
                    .parsed["serial_number"]
                    .native
                )
                assert serial not in serials
                serials.add(serial)

    threads = [threading.Thread(target=client) for _ in range(4)]
    for thread in threads:
        thread.start()
    for name in ("http-1", "http-2"):
        before = lab.children()[name]
        time.sleep(0.5)
        os.kill(before, signal.SIGKILL)
        until(partial(_is_another, lab, name, before))
    until(lab.well, seconds=60, what="that everything is well again")
    stop.set()
    for thread in threads:
        thread.join()
    assert serials
    listed = lab.run("audit", "verify").stdout
    assert "The log is sound." in listed
    recorded = _recorded(lab)
    assert serials <= recorded, "a token left without its record"


def _is_another(lab: Lab, name: str, before: int) -> bool:
    return lab.children().get(name) not in {None, before}


def _recorded(lab: Lab) -> set[int]:
    """The serials in the record of issued tokens."""
    import sqlite3  # noqa: PLC0415

    with sqlite3.connect(f"file:{lab.folder}/state/trustworks.sqlite?mode=ro", uri=True) as connection:
        found = {int(serial, 16) for (serial,) in connection.execute("SELECT serial FROM timestamp_tokens")}
    connection.close()
    return found


@pytest.mark.crash
def test_a_killed_jobs_process_is_started_again(lab: Lab) -> None:
    before = lab.children()["jobs"]
    os.kill(before, signal.SIGKILL)
    until(lambda: lab.children().get("jobs") not in {None, before})
    until(lab.well, seconds=60, what="that everything is well again")


def test_a_second_one_in_the_same_folder_is_refused_with_a_sentence(lab: Lab) -> None:
    assert lab.process is not None
    second = subprocess.run(lab.command(), capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert f"run already (process {lab.process.pid}" in second.stderr
    assert "Traceback" not in second.stderr
    serve = lab.run("serve", check=False)
    assert serve.returncode == 1
    assert "run already" in serve.stderr


def test_a_port_in_use_is_refused_before_anything_is_made(make_lab: Callable[[], Lab]) -> None:
    one = make_lab()
    with socket.create_server(("127.0.0.1", one.port)):
        found = subprocess.run(one.command(), capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert f"Another program listens on 127.0.0.1:{one.port} already" in found.stderr
    assert not one.folder.exists()


def test_a_wrong_address_is_told_before_anything_is_made(make_lab: Callable[[], Lab]) -> None:
    one = make_lab()
    command = [*one.command()[:4], "--listen", "8080"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert "--listen: write HOST:PORT" in found.stderr
    assert not one.folder.exists()


def test_the_second_start_makes_nothing_new_and_keeps_the_certificates(
    copied: Lab, request_der: bytes
) -> None:
    before = {file.name: file.read_bytes() for file in (copied.folder / "trust").iterdir()}
    copied.start()
    assert "is complete" in copied.output
    assert "Setting up" not in copied.output
    assert copied.stamp(request_der).status_code == 200
    assert {file.name: file.read_bytes() for file in (copied.folder / "trust").iterdir()} == before


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_graceful_stop_completes_answers_in_flight_and_closes_the_audit_streams(
    copied: Lab, request_der: bytes, how: signal.Signals
) -> None:
    copied.start()
    head = (
        f"POST /tsa HTTP/1.1\r\nHost: x\r\nContent-Type: application/timestamp-query\r\n"
        f"Content-Length: {len(request_der)}\r\n\r\n"
    ).encode()
    idle = socket.create_connection(("127.0.0.1", copied.port))
    with socket.create_connection(("127.0.0.1", copied.port)) as half:
        half.sendall(head + request_der[:10])
        time.sleep(0.3)
        started = time.monotonic()
        assert copied.process is not None
        copied.process.send_signal(how)
        time.sleep(0.5)
        half.sendall(request_der[10:])
        half.settimeout(20)
        assert half.recv(100).startswith(b"HTTP/1.1 200")
    assert copied.process.wait(20) == 0
    assert time.monotonic() - started < 15
    idle.close()
    copied.process = None
    found = copied.run("audit", "verify").stdout
    assert "The log is sound." in found
    assert "(0 without an end)" in found
    assert "; 0 not in it yet" in found


@pytest.mark.crash
def test_after_kill_9_of_everything_the_next_start_is_well_and_the_log_is_sound(
    copied: Lab, request_der: bytes
) -> None:
    copied.start()
    for _ in range(20):
        copied.stamp(request_der)
    copied.kill_everything()
    copied.start()
    until(copied.well, seconds=60, what="that everything is well")
    assert copied.stamp(request_der).status_code == 200
    assert "The log is sound." in copied.run("audit", "verify").stdout
    assert len(_recorded(copied)) >= 21


@pytest.mark.crash
def test_workers_stop_when_only_the_supervisor_is_killed_and_the_next_start_waits_for_them(
    copied: Lab,
) -> None:
    copied.start()
    assert copied.process is not None
    children = copied.children()
    copied.process.kill()
    copied.process.wait()
    copied.start()
    assert not [pid for pid in children.values() if os.path.exists(f"/proc/{pid}")]  # noqa: PTH110
    until(copied.well, seconds=60, what="that everything is well")


@pytest.mark.crash
def test_a_set_up_that_is_killed_anywhere_is_completed_by_the_next(make_lab: Callable[[], Lab]) -> None:
    one = make_lab()
    chance = random.Random(20261124)  # noqa: S311 - moments to kill at
    for _ in range(6):
        process = subprocess.Popen(
            one.command("--setup-only"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert process.stdout is not None
        lines = chance.randrange(1, 9)
        for _ in range(lines):
            process.stdout.readline()
        time.sleep(chance.random() * 0.1)
        process.kill()
        process.wait()
        process.stdout.close()
    one.start()
    until(one.well, seconds=60, what="that everything is well")
    assert "The log is sound." in one.run("audit", "verify").stdout
    assert not (one.folder / "tokens.new").exists()
    listed = one.run("certificate", "list", "--json").stdout
    assert listed.count('"tsu"') == 1


def test_another_address_moves_the_laboratory(copied: Lab) -> None:
    copied.start()
    assert f'listen = "127.0.0.1:{copied.port}"' in copied.config.read_text(encoding="utf-8")
    assert f'time-stamp-url = "http://127.0.0.1:{copied.port}/tsa"' in copied.config.read_text(
        encoding="utf-8"
    )
    until(copied.well, seconds=60, what="that everything is well")


def test_copies_do_not_touch_the_original(finished: object) -> None:
    assert shutil.which("openssl")
    del finished
