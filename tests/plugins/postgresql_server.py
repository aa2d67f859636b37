"""A PostgreSQL server of the tests, from the system's package, behind a Unix socket in a private folder."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterable

_ROLE = "trustworks"
_START_WITHIN = 30.0
# What a server does without whose data need not outlive it.
_QUICK = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
# A test run that is killed stops no server; the kernel does, where there is a program to ask it for that.
_DIES_WITH_US = ("setpriv", "--pdeathsig", "INT", "--") if shutil.which("setpriv") else ()


class NoPostgresqlError(Exception):
    """The programs of PostgreSQL are not installed, or there is no account to run them by."""


def programs() -> Path:
    """The folder of the newest installed server's programs."""
    on_path = shutil.which("initdb")
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parent.parent.name)
    )
    if found:
        return found[-1].parent
    if on_path is not None:
        return Path(on_path).parent
    raise NoPostgresqlError("PostgreSQL's programs are missing: apt-get install postgresql")


class PostgresqlServer:
    """A server with its data in a new temporary folder; `durable` servers synchronise the disk."""

    role = _ROLE

    def __init__(self, *, durable: bool) -> None:
        self._programs = programs()
        self._account = _account()
        self.folder = Path(tempfile.mkdtemp(prefix="tw-pg-"))
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        if self._account is not None:
            os.chown(self.folder, self._account.pw_uid, self._account.pw_gid)
        folder = str(self.folder / "data")
        command = [str(self._programs / "initdb"), "-D", folder, "-U", _ROLE, "-A", "trust"]
        # The C locale and no synchronisation: the folder lives as long as the tests.
        subprocess.run(
            [*command, "--no-sync", "--no-locale", "-E", "UTF8"],
            check=True,
            capture_output=True,
            **self._as_account(),
        )
        self.start()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "max_connections": "60",
            "shared_buffers": "32MB",
        }
        if not self._durable:
            options |= _QUICK
        arguments = [f"--{name}={value}" for name, value in options.items()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *_DIES_WITH_US,
                    str(self._programs / "postgres"),
                    "-D",
                    str(self.folder / "data"),
                    *arguments,
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as_account(),
            )
        deadline = time.monotonic() + _START_WITHIN
        while True:
            try:
                self.run("SELECT 1")
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text(errors="replace")) from None
                time.sleep(0.02)
            else:
                return

    def stop(self, *, crash: bool = False) -> None:
        """Stop the server: by its own fast shutdown, or (`crash`) by killing it."""
        if self._process is None:
            return
        if crash:
            # Its children outlive it for a moment: all must be gone before a new start.
            killed = [self._process.pid, *_children(self._process.pid)]
            for pid in killed:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait(60)
            while any(Path(f"/proc/{pid}").exists() for pid in killed[1:]):
                time.sleep(0.005)
        else:
            self._process.send_signal(signal.SIGINT)
        self._process.wait(60)
        self._process = None

    def remove(self) -> None:
        """Stop the server at once, without the writing that a new start would need, and remove its data."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)  # it still removes its shared memory
            self._process.wait(60)
            self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str) -> str:
        """What [store] url says for a database of this server."""
        return f"postgresql://{_ROLE}@/{database}?host={quote(str(self.folder), safe='')}"

    def run(self, *statements: str, database: str = "postgres") -> list[Any]:
        """Run SQL as the administrator, each statement by itself, and answer the rows of the last one."""
        with psycopg.connect(
            host=str(self.folder), user=_ROLE, dbname=database, autocommit=True, connect_timeout=5
        ) as connection:
            rows: Iterable[Any] = ()
            for statement in statements:
                cursor = connection.execute(statement.encode())
                rows = cursor.fetchall() if cursor.description else ()
            return list(rows)

    def _as_account(self) -> dict[str, Any]:
        if self._account is None:
            return {"cwd": self.folder}
        return {
            "cwd": self.folder,
            "user": self._account.pw_uid,
            "group": self._account.pw_gid,
            "extra_groups": [],
            "env": {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"},
        }


def _children(parent: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(status.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(status.parent.name))
    return found


def _account() -> pwd.struct_passwd | None:
    """Whom to run the server as: PostgreSQL refuses to be run by root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NoPostgresqlError("there is neither an account `postgres` nor `nobody` to run PostgreSQL by")
