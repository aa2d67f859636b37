"""The benchmark programs that the documentation names run to their end; what they measure is for no test."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_benchmark_of_validation_tells_each_figure_beside_its_target() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "validation.py"), "--quick"],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert lines, done.stderr
    assert lines[-1].startswith("missed: "), done.stderr
    assert done.returncode == int(lines[-1] != "missed: none")  # 1: a target was missed, and nothing else
    told = [re.split(r"\s{2,}", line.strip())[0] for line in lines if "; target " in line]
    assert told == [
        "PAdES B-LT, times pyHanko",
        "CAdES B-T",
        "XAdES B-B, 10,000 octets",
        "a.pdf: processor time",
        "a.p7m: processor time",
        "a.xml: processor time",
        "data.p7s: share of the speed of SHA-256",
        "data.p7s: memory",
        "data.asics: share of the speed of SHA-256",
        "data.asics: memory",
    ]
