"""Children that are forks of a process that has imported everything: as separate as new programs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from laboratory import UP_WITHIN, until

from trustworks.app.processes.fork_server import UNKNOWN_END, ForkServer
from trustworks.app.processes.serving import IMPORTS
from trustworks.app.processes.supervisor import ProcessSpec, Supervisor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.app.processes.fork_server import ChildProcess

FIXED = 6  # input, output and errors; requests; of the one child its descriptor, and where its end is told

# Says ready, and then does what its argument says.
CHILD = """
import os, sys, time
from trustworks.app.processes.supervisor import tell_ready, when_orphaned
def main(arguments):
    tell_ready()
    if arguments[0] == "end":
        sys.exit(int(arguments[1]))
    if arguments[0] == "tell":
        held = sorted(int(name) for name in os.listdir("/proc/self/fd"))
        print(os.getpgid(0) == os.getpid(), held, sys.argv[1:], flush=True)
        return
    when_orphaned(lambda: os._exit(0))
    time.sleep(600)
if __name__ == "__main__":
    main(sys.argv[1:])
"""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ForkServer]:
    (tmp_path / "forked_child.py").write_text(CHILD, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = ForkServer(["forked_child"])
    yield found
    found.close()


@contextmanager
def closing(child: ChildProcess) -> Iterator[ChildProcess]:
    """A child that is ended, and its pipes closed, when the test is over."""
    try:
        yield child
    finally:
        child.kill()
        child.wait(UP_WITHIN)
        for pipe in (child.stdin, child.stdout):
            assert pipe is not None
            pipe.close()


def spec(name: str = "one", *arguments: str) -> ProcessSpec:
    return ProcessSpec(name=name, module="forked_child", arguments=arguments or ("stay",))


@pytest.mark.parametrize("code", [0, 3])
def test_an_exit_code_is_told(server: ForkServer, code: int) -> None:
    with closing(server.start("one", "forked_child", ["end", str(code)])) as child:
        assert child.wait(UP_WITHIN) == code
        assert child.poll() == child.returncode == code


def test_a_signal_is_told_and_reaches_one_child_alone(server: ForkServer) -> None:
    with (
        closing(server.start("one", "forked_child", ["stay"])) as one,
        closing(server.start("other", "forked_child", ["stay"])) as other,
    ):
        with pytest.raises(subprocess.TimeoutExpired):
            one.wait(0.01)
        one.kill()
        assert one.wait(UP_WITHIN) == -signal.SIGKILL
        one.terminate()  # of one that has ended: nothing
        assert other.poll() is None
        other.terminate()
        assert other.wait(UP_WITHIN) == -signal.SIGTERM


def test_a_child_has_its_own_group_name_arguments_and_no_descriptor_of_another(server: ForkServer) -> None:
    with (
        closing(server.start("other", "forked_child", ["stay"])) as other,
        closing(server.start("teller", "forked_child", ["tell", "this"])) as child,
    ):
        assert child.stdout is not None
        assert child.wait(UP_WITHIN) == 0
        # Beside the streams the one through which it looked at them.
        assert child.stdout.read().decode() == "ready\nTrue [0, 1, 2, 3] ['tell', 'this']\n"
        assert Path(f"/proc/{other.pid}/comm").read_text(encoding="ascii") == "other\n"


def test_children_outlive_the_fork_server_and_are_followed(server: ForkServer) -> None:
    with closing(server.start("one", "forked_child", ["stay"])) as child:
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        until(lambda: server.pid is None)
        assert child.poll() is None
        with closing(server.start("two", "forked_child", ["stay"])) as another:  # by another fork server
            child.kill()
            assert child.wait(UP_WITHIN) == UNKNOWN_END
            assert another.poll() is None


def test_a_child_stops_when_its_input_is_closed(server: ForkServer) -> None:
    with closing(server.start("one", "forked_child", ["stay"])) as child:
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(UP_WITHIN) == 0


@contextmanager
def supervised(imports: list[str], *specs: ProcessSpec) -> Iterator[tuple[Supervisor, list[int]]]:
    """A supervisor whose children all serve, and the process ids of those that died."""
    ready = threading.Event()
    deaths: list[int] = []
    supervisor = Supervisor(specs, imports=imports, on_death=deaths.append)
    thread = threading.Thread(target=supervisor.run, kwargs={"on_ready": ready.set}, daemon=True)
    thread.start()
    try:
        assert ready.wait(UP_WITHIN)
        yield supervisor, deaths
    finally:
        supervisor.stop()
        thread.join(UP_WITHIN)
    assert not thread.is_alive()


@pytest.mark.usefixtures("server")
def test_without_a_fork_server_that_answers_a_child_is_a_new_program() -> None:
    with supervised(["no_such_module"], spec()) as (supervisor, _):
        words = Path(f"/proc/{supervisor.pids['one']}/cmdline").read_text(encoding="utf-8").split("\0")
        assert words[:4] == [sys.executable, "-m", "forked_child", "stay"]


@pytest.mark.crash
@pytest.mark.usefixtures("server")
def test_the_supervisor_starts_a_fork_again() -> None:
    with supervised(["forked_child"], spec("one"), spec("two")) as (supervisor, deaths):
        first = supervisor.pids["one"]
        os.kill(first, signal.SIGKILL)
        until(lambda: supervisor.pids.get("one") not in {None, first}, seconds=UP_WITHIN)
        assert deaths == [first]


def test_what_the_processes_import_opens_nothing_and_starts_no_thread() -> None:
    server = ForkServer(IMPORTS)
    try:
        with closing(server.start("one", "timeit", ["-n1", "-r1", "import time; time.sleep(600)"])):
            folder = Path(f"/proc/{server.pid}")
            assert len(list((folder / "task").iterdir())) == 1
            assert "softhsm" not in (folder / "maps").read_text(encoding="utf-8")
            opened = [str(one.readlink()) for one in (folder / "fd").iterdir()]
            assert len(opened) == FIXED, opened
    finally:
        server.close()


def test_the_end_of_the_supervisor_ends_the_fork_server() -> None:
    script = (
        "import sys, time; from trustworks.app.processes.fork_server import ForkServer\n"
        "one = ForkServer(['json']); child = one.start('one', 'timeit', ['-n1', '-r1', 'pass'])\n"
        "print(one.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline())
        supervisor.kill()
    deadline = time.monotonic() + UP_WITHIN
    while Path(f"/proc/{pid}/fd").exists() and _state(pid) != "Z":
        assert time.monotonic() < deadline, "the fork server lives on"
        time.sleep(0.02)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
