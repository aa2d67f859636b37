"""Processes that die, stop, and start a second time."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Self

import asn1crypto.cms
import asn1crypto.tsp  # knows what a token holds
import httpx
import pytest
from laboratory import QUERY, Lab, failure, until

from trustworks.timestamping import wire

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.e2e


class Clients:
    """Four clients that ask for time-stamps without a pause, and keep what they were told.

    `serials` are those of the tokens that arrived, `failures` the names of PKIFailureInfo.
    """

    def __init__(self, lab: Lab, request_der: bytes) -> None:
        self.serials: set[int] = set()
        self.failures: set[str] = set()
        self._url = f"{lab.url}/tsa"
        self._request = request_der
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(4)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        with httpx.Client(timeout=30) as session:
            while not self._stop.is_set():
                try:
                    answer = session.post(self._url, content=self._request, headers=QUERY)
                except httpx.HTTPError:
                    self._stop.wait(0.01)
                    continue
                response = wire.decode_response(answer.content)
                self.failures.update(response.failures)
                if response.token is None:
                    continue
                token = asn1crypto.cms.ContentInfo.load(response.token)
                info = token["content"]["encap_content_info"]["content"].parsed
                serial = info["serial_number"].native
                assert serial not in self.serials
                self.serials.add(serial)


@pytest.mark.crash
def test_killed_workers_are_started_again_and_every_token_has_its_record(
    lab: Lab, request_der: bytes
) -> None:
    with Clients(lab, request_der) as clients:
        for name in ("http-1", "http-2"):
            before = lab.children()[name]
            time.sleep(0.5)
            os.kill(before, signal.SIGKILL)
            until(partial(_is_another, lab, name, before))
        until(lab.well, seconds=60, what="that everything is well again")
    assert clients.serials
    assert not clients.failures
    listed = lab.run("audit", "verify").stdout
    assert "The log is sound." in listed
    recorded = _recorded(lab)
    assert clients.serials <= recorded, "a token left without its record"


@pytest.mark.crash
def test_a_worker_whose_audit_writer_dies_is_replaced_and_no_token_lacks_its_record(
    with_two_workers: Lab, request_der: bytes
) -> None:
    copied = with_two_workers
    copied.start()
    until(copied.well, what="that everything is well")
    before = copied.children()
    with Clients(copied, request_der) as clients:
        until(lambda: len(clients.serials) > 50, what="the first tokens")
        # No writer foresees a table that takes no event and says that this very one is there already.
        _execute(
            copied,
            "CREATE TRIGGER broken BEFORE INSERT ON audit_events "
            "BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed: audit_events.stream'); END",
        )
        for name in ("http-1", "http-2"):
            until(partial(_is_another, copied, name, before[name]), what=f"another {name}")
        assert "worker.audit-writer-died" in copied.output
        issued = len(clients.serials)
        assert clients.failures == {"systemFailure"}
        found = until(
            lambda: (told := _unwell(copied)).get("store") and told, what="that the new workers tell"
        )
        assert "store cannot be opened" in found["audit"]
        assert httpx.get(f"{copied.url}/healthz", timeout=30).status_code == 503
        assert failure(copied.stamp(request_der)) == "systemFailure"
        assert len(clients.serials) == issued, "a token was issued that nobody can record"
        _execute(copied, "DROP TRIGGER broken")
        until(lambda: len(clients.serials) > issued + 50, seconds=60, what="tokens again")
    until(copied.well, seconds=60, what="that everything is well again")
    assert clients.serials <= _recorded(copied), "a token left without its record"
    copied.stop()
    assert "The log is sound." in copied.run("audit", "verify").stdout


def _unwell(lab: Lab) -> dict[str, str]:
    """As `Lab.unwell`; nothing while no worker answers."""
    try:
        return lab.unwell()
    except httpx.HTTPError:
        return {}


def _execute(lab: Lab, statement: str) -> None:
    """Do something to the database that only its administrator can do."""
    connection = sqlite3.connect(lab.folder / "state" / "trustworks.sqlite", timeout=30)
    with connection:
        connection.execute(statement)
    connection.close()


def _is_another(lab: Lab, name: str, before: int) -> bool:
    return lab.children().get(name) not in {None, before}


def _recorded(lab: Lab) -> set[int]:
    """The serials in the record of issued tokens."""
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
        assert copied.process is not None
        copied.process.send_signal(how)
        time.sleep(0.5)
        half.sendall(request_der[10:])
        half.settimeout(20)
        assert half.recv(100).startswith(b"HTTP/1.1 200")
    assert copied.process.wait() == 0  # though a client keeps its connection
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
