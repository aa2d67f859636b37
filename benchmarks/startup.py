"""How long a start takes: of the command line, of a laboratory from nothing, and of the same one again.

    python benchmarks/startup.py [--only-commands]

References: an interpreter that does nothing, for the command line; limits from the issue for the laboratory
(first token 30 s after nothing was there, second start 5 s, 150 MB resident memory of an idle worker). Exit
code 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from _served import processes_of  # type: ignore[import-not-found] # the script beside this one

from trustworks.timestamping.client import granted_token, request_token
from trustworks.timestamping.wire import encode_request

RUNS = 15
HELP_LIMIT = 0.4
FIRST_TOKEN_LIMIT = 30.0
SECOND_START_LIMIT = 5.0
MEMORY_LIMIT = 150.0
TRUSTWORKS = Path(sys.executable).with_name("trustworks")
COMMANDS: dict[str, list[str]] = {
    "python -c pass (reference)": [sys.executable, "-c", "pass"],
    "trustworks --help": [str(TRUSTWORKS), "--help"],
    "trustworks time --help": [str(TRUSTWORKS), "time", "--help"],
}


def seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def commands() -> bool:
    """Measure the command line; whether the limit was kept."""
    # In turn, so that whatever else the machine does falls on all of them.
    rounds = [{name: seconds(command) for name, command in COMMANDS.items()} for _ in range(RUNS)]
    for name in COMMANDS:
        taken = sorted(one[name] for one in rounds)
        print(f"{name:<34} best {taken[0]:.3f} s   median {taken[RUNS // 2]:.3f} s")
    return told("trustworks --help", min(one["trustworks --help"] for one in rounds), HELP_LIMIT, "s")


def told(what: str, value: float, limit: float, unit: str) -> bool:
    kept = value < limit
    print(f"{what:<34} {value:.2f} {unit}   limit {limit:g} {unit}: {'kept' if kept else 'MISSED'}")
    return kept


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Run:
    """One start of a laboratory: how long until its first token, and until it says that it is up."""

    def __init__(self, folder: Path, port: int, tls_port: int) -> None:
        url = f"http://127.0.0.1:{port}/tsa"
        command = [str(TRUSTWORKS), "lab", "--dir", str(folder), "--listen", f"127.0.0.1:{port}"]
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [*command, "--tls-listen", f"127.0.0.1:{tls_port}"], stdout=subprocess.PIPE, text=True
        )
        query = encode_request(bytes(32), "sha256")
        while True:
            assert self.process.poll() is None, "the laboratory ended"
            try:
                granted_token(request_token(url, query))
                break
            except Exception:  # noqa: BLE001 - not up yet, in whatever way
                time.sleep(0.02)
        self.first_token = time.perf_counter() - began
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if "is up" in line:
                break
        self.up = time.perf_counter() - began

    def memory(self) -> dict[str, float]:
        """Resident memory of each process, in megabytes; of what forks share each has its part."""
        found = {}
        for name, pid in processes_of(self.process.pid).items():
            size = re.search(r"\nPss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8"))
            assert size is not None
            found[name] = int(size[1]) / 1000
        return found

    def stop(self) -> float:
        """Stop it; how long that took."""
        began = time.perf_counter()
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=30)
        return time.perf_counter() - began


def laboratory() -> bool:
    """Measure a laboratory; whether all limits were kept."""
    ports = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        first = Run(Path(folder) / "lab", *ports)
        kept = told("lab from nothing to first token", first.first_token, FIRST_TOKEN_LIMIT, "s")
        httpx.get(f"http://127.0.0.1:{ports[0]}/healthz", timeout=30)
        memory = first.memory()
        for name in sorted(memory):
            kept &= told(f"memory of the idle {name}", memory[name], MEMORY_LIMIT, "MB")
        print(f"{'graceful stop':<34} {first.stop():.2f} s")
        second = Run(Path(folder) / "lab", *ports)
        print(f"{'second start to first token':<34} {second.first_token:.2f} s")
        kept &= told("second start until all is up", second.up, SECOND_START_LIMIT, "s")
        second.stop()
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only-commands", action="store_true", help="leave the laboratory out")
    given = parser.parse_args()
    kept = commands()
    if not given.only_commands:
        kept &= laboratory()
    return int(not kept)


if __name__ == "__main__":
    sys.exit(main())
