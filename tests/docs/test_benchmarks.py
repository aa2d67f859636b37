"""The benchmark programs that the documentation names run to their end; what they measure is for no test."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def told(benchmark: str) -> list[str]:
    """The figures that have a target."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / benchmark), "--quick"],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert lines, done.stderr
    assert lines[-1].startswith("missed: "), done.stderr
    assert done.returncode == int(lines[-1] != "missed: none")  # 1: a target was missed, and nothing else
    return [re.split(r"\s{2,}", line.strip())[0] for line in lines if "; target " in line]


def test_the_benchmark_of_validation_tells_each_figure_beside_its_target() -> None:
    assert told("validation.py") == [
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


def test_the_benchmark_of_signing_tells_each_figure_beside_its_target() -> None:
    assert told("signing.py") == [
        *(f"{name} B-B" for name in ("XAdES", "CAdES", "JAdES")),
        "PAdES B-B, times pyHanko",
        *(f"{name} B-B by Creation" for name in ("xades", "cades", "jades")),
        *(
            f"{name} B-T beside B-B and the unit, by Creation"
            for name in ("xades", "cades", "jades", "pades")
        ),
        *(f"{name} B-T beside B-B and the unit" for name in ("XAdES", "CAdES", "JAdES")),
        *(
            f"{name}: {figure}"
            for name in ("detached CAdES", "ASiC-E with CAdES", "ASiC-E with XAdES")
            for figure in ("share of the speed of SHA-256", "memory")
        ),
    ]
