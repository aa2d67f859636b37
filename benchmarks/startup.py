"""How long `trustworks --help` takes, beside an interpreter that does nothing.

    python benchmarks/startup.py

Exit code 1 when the best of the runs is not below the 0.4 s that a person does not notice.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

RUNS = 15
LIMIT = 0.4
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


def main() -> int:
    # In turn, so that whatever else the machine does falls on all of them.
    rounds = [{name: seconds(command) for name, command in COMMANDS.items()} for _ in range(RUNS)]
    for name in COMMANDS:
        taken = sorted(one[name] for one in rounds)
        print(f"{name:<28} best {taken[0]:.3f} s   median {taken[RUNS // 2]:.3f} s")
    best = min(one["trustworks --help"] for one in rounds)
    print(f"limit {LIMIT} s: {'kept' if best < LIMIT else 'MISSED'}")
    return int(best >= LIMIT)


if __name__ == "__main__":
    sys.exit(main())
