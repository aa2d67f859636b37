from __future__ import annotations

import errno
import socket
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from laboratory import free_port

from trustworks.app.configuration.settings import HttpSettings
from trustworks.app.health import supervised as processes
from trustworks.app.health.supervised import ProcessState
from trustworks.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


def state(name: str = "https-1", *, ready: bool = True, deaths: int = 0, lately: int = 0) -> ProcessState:
    return ProcessState(name=name, ready=ready, deaths=deaths, lately=lately)


def test_what_the_supervisor_writes_the_workers_read(tmp_path: Path) -> None:
    states = (state("http-1", deaths=1), state(ready=False))
    assert processes.write(tmp_path, states)
    assert processes.read(tmp_path) == states
    assert not processes.write(tmp_path / "absent", states)


@pytest.mark.parametrize("content", [None, "", "1", "[1]", '[{"name": "x"}]', "{"])
def test_a_missing_or_damaged_file_is_told(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / processes.NAME).write_text(content, encoding="utf-8")
    with pytest.raises(Unavailable, match="Nothing is known") as raised:
        processes.read(tmp_path)
    assert raised.value.code == "processes.unknown"


def test_a_process_that_is_down_or_dies_again_and_again_is_told() -> None:
    processes.check([state(), state("http-1", deaths=1, lately=1)])
    with pytest.raises(Unavailable, match=r"https-1 is not up; jobs has died 7 times"):
        processes.check([state(ready=False), state("jobs", deaths=7, lately=7), state("http-1")])


@pytest.fixture
def http(tmp_path: Path) -> Iterator[HttpSettings]:
    """Settings of three listeners, each of them there; nobody accepts what comes."""
    with tempfile.TemporaryDirectory() as short, ExitStack() as stack:
        file = Path(short) / "proxy.sock"
        plain, tls = (
            stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1)) for _ in range(2)
        )
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(str(file))
        unix.listen(1)
        yield HttpSettings.model_validate(
            {
                "listen": f"127.0.0.1:{plain.getsockname()[1]}",
                "tls-listen": f"127.0.0.1:{tls.getsockname()[1]}",
                "tls-certificate": tmp_path / "tls.pem",
                "tls-key": tmp_path / "tls.key",
                "proxy": {"unix-socket": file},
            }
        )


def test_a_unix_socket_that_was_removed_is_told(http: HttpSettings) -> None:
    processes.check_listeners(http)
    file = http.proxy.unix_socket
    assert file is not None
    file.unlink()
    with pytest.raises(Unavailable, match=f"Nothing listens on {file}, though") as raised:
        processes.check_listeners(http)
    assert raised.value.code == "processes.unheard"
    file.touch()
    with pytest.raises(Unavailable, match=f"Nothing listens on {file}, though"):
        processes.check_listeners(http)


@pytest.mark.parametrize("setting", ["listen", "tls_listen"])
def test_an_address_on_which_nobody_listens_is_told(http: HttpSettings, setting: str) -> None:
    free = f"127.0.0.1:{free_port()}"
    with pytest.raises(Unavailable, match=f"Nothing listens on {free}, though"):
        processes.check_listeners(http.model_copy(update={setting: free}))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "Name or service not known"),
        (OSError("odd"), "odd"),
    ],
)
def test_a_listener_that_cannot_be_tried_is_told_by_its_own_reason(
    http: HttpSettings, monkeypatch: pytest.MonkeyPatch, error: OSError, reason: str
) -> None:
    def refuse(*_: object) -> socket.socket:
        raise error

    monkeypatch.setattr(socket, "create_connection", refuse)
    with pytest.raises(Unavailable, match=rf"cannot be tried: {http.listen} \({reason}\)") as raised:
        processes.check_listeners(http)
    assert raised.value.code == "processes.untried"
    assert "Nothing listens" not in str(raised.value)


def test_a_listener_that_is_busy_is_there(http: HttpSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PATIENCE", 0.1)
    file = http.proxy.unix_socket
    assert file is not None
    with ExitStack() as waiting:
        for _ in range(3):  # more than the backlog
            for family, where in (
                (socket.AF_UNIX, str(file)),
                (socket.AF_INET, ("127.0.0.1", int(http.listen.rpartition(":")[2]))),
            ):
                one = waiting.enter_context(socket.socket(family))
                one.setblocking(False)
                with suppress(BlockingIOError):
                    one.connect(where)
        processes.check_listeners(http)
