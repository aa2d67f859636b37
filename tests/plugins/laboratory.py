"""A laboratory as its user runs it: a folder, a process, and what can be asked of both."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import forked_program
import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = forked_program.PROGRAM
UP_WITHIN = 120.0  # seconds; the machine may be busy with other tests
_PORTS = 15_000, 32_000  # Linux gives clients those from 32768
QUERY = {"content-type": "application/timestamp-query"}


_GIVEN: set[int] = set()


def free_port() -> int:
    """A port that nobody listens at, out of those that the system gives to no client by itself.

    One of the system's own choice may be the end of some connection before a laboratory listens at it.
    """
    choices = secrets.SystemRandom()
    while True:
        port = choices.randrange(*_PORTS)
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            if port not in _GIVEN:
                _GIVEN.add(port)
                return port


def until(condition: Callable[[], Any], *, seconds: float = UP_WITHIN, what: str = "it") -> Any:
    """Wait for a condition; what it answered."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:g} s"
        time.sleep(0.05)


@dataclass
class Lab:
    """A laboratory in a folder, and the process that serves it."""

    folder: Path
    port: int = field(default_factory=free_port)
    tls_port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None
    seconds: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"https://127.0.0.1:{self.tls_port}"

    @property
    def config(self) -> Path:
        return self.folder / "trustworks.toml"

    @property
    def output(self) -> str:
        return (self.folder.parent / f"{self.folder.name}.out").read_text(encoding="utf-8")

    def command(self, *more: str) -> list[str]:
        addresses = ("--listen", f"127.0.0.1:{self.port}", "--tls-listen", f"127.0.0.1:{self.tls_port}")
        return [str(PROGRAM), "lab", "--dir", str(self.folder), *addresses, *more]

    def set_up(self) -> None:
        self.try_set_up().check_returncode()

    def try_set_up(self) -> subprocess.CompletedProcess[str]:
        """Make what is missing, or fail; what it said."""
        return forked_program.run(*self.command("--setup-only")[1:], cwd=self.folder.parent)

    def start(self, *more: str, wait: bool = True) -> None:
        """Start it, and wait until it says that it is up."""
        with (self.folder.parent / f"{self.folder.name}.out").open("w", encoding="utf-8") as out:
            started = time.monotonic()
            self.process = subprocess.Popen(
                self.command(*more), stdout=out, stderr=subprocess.STDOUT, text=True, cwd=self.folder.parent
            )
        if wait:
            until(self._is_up, seconds=UP_WITHIN, what="the start of the laboratory")
            self.seconds = time.monotonic() - started

    def _is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.output
        return "Ctrl-C stops it" in self.output

    def stop(self, *, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop it; its exit code."""
        assert self.process is not None
        self.process.send_signal(how)
        code = self.process.wait(30)
        self.process = None
        return code

    def kill_everything(self) -> None:
        """kill -9 of the supervisor and of all that it started."""
        assert self.process is not None
        children = list(self.children().values())
        self.process.kill()
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def children(self) -> dict[str, int]:
        """The process ids of workers and jobs, by name: the fork server has forked them."""
        assert self.process is not None
        server = [pid for pid, _ in _children(self.process.pid) if "fork_server" in _command(pid)]
        return {name: pid for one in server for pid, name in _children(one)}

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A `trustworks` command on this laboratory."""
        found = forked_program.run("--config", self.config, *arguments, cwd=self.folder.parent)
        assert not check or found.returncode == 0, found.stderr + found.stdout
        return found

    def health(self) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"{self.url}/healthz", timeout=30).json()
        return found

    def unwell(self) -> dict[str, str]:
        """Sentences by the name of the resource that is not well."""
        return {name: one["sentence"] for name, one in self.health()["resources"].items() if not one["ok"]}

    def well(self) -> bool:
        try:
            return not self.unwell()
        except httpx.HTTPError:
            return False

    def stamp(self, body: bytes) -> httpx.Response:
        return httpx.post(f"{self.url}/tsa", content=body, headers=QUERY, timeout=30)


def _children(parent: int) -> list[tuple[int, str]]:
    """The ids and names of a process' children."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
                if int(rest.split()[1]) == parent:
                    found.append((int(entry.name), name))
    return found


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


def query(folder: Path, text: str = "to be stamped") -> bytes:
    """A time-stamp request that OpenSSL made over a text."""
    file = folder / "data"
    file.write_text(text, encoding="utf-8")
    subprocess.run(
        ["openssl", "ts", "-query", "-data", file, "-sha256", "-cert", "-out", folder / "q.tsq"],
        check=True,
        capture_output=True,
    )
    return (folder / "q.tsq").read_bytes()


def openssl(*arguments: object) -> str:
    """What OpenSSL says, on both of its outputs."""
    command = ["openssl", *map(str, arguments)]
    judged = subprocess.run(command, capture_output=True, text=True, check=False)
    return judged.stdout + judged.stderr


FAILURES = {
    "the data submitted has the wrong format": "badDataFormat",
    "the TSA's time source is not available": "timeNotAvailable",
    "the request cannot be handled due to system failure": "systemFailure",
}


def failure(answer: httpx.Response) -> str | None:
    """Why OpenSSL says that a request for a time-stamp was refused; None for one that was granted."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/timestamp-reply"
    with tempfile.NamedTemporaryFile() as file:
        file.write(answer.content)
        file.flush()
        command = ["openssl", "ts", "-reply", "-in", file.name, "-text"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Status: Granted." in said:
        return None
    assert "Status: Rejected." in said
    return FAILURES[said.partition("Failure info: ")[2].splitlines()[0]]
