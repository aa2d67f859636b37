"""Runs `trustworks` in processes that are forked from one that has imported all of it.

Such a process is as separate as one that is started anew: it has its own memory, folder, environment and
outputs, and no cryptographic module was opened in it before. It only does not spend its first second on
imports. Tests of the start itself, and of what is served, start the program.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.executable).with_name("trustworks")
_ENOUGH = 1 << 20  # octets of a request: arguments and environment


def run(
    *arguments: object, given: str = "", cwd: Path | None = None, check: bool = False
) -> subprocess.CompletedProcess[str]:
    """What `trustworks` with these arguments said, and its exit code, as `subprocess.run` answers it."""
    return _run([str(PROGRAM), *map(str, arguments)], None, given, cwd, check=check)


def run_script(
    script: str, *arguments: object, given: str = "", cwd: Path | None = None, check: bool = False
) -> subprocess.CompletedProcess[str]:
    """The same for a text of Python, as by `python -c`."""
    return _run(["-c", *map(str, arguments)], script, given, cwd, check=check)


def _run(
    argv: list[str], script: str | None, given: str, cwd: Path | None, *, check: bool
) -> subprocess.CompletedProcess[str]:
    request = {"argv": argv, "script": script, "cwd": str(cwd or Path.cwd()), "env": dict(os.environ)}
    told, tells = os.pipe()
    with (
        tempfile.TemporaryFile() as stdin,
        tempfile.TemporaryFile() as stdout,
        tempfile.TemporaryFile() as stderr,
    ):
        stdin.write(given.encode())
        stdin.seek(0)
        files = [stdin.fileno(), stdout.fileno(), stderr.fileno(), tells]
        try:
            socket.send_fds(_server(), [json.dumps(request).encode()], files)
        finally:
            os.close(tells)
        with os.fdopen(told, encoding="ascii") as answer:
            code = answer.read()
        assert code, "the server of forked processes died"
        stdout.seek(0)
        stderr.seek(0)
        done = subprocess.CompletedProcess(argv, int(code), stdout.read().decode(), stderr.read().decode())
    if check:
        done.check_returncode()
    return done


@cache
def _server() -> socket.socket:
    """A connection to the server, which lives until the last process that has the connection ends."""
    own, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _ENOUGH)
    quiet = subprocess.DEVNULL
    with its:
        server = subprocess.Popen(
            [sys.executable, __file__, str(its.fileno())],
            pass_fds=[its.fileno()],
            stdin=quiet,
            stdout=quiet,
        )

    @atexit.register
    def end() -> None:
        own.close()
        server.terminate()
        server.wait()

    return own


def _import_everything() -> None:
    import trustworks  # noqa: PLC0415 - by the server alone

    for module in pkgutil.walk_packages(trustworks.__path__, "trustworks."):
        if not module.name.endswith("__main__") and ".migrations." not in module.name:
            importlib.import_module(module.name)
    importlib.import_module("alembic.command")


def _serve(requests: socket.socket) -> dict[str, Any] | None:
    """Fork for every request; answers the request in the process that is to do it, and None at the end."""
    while True:
        # Whoever waits for a process is forked too, and nobody waits for him.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        text, files, *_ = socket.recv_fds(requests, _ENOUGH, 4)
        if not text:
            return None
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            requests.close()
            *streams, tells = files
            process = os.fork()
            if process == 0:
                os.close(tells)
                for number, stream in enumerate(streams):
                    os.dup2(stream, number)
                    os.close(stream)
                found: dict[str, Any] = json.loads(text)
                return found
            _, status = os.waitpid(process, 0)
            os.write(tells, str(os.waitstatus_to_exitcode(status)).encode())
            os._exit(0)
        for file in files:
            os.close(file)


def _do_and_end(request: dict[str, Any]) -> None:
    """Do it, and end as Python ends, but for what it would free one by one: all that was ever imported.

    That would write to memory that is shared until then, and takes longer than most commands. What ends with
    an exception ends in the usual way.
    """
    code = 0
    try:
        _do(request)
    except SystemExit as asked:
        if not isinstance(asked.code, int | None):
            raise
        code = asked.code or 0
    threading._shutdown()  # type: ignore[attr-defined] # Python has no other way to wait for threads
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code & 0xFF)


def _do(request: dict[str, Any]) -> None:
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    sys.argv = request["argv"]
    if request["script"] is None:
        from trustworks.app.cli import main  # noqa: PLC0415 - imported already

        main()
    else:
        exec(compile(request["script"], "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - ours


if __name__ == "__main__":
    _import_everything()
    gc.freeze()
    asked = _serve(socket.socket(fileno=int(sys.argv[1])))
    if asked is not None:
        _do_and_end(asked)
